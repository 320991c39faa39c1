// The two layers that take a while: the decoded manifold, and the distance to the nearest point.

import { Heat } from "../engine/heat.js";
import { pageLink } from "../engine/link.js";
import { Manifold } from "../engine/manifold.js";
import { stretch } from "../engine/plane.js";

const REST_MS = 120; // the view has stood still for so long

export class Layers {
  constructor(canvas) {
    this.canvas = canvas;
    this.heatShown = false;
    this.manifoldView = this.heatView = null; // what they were drawn for
  }

  build() {
    const { canvas } = this;
    this.endFills();
    this.manifold = new Manifold(canvas.find("canvas.manifold"), canvas.decoder, canvas.image);
    this.heat = new Heat(canvas.find("canvas.heat"));
    this.show("heat", this.heatShown);
  }

  showNote() {
    const { find, header } = this.canvas;
    const share = Number((100 * header.empty_share).toFixed(1));
    find(".heat-noun").textContent = header.noun ?? "image";
    find(".heat-note").title = `Farther from every code than ${share}% of the codes are from their nearest neighbour`;
    find(".heat-note").hidden = !this.heatShown;
  }

  show(name, shown) {
    const { find } = this.canvas;
    find(`[data-do="${name}"]`).setAttribute("aria-pressed", String(shown));
    find(`canvas.${name}`).hidden = !shown;
    if (name === "heat") {
      this.heatShown = shown;
      this.showNote();
      pageLink.changed();
    }
    if (shown && name === "manifold") this.fillManifold();
    if (shown && name === "heat") this.fillHeat();
  }

  // What is drawn is stretched to the moved view at once, and drawn anew as soon as it rests.
  viewChanged() {
    const { view } = this.canvas;
    if (this.manifoldView) stretch(this.manifold.canvas, this.manifoldView, view);
    if (this.heatView) stretch(this.heat.canvas, this.heatView, view);
    clearTimeout(this.refill);
    this.refill = setTimeout(() => this.fill(), REST_MS);
  }

  fill() {
    this.fillManifold();
    this.fillHeat();
  }

  fillManifold() {
    const { canvas, context } = this.manifold;
    if (canvas.hidden) return;
    const seen = this.canvas.view.get();
    if (this.manifoldView && JSON.stringify(seen) !== JSON.stringify(this.manifoldView)) context.clearRect(0, 0, canvas.width, canvas.height);
    this.manifoldView = seen;
    canvas.style.transform = "";
    delete canvas.dataset.complete;
    this.manifold.fill(this.canvas.view.copy(), () => { canvas.dataset.complete = this.manifold.milliseconds.toFixed(0); });
  }

  fillHeat() {
    const { canvas } = this.heat;
    if (canvas.hidden) return;
    const { xy: points, classes, hidden, header } = this.canvas;
    const view = this.canvas.view.copy();
    delete canvas.dataset.complete;
    this.heat.fill(view, { points, classes, hidden: new Set(hidden), beyond: header.empty_beyond }, () => {
      this.heatView = view.get();
      stretch(canvas, this.heatView, this.canvas.view); // the view may have moved on since
      canvas.dataset.complete = this.heat.milliseconds.toFixed(0);
    });
  }

  state() {
    return {
      manifoldMilliseconds: this.manifold.milliseconds, longestSlice: this.manifold.longestSlice,
      heatMilliseconds: this.heat.milliseconds, longestHeatSlice: this.heat.longestSlice,
    };
  }

  endFills() { for (const layer of [this.manifold, this.heat]) if (layer) layer.version++; }

  end() {
    clearTimeout(this.refill);
    this.endFills();
  }
}
