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

// Comes back once the opening is there and was drawn.
export async function openingDrawn(page = document, { wait = pause, drawn = frame } = {}) {
  for (let waited = 0; waited < LONGEST_MS && !opened(page); waited += LOOK_MS) await wait(LOOK_MS);
  await Promise.race([drawn(), wait(LOOK_MS)]); // a tab in the background draws nothing
  await wait(0);
}
