// Samples of the prior, falling on the plane one after the other: where a sampler would look for new images.

import { still } from "../engine/page.js";

const EACH_MS = 70;
const ARM = 5; // CSS pixels
const COLOUR = "#FFE066";

export class Samples {
  constructor(canvas) {
    this.canvas = canvas;
    this.places = []; // [[x, y], ...]
    this.fallen = 0;
  }

  // They fall once: a page that runs again, or motion that is unwelcome, shows them where they lie.
  take(places, anew) {
    this.places = places;
    cancelAnimationFrame(this.falling);
    if (!anew || still() || !places.length) { this.fallen = places.length; return; }
    const began = performance.now();
    const frame = (now) => {
      this.fallen = Math.min(places.length, Math.floor((now - began) / EACH_MS));
      this.canvas.drawMarks();
      if (this.fallen < places.length) this.falling = requestAnimationFrame(frame);
    };
    this.fallen = 0;
    this.falling = requestAnimationFrame(frame);
  }

  draw(context, side, view) {
    const cross = new Path2D();
    for (const [x, y] of this.places.slice(0, this.fallen)) {
      const [u, v] = view.toPlane(x, y).map((share) => share * side);
      cross.moveTo(u - ARM, v);
      cross.lineTo(u + ARM, v);
      cross.moveTo(u, v - ARM);
      cross.lineTo(u, v + ARM);
    }
    for (const [width, colour] of [[4, "rgba(4, 6, 11, 0.8)"], [2, COLOUR]]) {
      context.lineWidth = width;
      context.strokeStyle = colour;
      context.stroke(cross);
    }
  }

  end() { cancelAnimationFrame(this.falling); }
}
