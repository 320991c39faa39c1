// Drawing: pixels into image data, the manifold in slices, points, rings, axes. Knows a 2D context, not the page.

import { roundTicks } from "./view.js";

export const PLANE = { text: "rgba(232, 238, 247, 0.72)", faint: "rgba(232, 238, 247, 0.34)", halo: "rgba(4, 6, 11, 0.85)" };
export const FONT = "system-ui, -apple-system, 'Segoe UI', sans-serif";

// Writes one decoded image into RGBA. ink: grey values become the opacity of white, so that dark lets through.
export function imageToRgba(values, start, image, rgba, ink = false) {
  const pixels = image.height * image.width;
  for (let i = 0; i < pixels; i++) {
    const r = values[start + i] * 255; // Uint8ClampedArray clamps and rounds
    if (image.channels === 3) {
      rgba[4 * i] = r;
      rgba[4 * i + 1] = values[start + pixels + i] * 255;
      rgba[4 * i + 2] = values[start + 2 * pixels + i] * 255;
      rgba[4 * i + 3] = 255;
    } else if (ink) {
      rgba[4 * i] = rgba[4 * i + 1] = rgba[4 * i + 2] = 255;
      rgba[4 * i + 3] = r;
    } else {
      rgba[4 * i] = rgba[4 * i + 1] = rgba[4 * i + 2] = r;
      rgba[4 * i + 3] = 255;
    }
  }
}

// Sizes square canvases, drawn in CSS pixels, to a plane and the screen. at: {side, ratio} so far; the new ones, or null
// where nothing changed or the plane has no size yet.
export function fitToPlane(plane, contexts, at) {
  const [side, ratio] = [plane.clientWidth, window.devicePixelRatio || 1];
  if (!side || (side === at.side && ratio === at.ratio)) return null;
  for (const context of Object.values(contexts)) {
    context.canvas.width = context.canvas.height = Math.round(side * ratio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
  }
  return { side, ratio };
}

// A small canvas that shows one image at its own resolution; CSS scales it.
export class Picture {
  constructor(canvas, image) {
    this.image = image;
    canvas.width = image.width;
    canvas.height = image.height;
    this.context = canvas.getContext("2d");
    this.data = this.context.createImageData(image.width, image.height);
  }

  show(values, start = 0) {
    imageToRgba(values, start, this.image, this.data.data);
    this.context.putImageData(this.data, 0, 0);
  }

  showTile(sheet, index) {
    this.clear();
    const { width, height } = this.image;
    const column = index % sheet.columns;
    const row = Math.floor(index / sheet.columns);
    this.context.drawImage(sheet.bitmap, column * width, row * height, width, height, 0, 0, width, height);
  }

  clear() { this.context.clearRect(0, 0, this.image.width, this.image.height); }
}

// Shared by all canvases of the page: long work in slices, at most SLICE_MS per frame in all.
const SLICE_MS = 12;
export const slices = {
  jobs: [],
  running: false,
  add(job) {
    this.jobs.push(job);
    if (!this.running) { this.running = true; requestAnimationFrame(() => this.frame()); }
  },
  frame() {
    const end = performance.now() + SLICE_MS;
    while (this.jobs.length && performance.now() < end) {
      const job = this.jobs.shift();
      if (job()) this.jobs.push(job); // round robin, so that two planes fill together
    }
    if (this.jobs.length) requestAnimationFrame(() => this.frame());
    else this.running = false;
  },
};

// Decoded images on a grid over the view: coarse first, then finer, one row part at a time.
export class Manifold {
  static GRID = 28;
  static LEVELS = [7, 14, 28];
  static CHUNK = 7;

  constructor(canvas, decoder, image) {
    Object.assign(this, { canvas, decoder, image, version: 0, milliseconds: null, longestSlice: 0 });
    canvas.width = Manifold.GRID * image.width;
    canvas.height = Manifold.GRID * image.height;
    this.context = canvas.getContext("2d");
    this.context.imageSmoothingEnabled = true;
    this.tile = new OffscreenCanvas(image.width, image.height);
    this.tileContext = this.tile.getContext("2d");
    this.data = this.tileContext.createImageData(image.width, image.height);
  }

  // What to draw one after the other, [level, row, first column].
  static chunks() {
    const chunks = [];
    for (const level of Manifold.LEVELS) {
      for (let row = 0; row < level; row++) {
        for (let column = 0; column < level; column += Manifold.CHUNK) chunks.push([level, row, column]);
      }
    }
    return chunks;
  }

  // Fills the grid for a view; a later call replaces one in progress. The old picture stays until it is overdrawn.
  fill(view, onDone) {
    const version = ++this.version;
    const began = performance.now();
    this.longestSlice = 0;
    const chunks = Manifold.chunks();
    let next = 0;
    slices.add(() => {
      if (version !== this.version) return false;
      const start = performance.now();
      this.chunk(view, ...chunks[next++]);
      this.longestSlice = Math.max(this.longestSlice, performance.now() - start);
      if (next < chunks.length) return true;
      this.milliseconds = performance.now() - began;
      onDone?.();
      return false;
    });
  }

  chunk(view, level, row, column) {
    const points = [];
    const last = Math.min(column + Manifold.CHUNK, level);
    for (let c = column; c < last; c++) points.push(...view.toLatent((c + 0.5) / level, (row + 0.5) / level));
    const values = this.decoder.decode(points);
    const width = this.canvas.width / level;
    const height = this.canvas.height / level;
    for (let c = column; c < last; c++) {
      imageToRgba(values, (c - column) * this.decoder.size, this.image, this.data.data, true);
      this.context.clearRect(c * width, row * height, width, height);
      if (level === Manifold.GRID) { this.context.putImageData(this.data, c * width, row * height); continue; }
      this.tileContext.putImageData(this.data, 0, 0);
      this.context.drawImage(this.tile, c * width, row * height, width, height);
    }
  }
}

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
  const label = (value, places) => value.toFixed(places).replace(/^-(?=0(\.0*)?$)/, "").replace("-", "−");
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
  for (const tick of ticks) {
    const x = view.toPlane(tick, 0)[0] * side;
    if (x > 30 && x < side - 30) haloText(context, label(tick, digits), x, side - 8, PLANE.text);
  }
  context.textAlign = "left";
  context.textBaseline = "middle";
  for (const tick of up.ticks) {
    const y = view.toPlane(0, tick)[1] * side;
    if (y > 26 && y < side - 26) haloText(context, label(tick, up.digits), 8, y, PLANE.text);
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
