// The bench's drawings: two histograms with a threshold, and a curve in a unit square. Know a canvas, not the page.

import { fitted } from "../engine/sharp.js";
import { roundTicks } from "../engine/view.js";

const EDGE = { left: 8, right: 8, top: 26, bottom: 24 }; // CSS pixels around the bars
const COLOURS = { usual: "#4477AA", odd: "#EE8866" };
const AROUND = { left: 34, right: 10, top: 8, bottom: 34 }; // around a curve

// Where a share of the way from low to high lies on a canvas so wide, and back.
export const across = (share, width) => EDGE.left + share * (width - EDGE.left - EDGE.right);
export const shareAt = (x, width) => Math.max(0, Math.min(1, (x - EDGE.left) / (width - EDGE.left - EDGE.right)));

// shown: {usual, odd: counts of each bin, low, high, threshold, mark: a score or null, unit}.
export function drawHistogram(canvas, { usual, odd, low, high, threshold, mark, unit }) {
  const drawn = fitted(canvas);
  if (!drawn) return;
  const { context, width, height } = drawn;
  const ink = getComputedStyle(canvas).color;
  const floor = height - EDGE.bottom;
  const place = (value) => across(Math.max(0, Math.min(1, (value - low) / (high - low))), width);
  const shares = [usual, odd].map((counts) => counts.map((count) => count / Math.max(1, counts.reduce((a, b) => a + b, 0))));
  const most = Math.max(...shares[0], ...shares[1], 1e-9);
  const step = (across(1, width) - across(0, width)) / usual.length;
  const top = (share) => floor - (share / most) * (floor - EDGE.top);
  context.globalAlpha = 0.85;
  context.fillStyle = COLOURS.usual;
  shares[0].forEach((share, bin) => context.fillRect(across(0, width) + bin * step, top(share), Math.max(step - 0.5, 0.5), floor - top(share)));
  context.globalAlpha = 1;
  // The other kind as an outline: it is seen before and behind the bars.
  context.strokeStyle = COLOURS.odd;
  context.lineWidth = 2;
  context.beginPath();
  context.moveTo(across(0, width), floor);
  shares[1].forEach((share, bin) => {
    context.lineTo(across(0, width) + bin * step, top(share));
    context.lineTo(across(0, width) + (bin + 1) * step, top(share));
  });
  context.lineTo(across(1, width), floor);
  context.stroke();
  drawTicks(context, ink, low, high, place, floor, width, unit);
  drawThreshold(context, ink, place(threshold), floor, width);
  if (mark !== null) drawMark(context, ink, place(mark), top(0) - (floor - EDGE.top), mark > high);
}

function drawTicks(context, ink, low, high, place, floor, width, unit) {
  const { ticks, digits } = roundTicks(low, high, width < 420 ? 4 : 8);
  context.strokeStyle = context.fillStyle = ink;
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "top";
  context.lineWidth = 1;
  context.globalAlpha = 0.7;
  context.beginPath();
  context.moveTo(across(0, width), floor + 0.5);
  context.lineTo(across(1, width), floor + 0.5);
  context.stroke();
  ticks.forEach((tick, index) => {
    const last = index === ticks.length - 1;
    context.textAlign = index === 0 ? "left" : last ? "right" : "center";
    context.fillText(`${tick.toFixed(digits)}${last && unit ? ` ${unit}` : ""}`, place(tick), floor + 5);
  });
  context.globalAlpha = 1;
}

function drawThreshold(context, ink, x, floor, width) {
  context.strokeStyle = context.fillStyle = ink;
  context.lineWidth = 2;
  context.beginPath();
  context.moveTo(x, 14);
  context.lineTo(x, floor);
  context.stroke();
  context.beginPath();
  context.arc(x, floor, 5, 0, 2 * Math.PI);
  context.fill();
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "top";
  const right = x < width - 90;
  context.textAlign = right ? "left" : "right";
  context.fillText(right ? "called odd →" : "← called usual", x + (right ? 5 : -5), 13);
}

// A triangle that points down; sideways where the score lies beyond the end.
function drawMark(context, ink, x, y, beyond) {
  context.fillStyle = ink;
  context.beginPath();
  if (beyond) {
    context.moveTo(x + 6, y - 6);
    context.lineTo(x - 6, y - 12);
    context.lineTo(x - 6, y);
  } else {
    context.moveTo(x, y - 1);
    context.lineTo(x - 6, y - 12);
    context.lineTo(x + 6, y - 12);
  }
  context.closePath();
  context.fill();
}

// A curve through points [x, y] in the unit square, and a dot at the threshold's place; chance: what there would be by chance,
// a number for a level line, or null for the diagonal.
export function drawCurve(canvas, points, dot, { across: xName, up: yName, chance }) {
  const drawn = fitted(canvas);
  if (!drawn) return;
  const { context, width, height } = drawn;
  const ink = getComputedStyle(canvas).color;
  const x = (value) => AROUND.left + value * (width - AROUND.left - AROUND.right);
  const y = (value) => height - AROUND.bottom - value * (height - AROUND.top - AROUND.bottom);
  context.strokeStyle = context.fillStyle = ink;
  context.font = "11px system-ui, sans-serif";
  context.globalAlpha = 0.3;
  context.lineWidth = 1;
  context.strokeRect(x(0), y(1), x(1) - x(0), y(0) - y(1));
  context.setLineDash([4, 4]);
  context.globalAlpha = 0.6;
  line(context, chance === null ? [[0, 0], [1, 1]] : [[0, chance], [1, chance]], x, y);
  context.setLineDash([]);
  context.globalAlpha = 0.75;
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const tick of [0, 0.5, 1]) context.fillText(String(tick), x(tick), y(0) + 4);
  context.fillText(xName, (x(0) + x(1)) / 2, y(0) + 18);
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const tick of [0, 0.5, 1]) context.fillText(String(tick), x(0) - 4, y(tick));
  context.save();
  context.translate(8, (y(0) + y(1)) / 2);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center";
  context.fillText(yName, 0, 0);
  context.restore();
  context.globalAlpha = 1;
  context.strokeStyle = COLOURS.usual;
  context.lineWidth = 2;
  line(context, points, x, y);
  if (!dot.every(Number.isFinite)) return;
  context.fillStyle = ink;
  context.beginPath();
  context.arc(x(dot[0]), y(dot[1]), 5, 0, 2 * Math.PI);
  context.fill();
}

function line(context, points, x, y) {
  context.beginPath();
  for (const [a, b] of points) context.lineTo(x(a), y(b));
  context.stroke();
}
