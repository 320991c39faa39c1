// PSNR against the level of damage: a line for each method, as measured on many images, with its interval; and a ring for
// the image on the board.

import { FONT, PLANE } from "../engine/drawing.js";
import { fitted } from "../engine/sharp.js";
import { roundTicks } from "../engine/view.js";

const [LOWEST, HIGHEST] = [5, 35]; // dB; what lies beyond is drawn at the edge
const RING = 4.5; // CSS pixels

export class Chart {
  constructor(canvas) {
    this.canvas = canvas;
    this.resized = new ResizeObserver(() => this.draw());
    this.resized.observe(canvas);
  }

  // shown: {levels, most, level, unit, lines: [{colour, dash, psnr, half, own}]}: dB at each level, half an interval's width,
  // and of the image on the board at `level`, or undefined.
  show(shown) {
    this.shown = shown;
    this.draw();
  }

  draw() {
    const drawn = this.shown ? fitted(this.canvas) : null;
    if (!drawn) return;
    const { context, width, height } = drawn;
    const { levels, most, level, unit, lines } = this.shown;
    const [left, right, top, bottom] = [34, width - 12, 26, height - 34];
    const x = (value) => left + ((right - left) * value) / most;
    const y = (value) => bottom - ((bottom - top) * (Math.min(Math.max(value, LOWEST), HIGHEST) - LOWEST)) / (HIGHEST - LOWEST);
    context.font = `11px ${FONT}`;
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (let tick = LOWEST; tick <= HIGHEST; tick += 5) {
      context.strokeStyle = "rgba(232, 238, 247, 0.14)";
      context.lineWidth = 1;
      line(context, [[left, y(tick)], [right, y(tick)]]);
      context.fillStyle = PLANE.text;
      context.fillText(String(tick), left - 6, y(tick));
    }
    context.textAlign = "center";
    const { ticks, digits } = roundTicks(0, most, 6);
    for (const tick of ticks) context.fillText(tick.toFixed(digits), x(tick), bottom + 10);
    context.fillText(unit, (left + right) / 2, height - 8);
    context.textAlign = "left";
    context.fillText("PSNR, dB", 6, 12);
    context.strokeStyle = PLANE.faint;
    line(context, [[x(level), top], [x(level), bottom]]);
    for (const { colour, dash, psnr, half, wide } of lines) {
      context.strokeStyle = colour;
      context.lineWidth = wide ? 3 : 1.75;
      context.setLineDash(dash);
      line(context, levels.map((at, i) => [x(at), y(psnr[i])]));
      context.setLineDash([]);
      context.lineWidth = 1;
      levels.forEach((at, i) => line(context, [[x(at), y(psnr[i] - half[i])], [x(at), y(psnr[i] + half[i])]]));
    }
    for (const { colour, own } of lines) {
      if (own === undefined) continue;
      context.beginPath();
      context.arc(x(level), y(own), RING, 0, 2 * Math.PI);
      context.fillStyle = colour;
      context.fill();
      context.strokeStyle = "#ffffff";
      context.lineWidth = 1.5;
      context.stroke();
    }
  }

  end() { this.resized.disconnect(); }
}

function line(context, points) {
  context.beginPath();
  points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.stroke();
}
