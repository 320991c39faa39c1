// A plane of latent space on the page: its canvases, sized to it and the screen, and what every plane draws on them.

import { drawAxes, drawClassNames, drawPoints, drawRings } from "./drawing.js";

const LAYERS = ["points", "marks"];
const NONE = new Set();

export class Plane {
  // find(selector): within the component. resized({side, ratio}): the plane has got another size.
  constructor(find, resized) {
    this.box = find(".plane");
    this.contexts = Object.fromEntries(LAYERS.map((name) => [name, find(`canvas.${name}`).getContext("2d")]));
    this.side = 0; // CSS pixels
    this.ratio = 1;
    this.resized = resized;
    this.resizes = new ResizeObserver(() => { if (this.fit()) this.resized(); });
    this.resizes.observe(this.box);
  }

  // Sizes the canvases, drawn in CSS pixels; whether anything changed, which clears them. anew: also where nothing did.
  fit(anew = false) {
    const [side, ratio] = [this.box.clientWidth, window.devicePixelRatio || 1];
    if (!side || (!anew && side === this.side && ratio === this.ratio)) return false;
    for (const context of Object.values(this.contexts)) {
      context.canvas.width = context.canvas.height = Math.round(side * ratio);
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
    }
    Object.assign(this, { side, ratio });
    return true;
  }

  // The context of a layer, emptied.
  cleared(layer) {
    const context = this.contexts[layer];
    context.clearRect(0, 0, this.side, this.side);
    return context;
  }

  drawPoints(context, view, { points, classes, hidden = NONE, palette }) {
    drawPoints(context, this.side, view, points, classes, hidden, palette);
  }

  drawNames(context, view, { centres, labels, hidden = NONE, palette }) {
    drawClassNames(context, this.side, view, centres, labels, hidden, palette);
  }

  // Rings of the prior and the axes, at the true scale of both.
  drawScale(context, view, { rings, axes }) {
    drawRings(context, this.side, view, rings);
    drawAxes(context, this.side, view, axes);
  }

  end() { this.resizes.disconnect(); }
}

// Puts a canvas that was drawn for one view where it belongs in another.
export function stretch(canvas, drawn, view) {
  const [u, v] = view.toPlane(drawn.cx - drawn.half, drawn.cy + drawn.half);
  canvas.style.transform = `translate(${u * 100}%, ${v * 100}%) scale(${drawn.half / view.half})`;
}
