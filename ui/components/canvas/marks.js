// What is drawn over the points: path, pins, and the nearest image with its posterior. Knows a 2D context, not the page.

import { FONT, PLANE, drawDot, drawPosterior } from "../engine/drawing.js";

const WHITE = "#ffffff";

// path: [[x, y], ...]; stops: places along it.
export function drawPath(context, side, view, path, stops) {
  context.beginPath();
  for (const [x, y] of path) {
    const [u, v] = view.toPlane(x, y);
    context.lineTo(u * side, v * side);
  }
  context.lineWidth = 5;
  context.strokeStyle = PLANE.halo;
  context.lineJoin = "round";
  context.stroke();
  context.lineWidth = 2;
  context.strokeStyle = WHITE;
  context.stroke();
  for (const [x, y] of stops) {
    const [u, v] = view.toPlane(x, y);
    context.beginPath();
    context.arc(u * side, v * side, 3, 0, 2 * Math.PI);
    context.fillStyle = WHITE;
    context.fill();
  }
}

// An image's code in its class's colour; with its posterior's factor, if there is one.
export function drawImageMark(context, side, view, code, colour, factor) {
  if (factor) drawPosterior(context, side, view, code[0], code[1], factor);
  drawDot(context, side, view, code, 4, colour, WHITE);
}

// A pin; a ghost is where this model puts the image that was pinned on a linked plane.
export function drawPin(context, side, view, x, y, number, ghost) {
  const [u, v] = view.toPlane(x, y).map((share) => share * side);
  context.beginPath();
  context.arc(u, v, 9, 0, 2 * Math.PI);
  context.fillStyle = ghost ? "rgba(4, 6, 11, 0.75)" : WHITE;
  context.fill();
  context.lineWidth = 1.5;
  context.strokeStyle = ghost ? WHITE : PLANE.ground;
  if (ghost) context.setLineDash([2, 2]);
  context.stroke();
  context.setLineDash([]);
  context.font = `600 11px ${FONT}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillStyle = ghost ? WHITE : PLANE.ground;
  context.fillText(String(number), u, v + 0.5);
}
