// What lies on a plane: points, names, rings, axes, a posterior. Knows a 2D context, not the page.

import { roundTicks, signed } from "./view.js";

export const PLANE = { text: "rgba(232, 238, 247, 0.72)", faint: "rgba(232, 238, 247, 0.34)", halo: "rgba(4, 6, 11, 0.85)", ground: "#04060b" };
export const FONT = "system-ui, -apple-system, 'Segoe UI', sans-serif";

export function drawPoints(context, side, view, points, classes, hidden, palette) {
  const radius = Math.max(1.4, side / 380) * Math.min(2.2, Math.sqrt(view.home.half / view.half));
  const paths = palette.map(() => new Path2D());
  const scale = side / (2 * view.half);
  for (let i = 0; i < classes.length; i++) {
    const x = side / 2 + (points[2 * i] - view.cx) * scale;
    const y = side / 2 - (points[2 * i + 1] - view.cy) * scale;
    if (x < -3 || y < -3 || x > side + 3 || y > side + 3) continue;
    const path = paths[classes[i] % palette.length];
    path.moveTo(x + radius, y);
    path.arc(x, y, radius, 0, 2 * Math.PI);
  }
  context.globalAlpha = 0.82;
  palette.forEach((colour, index) => {
    if (hidden.has(index)) return;
    context.fillStyle = colour;
    context.fill(paths[index]);
  });
  context.globalAlpha = 1;
}

// Images at their points, in the order of their numbers, wherever one fits beside those drawn before: one that would
// cover another stays a dot. sheet: of tiles; isShown(index): whether it is to be drawn at all.
export function drawPictures(context, side, view, points, sheet, image, isShown = (_index) => true) {
  const size = Math.max(20, side / 17);
  const placed = [];
  for (let index = 0; 2 * index < points.length; index++) {
    const [u, v] = view.toPlane(points[2 * index], points[2 * index + 1]);
    const [x, y] = [u * side, v * side];
    if (x < size / 2 || y < size / 2 || x > side - size / 2 || y > side - size / 2 || !isShown(index)) continue;
    if (placed.some(([a, b]) => Math.abs(a - x) < size + 2 && Math.abs(b - y) < size + 2)) continue;
    placed.push([x, y]);
    const from = [(index % sheet.columns) * image.width, Math.floor(index / sheet.columns) * image.height];
    context.drawImage(sheet.bitmap, ...from, image.width, image.height, x - size / 2, y - size / 2, size, size);
    context.lineWidth = 1;
    context.strokeStyle = "rgba(255, 255, 255, 0.6)";
    context.strokeRect(x - size / 2, y - size / 2, size, size);
  }
}

// The name of each class at the middle of its points: colour is never the only sign.
export function drawClassNames(context, side, view, centres, labels, hidden, palette) {
  context.font = `600 ${Math.max(12, side / 38)}px ${FONT}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineJoin = "round";
  centres.forEach((centre, index) => {
    if (!centre || hidden.has(index)) return;
    const [u, v] = view.toPlane(...centre);
    if (u < 0.02 || v < 0.02 || u > 0.98 || v > 0.98) return;
    const name = labels[index].length > 12 ? `${labels[index].slice(0, 11)}…` : labels[index];
    context.lineWidth = 4;
    context.strokeStyle = PLANE.halo;
    context.strokeText(name, u * side, v * side);
    context.fillStyle = lighter(palette[index % palette.length]);
    context.fillText(name, u * side, v * side);
  });
}

function lighter(colour) {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  return `rgb(${[r, g, b].map((c) => Math.round(c + (255 - c) * 0.45)).join(", ")})`;
}

// Circles of |z| = 1, 2, 3 around the origin, in the units of the axes.
export function drawRings(context, side, view, radii) {
  const [u, v] = view.toPlane(0, 0);
  const scale = side / (2 * view.half);
  for (const [width, colour, dash] of [[3, "rgba(4, 6, 11, 0.55)", []], [1.25, "rgba(255, 255, 255, 0.78)", [4, 4]]]) {
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.setLineDash(dash);
    for (const radius of radii) {
      context.beginPath();
      context.arc(u * side, v * side, radius * scale, 0, 2 * Math.PI);
      context.stroke();
    }
  }
  context.setLineDash([]);
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (const radius of radii) {
    if (radius * scale < 26 * radius) continue; // too close together to tell apart
    const at = 0.7071 * radius * scale;
    haloText(context, `${radius}σ`, u * side + at, v * side - at, PLANE.text);
  }
}

export function haloText(context, text, x, y, fill) {
  context.font = `11px ${FONT}`;
  context.lineWidth = 3;
  context.lineJoin = "round";
  context.strokeStyle = PLANE.halo;
  context.strokeText(text, x, y);
  context.fillStyle = fill;
  context.fillText(text, x, y);
}

export function drawAxes(context, side, view, names) {
  const count = side < 420 ? 4 : 7;
  const { ticks, digits } = roundTicks(view.cx - view.half, view.cx + view.half, count);
  const up = roundTicks(view.cy - view.half, view.cy + view.half, count);
  context.strokeStyle = PLANE.faint;
  context.lineWidth = 1;
  context.beginPath();
  for (const tick of ticks) {
    const x = Math.round(view.toPlane(tick, 0)[0] * side) + 0.5;
    context.moveTo(x, side);
    context.lineTo(x, side - 5);
  }
  for (const tick of up.ticks) {
    const y = Math.round(view.toPlane(0, tick)[1] * side) + 0.5;
    context.moveTo(0, y);
    context.lineTo(5, y);
  }
  context.stroke();
  context.textAlign = "center";
  context.textBaseline = "alphabetic";
  context.font = `11px ${FONT}`;
  const end = Math.min(side - 30, side - 20 - context.measureText(names[0]).width); // where the axis' name begins
  for (const tick of ticks) {
    const x = view.toPlane(tick, 0)[0] * side;
    if (x > 30 && x < end) haloText(context, signed(tick, digits), x, side - 8, PLANE.text);
  }
  context.textAlign = "left";
  context.textBaseline = "middle";
  for (const tick of up.ticks) {
    const y = view.toPlane(0, tick)[1] * side;
    if (y > 26 && y < side - 26) haloText(context, signed(tick, up.digits), 8, y, PLANE.text);
  }
  context.textAlign = "right";
  haloText(context, names[0], side - 8, side - 12, PLANE.text);
  context.textAlign = "left";
  haloText(context, names[1], 8, 13, PLANE.text);
}

// Ellipses of one and two standard deviations for a lower Cholesky factor (l_uu, l_vu, l_vv).
export function drawPosterior(context, side, view, x, y, [a, b, c]) {
  const scale = side / (2 * view.half);
  const [u, v] = view.toPlane(x, y);
  context.lineWidth = 1.5;
  for (const deviations of [1, 2]) {
    context.beginPath();
    for (let k = 0; k <= 48; k++) {
      const angle = (2 * Math.PI * k) / 48;
      const dx = deviations * a * Math.cos(angle);
      const dy = deviations * (b * Math.cos(angle) + c * Math.sin(angle));
      context.lineTo(u * side + dx * scale, v * side - dy * scale);
    }
    context.strokeStyle = deviations === 1 ? "#ffffff" : "rgba(255, 255, 255, 0.6)";
    context.stroke();
  }
}

// A disc with an edge at a place [x, y] of the plane, radius in CSS pixels.
export function drawDot(context, side, view, place, radius, fill, edge) {
  const [u, v] = view.toPlane(place[0], place[1]);
  context.beginPath();
  context.arc(u * side, v * side, radius, 0, 2 * Math.PI);
  context.fillStyle = fill;
  context.fill();
  context.lineWidth = 1.5;
  context.strokeStyle = edge;
  context.stroke();
}
