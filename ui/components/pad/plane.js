// Where the image is in latent space: held-out codes over the manifold, and the approximate posterior at true scale, with a
// close-up.

import { expectLength } from "../engine/arrays.js";
import { PLANE, drawDot, drawPosterior, haloText } from "../engine/drawing.js";
import { normals, sampleOf } from "../engine/gaussian.js";
import { Decoder } from "../engine/interpreter.js";
import { Manifold } from "../engine/manifold.js";
import { Plane } from "../engine/plane.js";
import { View, classMedians } from "../engine/view.js";

const CLOSE = 5; // the close-up reaches so many of the posterior's larger standard deviation
const CLOSE_SHARE = 0.34; // of the plane's side
const [CLOSE_MARGIN, CLOSE_BELOW, CLOSE_BESIDE] = [8, 26, 34]; // CSS pixels: to the right edge, to the lower and left axes
const NEAR_POINT = 1.75; // radius, CSS pixels
export const HANDS = 20; // samples of z shown
const MARGIN_LEFT = 34; // CSS pixels kept quiet for the axes' numbers
const MARGIN_BELOW = 22;

export class InsidePlane {
  constructor(root) {
    this.find = (selector) => root.querySelector(selector);
    this.surface = new Plane(this.find, () => this.redraw());
  }

  build(payload) {
    const { header, tensor } = payload;
    this.header = header;
    this.classes = tensor("classes");
    this.points = expectLength("points", tensor("points"), 2 * this.classes.length);
    this.origin = header.plane_origin;
    this.axes = header.plane_axes;
    this.view = new View(header.range);
    this.centres = classMedians(this.points, this.classes, header.labels.length);
    this.last = null; // another model's
    this.redraw();
    this.noise = Array.from({ length: HANDS }, () => normals(header.prior_dimension));
    this.stopManifold();
    this.manifold = new Manifold(this.find("canvas.manifold"), new Decoder(payload), header.image);
    this.manifold.fill(this.view);
  }

  // Another model's would go on drawing over this one's.
  stopManifold() { if (this.manifold) this.manifold.version++; }

  // A code -> its place in the plane.
  project(code) {
    return this.axes.map((axis) => axis.reduce((total, a, i) => total + a * (code[i] - this.origin[i]), 0));
  }

  // Lower Cholesky factor of the posterior's covariance in the plane, as browser.LatentPlane.posterior_factors.
  factor(sigma) {
    const [a, b] = this.axes;
    let [uu, vu, vv] = [0, 0, 0];
    sigma.forEach((value, i) => {
      const variance = value * value;
      uu += variance * a[i] * a[i];
      vu += variance * a[i] * b[i];
      vv += variance * b[i] * b[i];
    });
    const l = Math.sqrt(Math.max(uu, 1e-30));
    return [l, vu / l, Math.sqrt(Math.max(vv - (vu / l) ** 2, 0))];
  }

  resample() { this.noise = this.noise.map((one) => normals(one.length)); }

  // How many of the `count` held-out codes nearest to a code in the plane are of which class: [[class, how many], ...].
  classesNear(code, count) {
    const [x, y] = this.project(code);
    const away = (i) => (this.points[2 * i] - x) ** 2 + (this.points[2 * i + 1] - y) ** 2;
    const nearest = Array.from(this.classes.keys()).sort((i, k) => away(i) - away(k)).slice(0, count);
    const counts = new Map();
    for (const i of nearest) counts.set(this.classes[i], (counts.get(this.classes[i]) ?? 0) + 1);
    return [...counts].sort(([, many], [, fewer]) => fewer - many);
  }

  // What does not follow the pen.
  redraw() {
    const { surface, header, view } = this;
    if (!surface.side || !header) return;
    const { palette, labels } = header;
    const context = surface.cleared("points");
    surface.drawPoints(context, view, { points: this.points, classes: this.classes, palette });
    surface.drawNames(context, view, { centres: this.centres, labels, palette });
    this.drawMargins(context, surface.side);
    surface.drawScale(context, view, header);
    if (this.last) this.show(this.last);
  }

  // Dark strips below the axes' names and numbers, which were lost among decoded digits and points.
  drawMargins(context, side) {
    context.fillStyle = "rgba(4, 6, 11, 0.82)";
    context.fillRect(0, 0, MARGIN_LEFT, side);
    context.fillRect(MARGIN_LEFT, side - MARGIN_BELOW, side - MARGIN_LEFT, MARGIN_BELOW);
  }

  // The samples of z that are shown, codes.
  samples({ mean, sigma }) { return this.noise.map((noise) => noise.map((value, i) => sampleOf(mean[i], sigma[i], value))); }

  // passage: what Passage.run returned.
  show(passage) {
    this.last = passage;
    const { surface: { side }, view } = this;
    if (!side) return;
    const context = this.surface.cleared("marks");
    const at = this.project(passage.mean);
    const factor = this.factor(passage.sigma);
    const samples = this.samples(passage).map((code) => this.project(code));
    const z = this.project(passage.z);
    const [u, v] = view.toPlane(...at);
    this.outside = u < 0 || v < 0 || u > 1 || v > 1;
    this.drawPosterior(context, side, view, { at, factor, samples, z }, 1);
    if (this.outside) this.drawOutside(context, u, v);
    this.drawClose(context, { at, factor, samples, z }, u, v);
  }

  drawPosterior(context, side, view, { at, factor, samples, z }, size) {
    context.fillStyle = "rgba(255, 255, 255, 0.9)";
    for (const sample of samples) {
      const [u, v] = view.toPlane(...sample);
      context.fillRect(u * side - size, v * side - size, 2 * size, 2 * size);
    }
    drawPosterior(context, side, view, ...at, factor);
    drawDot(context, side, view, at, 2.5 + size, "#ffffff", PLANE.ground);
    drawDot(context, side, view, z, 2.5 + size, "#CCBB44", PLANE.ground);
  }

  // An arrow head at the edge where μ lies beyond it.
  drawOutside(context, u, v) {
    const { side } = this.surface;
    const [x, y] = [u, v].map((value) => Math.min(Math.max(value, 0.03), 0.97) * side);
    const angle = Math.atan2(v - 0.5, u - 0.5);
    context.save();
    context.translate(x, y);
    context.rotate(angle);
    context.beginPath();
    context.moveTo(10, 0);
    context.lineTo(-7, -8);
    context.lineTo(-7, 8);
    context.closePath();
    context.fillStyle = "#ffffff";
    context.fill();
    context.restore();
  }

  // The same in a square at the lower right, many times as large; at the lower left while μ is at the right. The axes'
  // numbers and the rings' names stay free.
  drawClose(context, posterior, u, v) {
    const { side } = this.surface;
    const length = CLOSE_SHARE * side;
    const top = side - length - CLOSE_BELOW;
    const reach = CLOSE_SHARE + (2 * CLOSE_MARGIN) / side;
    const low = v * side > top - CLOSE_MARGIN;
    this.closeLeft = low && u > 1 - reach - (this.closeLeft ? 0.12 : 0.07);
    const left = this.closeLeft ? CLOSE_BESIDE : side - length - CLOSE_MARGIN;
    const [x, y] = posterior.at;
    const [a, b, c] = posterior.factor;
    const half = Math.max(CLOSE * Math.max(a, Math.hypot(b, c)), 1e-12);
    const near = new View({ x: [x - half, x + half], y: [y - half, y + half] });
    context.save();
    context.translate(left, top);
    context.beginPath();
    context.rect(0, 0, length, length);
    context.fillStyle = "rgba(4, 6, 11, 0.92)";
    context.fill();
    context.clip();
    drawNear(context, length, near, this.points, this.classes, this.header.palette);
    this.drawPosterior(context, length, near, posterior, 1.25);
    context.textAlign = "left";
    context.textBaseline = "alphabetic";
    const times = Number((this.view.half / half).toPrecision(2)); // a posterior wider than the plane is seen from afar
    haloText(context, `${times.toLocaleString("en", { maximumSignificantDigits: 2 })}× closer`, 7, length - 8, PLANE.text);
    context.restore();
    context.lineWidth = 1;
    context.strokeStyle = "rgba(255, 255, 255, 0.55)";
    context.strokeRect(left + 0.5, top + 0.5, length - 1, length - 1);
  }

  end() {
    this.stopManifold();
    this.surface.end();
  }
}

// Held-out points within a small view.
function drawNear(context, side, view, points, classes, palette) {
  const { cx, cy, half } = view;
  for (let i = 0; i < classes.length; i++) {
    const [dx, dy] = [points[2 * i] - cx, points[2 * i + 1] - cy];
    if (Math.abs(dx) > half || Math.abs(dy) > half) continue;
    context.beginPath();
    context.arc((dx / half + 1) * (side / 2), (1 - dy / half) * (side / 2), NEAR_POINT, 0, 2 * Math.PI);
    context.fillStyle = palette[classes[i] % palette.length];
    context.fill();
  }
}
