// Bars on a canvas as wide as its box: one for each entry, in its colour. Sharp on every screen.

import { fitted } from "../engine/sharp.js";

export class BarChart {
  // over(index): the pointer is over that bar, or with -1 over none.
  constructor(canvas, over) {
    this.canvas = canvas;
    this.bars = [];
    this.resizes = new ResizeObserver(() => this.draw());
    this.resizes.observe(canvas);
    const find = (event) => {
      const { left, width } = canvas.getBoundingClientRect();
      const place = Math.floor(((event.clientX - left) / width) * this.bars.length);
      return this.bars[place] ? place : -1;
    };
    canvas.addEventListener("pointermove", (event) => over(find(event)));
    canvas.addEventListener("pointerdown", (event) => over(find(event)));
    canvas.addEventListener("pointerleave", () => over(-1));
  }

  // bars: [{share (of the height), colour, marked, lit}], from left to right.
  show(bars) {
    this.bars = bars;
    this.draw();
  }

  draw() {
    const { canvas, bars } = this;
    const drawn = bars.length ? fitted(canvas) : null;
    if (!drawn) return;
    const { context, width, height } = drawn;
    const step = width / bars.length;
    const gap = step > 4 ? 1 : 0;
    const ink = getComputedStyle(canvas).color;
    const full = height - TOP;
    bars.forEach(({ share, colour, marked, lit }, index) => {
      const tall = Math.max(1, share * full);
      context.fillStyle = colour;
      context.fillRect(index * step, height - tall, step - gap, tall);
      if (!marked && !lit) return;
      context.strokeStyle = context.fillStyle = ink;
      context.lineWidth = marked ? 2 : 1;
      context.strokeRect(index * step, height - tall, step - gap, tall);
      if (marked) drawMark(context, Math.min(Math.max(index * step + step / 2, HALF_MARK), width - HALF_MARK), height - tall);
    });
  }

  end() { this.resizes.disconnect(); }
}

const HALF_MARK = 6; // CSS pixels
const TOP = 16; // CSS pixels above the tallest bar, for the mark

// A triangle that points down at a bar.
function drawMark(context, x, y) {
  context.beginPath();
  context.moveTo(x, y - 3);
  context.lineTo(x - HALF_MARK, y - 13);
  context.lineTo(x + HALF_MARK, y - 13);
  context.closePath();
  context.fill();
}
