// How one number of the code goes while a feature goes from end to end: a line, and a dot where both are now.

import { fitted } from "../engine/sharp.js";

const EDGE = 6; // CSS pixels

export class Course {
  canvas;

  low;

  high;

  // number: {low, high}, the ends of its scale.
  constructor(canvas, { low, high }) {
    Object.assign(this, { canvas, low, high, line: null, at: null });
    this.resized = new ResizeObserver(() => this.draw());
    this.resized.observe(canvas);
  }

  // The number's values at places of equal distance.
  show(line) {
    this.line = line;
    this.draw();
  }

  // share: where the feature is, 0 to 1.
  mark(share, value) {
    this.at = [share, value];
    this.draw();
  }

  draw() {
    const drawn = fitted(this.canvas);
    if (!drawn) return;
    const { context, width, height } = drawn;
    const colour = getComputedStyle(this.canvas).getPropertyValue("--st-primary-color");
    const text = getComputedStyle(this.canvas).color;
    const x = (share) => EDGE + (width - 2 * EDGE) * share;
    const y = (value) => height - EDGE - (height - 2 * EDGE) * Math.min(1, Math.max(0, (value - this.low) / (this.high - this.low)));
    context.strokeStyle = colour;
    context.lineWidth = 2;
    if (this.line) {
      context.beginPath();
      this.line.forEach((value, place) => context.lineTo(x(place / (this.line.length - 1)), y(value)));
      context.stroke();
    }
    if (!this.at) return;
    context.fillStyle = text;
    context.beginPath();
    context.arc(x(this.at[0]), y(this.at[1]), 4, 0, 2 * Math.PI);
    context.fill();
  }

  end() { this.resized.disconnect(); }
}
