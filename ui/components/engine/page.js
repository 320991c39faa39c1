// What every component does with the page: makes elements, and says when it cannot draw.

import { LATER, bodyAtHand, bodyOf } from "./bodies.js";
import { parseHead, payloadOf } from "./payload.js";

export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

// Plotly draws for the screen's width, and nothing tells it of paper: while the page is printed its drawings scale.
const plotted = () => document.querySelectorAll(".js-plotly-plot .main-svg");
window.addEventListener("beforeprint", () => {
  for (const svg of plotted()) svg.setAttribute("viewBox", `0 0 ${svg.getAttribute("width")} ${svg.getAttribute("height")}`);
});
window.addEventListener("afterprint", () => { for (const svg of plotted()) svg.removeAttribute("viewBox"); });

// A picture with a name for those who do not see it.
export function named(canvas, name) {
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", name);
  return canvas;
}

// Gives the visitor a file.
export function save(blob, name) {
  const link = element("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

export const still = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;

// Takes a drag for `box` from its pointerdown on. Nothing stays selected: where selected text spans the box, the browser
// would drag that text, and the box would not hear of the pointer again.
export function takePointer(box, event) {
  getSelection().removeAllRanges();
  box.setPointerCapture(event.pointerId);
}

// Hides the .component at a mount point and says in its .failed box that the `noun`, such as plane, was not drawn.
export function showFailure(parent, noun, error) {
  parent.querySelector(".component")?.setAttribute("hidden", "");
  const box = parent.querySelector(".failed");
  box.hidden = false;
  box.textContent = `This ${noun} could not be drawn: ${error.message}. Reload the page to try again.`;
}

// Shows a .component: all of it, or while it waits for its tensors the place that it will need (base.css).
export function showComponent(root, waiting = false) {
  root.classList.toggle("waiting", waiting);
  // Its parts, not itself: what is pressed would else be whatever lies behind, and a drag there selects text (base.css).
  for (const part of root.children) part.inert = waiting;
  root.hidden = false;
}

const newest = new WeakMap(); // mount point -> the call of its component that came last

// What a component's default export returns. Streamlit calls it when the component is taken off the page, and then
// end(parentElement) is called. Streamlit calls a component whenever its page ran. If that happens while its module still
// loads, the first call is ended after the second has begun, at the same mount point: then there is nothing to end.
export function endOf(call, end) {
  const { parentElement } = call;
  newest.set(parentElement, call);
  return () => {
    if (newest.get(parentElement) !== call) return;
    newest.delete(parentElement);
    end(parentElement);
  };
}

// Calls use(payload) with what a component was given: at once if its tensors are at hand, else when they have come, and
// before(header) meanwhile, so that it takes its place on the page. Then later(payload), as each of the further payloads comes that the header lists, and missed(error) for one that does not.
// What else fails is said as in showFailure. Returns what `endOf` does.
export function withPayload(call, noun, use, end, { before = nothing, later = nothing, missed = warn } = {}) {
  const { data, parentElement } = call;
  const ended = endOf(call, end);
  const current = () => newest.get(parentElement) === call; // else something newer came, or the component is gone
  const rank = (stage) => () => stage + (!current() ? 2 * LATER : near(parentElement) ? 0 : LATER);
  const failed = (error) => { if (current()) showFailure(parentElement, noun, error); };
  const show = (header, headerText, body) => {
    if (!current()) return;
    try {
      use({ ...payloadOf(header, body), headerText });
    } catch (error) {
      failed(error);
      return;
    }
    fetchLater(header.later ?? [], current, rank(1), later, missed);
  };
  try {
    const { header, headerText } = parseHead(data);
    const known = bodyAtHand(header.body);
    if (known) {
      show(header, headerText, known);
      return ended;
    }
    before(header);
    bodyOf(header.body, { rank: rank(0) }).then((body) => show(header, headerText, body), failed);
  } catch (error) {
    failed(error);
  }
  return ended;
}

// A component's default export: one Part at each mount point, made when it is first needed, which has prepare(header),
// update(payload) and remove(). further(here): what else `withPayload` takes; here() is the Part.
export function mounting(Part, noun, further = (_here) => ({})) {
  const parts = new WeakMap(); // mount point -> Part
  return (mounted) => {
    const { parentElement } = mounted;
    const here = () => {
      if (!parts.has(parentElement)) parts.set(parentElement, new Part(parentElement));
      return parts.get(parentElement);
    };
    const end = () => {
      parts.get(parentElement)?.remove();
      parts.delete(parentElement);
    };
    return withPayload(mounted, noun, (payload) => here().update(payload), end, { before: (header) => here().prepare(header), ...further(here) });
  };
}

const nothing = (_given) => undefined;
const warn = (error) => { console.warn(error.message); };

// Whether a mount point is in the window, or will be after half a window more.
function near(parent) {
  const { top, bottom } = (parent.host ?? parent).getBoundingClientRect();
  return top < 1.5 * window.innerHeight && bottom > -0.5 * window.innerHeight;
}

const LANES = 2; // at once, so that one that fails does not hold up all others

// The first alone: with it, a component answers.
async function fetchLater(headers, current, rank, later, missed) {
  const queue = headers.values();
  const lane = async (most) => {
    for (let number = 0; number < most; number++) {
      const { value: header, done } = queue.next();
      if (done || !current()) return;
      try {
        await later(payloadOf(header, await bodyOf(header.body, { rank })));
      } catch (error) {
        missed(error);
      }
    }
  };
  await lane(1);
  for (let number = 0; number < LANES; number++) lane(Infinity);
}
