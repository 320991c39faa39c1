// What every component does with the page: makes elements, and says when it cannot draw.

import { bodies, parsePayload } from "./payload.js";
import { shared } from "./shared.js";

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

// Hides the .component at a mount point and says in its .failed box that the `noun`, such as plane, was not drawn.
export function showFailure(parent, noun, error) {
  parent.querySelector(".component")?.setAttribute("hidden", "");
  const box = parent.querySelector(".failed");
  box.hidden = false;
  box.textContent = `This ${noun} could not be drawn: ${error.message}. Reload the page to try again.`;
}

const PATIENCE = 400; // ms: tensors that are on their way come sooner
const GIVEN_UP = 15000; // ms
const newest = new WeakMap(); // mount point -> the data it was last given
const waiting = shared("waiting", () => new Map()); // id of tensors -> functions to call when they have come

// Calls use(payload) with what a component was given: at once, or as soon as its tensors are known. If they do not
// come, the server is asked for them. What fails is said as in showFailure.
export function withPayload({ data, parentElement, setTriggerValue }, noun, use) {
  newest.set(parentElement, data);
  const attempt = () => {
    if (newest.get(parentElement) !== data) return; // something newer came, or the component is gone
    try {
      const payload = parsePayload(data);
      const id = payload.header.body?.id;
      if (payload.missing) {
        waiting.set(id, [...(waiting.get(id) ?? []), attempt]);
        const stillMissing = () => newest.get(parentElement) === data && !bodies.has(id);
        setTimeout(() => { if (stillMissing()) setTriggerValue("want", id); }, PATIENCE);
        setTimeout(() => {
          if (stillMissing()) showFailure(parentElement, noun, new Error("its data did not arrive"));
        }, GIVEN_UP);
        return;
      }
      use(payload);
      const others = waiting.get(id) ?? [];
      waiting.delete(id);
      for (const other of others) other();
    } catch (error) {
      showFailure(parentElement, noun, error);
    }
  };
  attempt();
}

// To be called when a component is taken off the page.
export function forgetPayload(parentElement) { newest.delete(parentElement); }
