// What is drawn of a canvas: points with their classes' names, and what lies over them.

import { drawPictures } from "../engine/drawing.js";
import { sheets } from "../engine/thumbnails.js";
import { drawImageMark, drawPath, drawPin } from "./marks.js";

export function drawPointsOf(canvas) {
  const { surface, view, header, hidden } = canvas;
  const context = surface.cleared("points");
  surface.drawPoints(context, view, { points: canvas.xy, classes: canvas.classes, hidden, palette: header.palette });
  const sheet = canvas.options.pictures && sheets.get(canvas.options.images);
  if (sheet) {
    drawPictures(context, surface.side, view, canvas.xy, sheet, canvas.image, (index) => !hidden.has(canvas.classes[index]));
  }
  surface.drawNames(context, view, { centres: canvas.centres, labels: header.labels, hidden, palette: header.palette });
}

// Rings, axes, samples of the prior, path, the nearest image with its posterior, pins.
export function drawMarksOf(canvas) {
  const { surface, side, view, focus, route } = canvas;
  if (!side) return;
  const context = surface.cleared("marks");
  surface.drawScale(context, view, canvas.header);
  canvas.samples.draw(context, side, view);
  if (route.points.length > 1) drawPath(context, side, view, route.points, route.stops());
  if (focus >= 0) {
    const factor = canvas.posteriors?.subarray(3 * focus, 3 * focus + 3);
    drawImageMark(context, side, view, canvas.codeOf(focus), canvas.colour(canvas.classes[focus]), factor);
  }
  canvas.others().forEach((other) => other.pins.list.forEach(({ index }, number) => {
    if (index >= 0) drawPin(context, side, view, ...canvas.codeOf(index), number + 1, true);
  }));
  canvas.pins.list.forEach(({ x, y }, number) => drawPin(context, side, view, x, y, number + 1, false));
}
