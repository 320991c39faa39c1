// How one number of the code goes while a feature goes from end to end: a line, and a dot where both are now.

import { fitted } from "../engine/sharp.js";

const EDGE = 6; // CSS pixels

export class Course {
  canvas;

  low;

  high;

  drawn = null; // {context, width, height}, once the canvas has a size

  colours = ["", ""]; // of the line and of the dot

  // number: {low, high}, the ends of its scale.
  constructor(canvas, { low, high }) {
    Object.assign(this, { canvas, low, high, line: null, at: null });
    this.resized = new ResizeObserver(() => { this.fit(); this.draw(); });
    this.resized.observe(canvas);
  }

  // Asking for sizes and colours makes the browser lay the page out: never while a hand moves.
  fit() {
    this.drawn = fitted(this.canvas);
    const style = getComputedStyle(this.canvas);
    this.colours = [style.getPropertyValue("--st-primary-color"), style.color];
  }

  // The number's values at places of equal distance.
  show(line) {
    this.line = line;
    this.fit();
    this.draw();
  }

  // share: where the feature is, 0 to 1.
  mark(share, value) {
    this.at = [share, value];
    this.draw();
  }

  draw() {
    if (!this.drawn) return;
    const { context, width, height } = this.drawn;
    const [colour, text] = this.colours;
    context.clearRect(0, 0, width, height);
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
