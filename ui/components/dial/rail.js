// The β slider: a range input whose whole numbers are the stops, and a button for each under it.

import { element } from "../engine/page.js";

const PAGE_OF_STOPS = 3; // PageUp and PageDown

export class Rail {
  // on: {grab(), drag(position), release(), go(index)}, what the visitor does, and goal(), the stop it is going to.
  constructor(root, on) {
    this.root = root;
    this.on = on;
    this.slider = root.querySelector("input");
    const { slider } = this;
    slider.addEventListener("pointerdown", () => { this.held = true; on.grab(); });
    slider.addEventListener("input", () => { this.held = true; on.drag(slider.valueAsNumber); });
    for (const end of ["change", "pointerup", "pointercancel"]) slider.addEventListener(end, () => this.release());
    slider.addEventListener("keydown", (event) => this.key(event));
  }

  build(stops) {
    this.last = stops.length - 1;
    this.slider.max = this.last;
    this.slider.disabled = this.last === 0;
    this.ticks = stops.map(({ label, name }, index) => {
      const tick = element("button", { type: "button", textContent: label, title: `Go to ${name}` });
      tick.setAttribute("aria-label", name);
      tick.style.setProperty("--at", this.share(index));
      tick.onclick = () => this.on.go(index);
      return tick;
    });
    const box = this.root.querySelector(".ticks");
    box.style.setProperty("--count", Math.max(1, this.last));
    box.replaceChildren(...this.ticks);
  }

  share(position) { return this.last ? position / this.last : 0; }

  release() {
    if (!this.held) return;
    this.held = false;
    this.on.release();
  }

  // Arrows go from stop to stop: what lies between two of them is for the hand.
  key(event) {
    const goal = this.on.goal();
    const goals = {
      ArrowLeft: goal - 1, ArrowDown: goal - 1, ArrowRight: goal + 1, ArrowUp: goal + 1,
      PageDown: goal - PAGE_OF_STOPS, PageUp: goal + PAGE_OF_STOPS, Home: 0, End: this.last,
    };
    if (!(event.key in goals) || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    this.on.go(Math.min(Math.max(goals[event.key], 0), this.last));
  }

  // The slider stands at `position`; the numbers on the page are those of stop `nearest`.
  show(position) { this.slider.value = position; }

  showNearest(nearest, sentence) {
    this.slider.setAttribute("aria-valuetext", sentence);
    this.ticks.forEach((tick, index) => tick.setAttribute("aria-current", String(index === nearest)));
  }

  // Which stops can be gone to: [first, last], or null for none.
  showReach(reach) {
    const [low, high] = reach ?? [0, 0];
    const arrived = this.root.querySelector(".arrived");
    arrived.style.setProperty("--from", this.share(low));
    arrived.style.setProperty("--to", this.share(high));
    this.ticks.forEach((tick, index) => { tick.disabled = !reach || index < low || index > high; });
  }
}
