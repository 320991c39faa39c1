// What the browser loads in place of a large module of Streamlit's front end (head.py). Plotly takes it half a second of
// work to begin with, and while it works nothing else is drawn: it waits until the opening of the page is on screen.

const LOOK_MS = 30;
const LONGEST_MS = 6000; // whatever is missing then, Plotly comes

// Whether the first step of the page has its words and its instrument. A page without steps waits for nothing.
export function opened(page) {
  const step = page.querySelector("[class*='st-key-step-'], [class*='st-key-widestep-']");
  if (!step) return true;
  if (step.querySelector("[class*='st-key-words-'] [data-testid=stSkeleton]")) return false;
  const instrument = step.querySelector("[class*='st-key-instrument-']");
  const roots = [...(instrument?.querySelectorAll("*") ?? [])].map((one) => one.shadowRoot).filter(Boolean);
  return roots.every((root) => root.querySelector(".component:not([hidden]), .failed:not([hidden])"));
}

const pause = (milliseconds) => new Promise((done) => { setTimeout(done, milliseconds); });
const frame = () => new Promise((done) => { requestAnimationFrame(done); });

// Comes back once the opening is there and was drawn. A tab in the background draws nothing, and its timers hardly run:
// it waits for nothing.
export async function openingDrawn(page = document, { wait = pause, drawn = frame, now = () => performance.now() } = {}) {
  const end = now() + LONGEST_MS;
  while (!page.hidden && now() < end && !opened(page)) await wait(LOOK_MS);
  if (page.hidden) return;
  await Promise.race([drawn(), wait(LOOK_MS)]); // it may have gone to the background meanwhile
  await wait(0);
}
