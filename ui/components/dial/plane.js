// The dial's plane: the points of the present position over the manifold of the nearest stop, and the lens.

import { Cloud } from "./cloud.js";
import { Picture, drawAxes, drawClassNames, drawPoints, drawPosterior, drawRings, fitToPlane } from "../engine/paint.js";
import { lensPlace, nearestPoint, signed } from "../engine/view.js";

const PLANE_KEY_STEP = 1 / 40; // of the view's width

export class DialPlane {
  constructor(root) {
    this.find = (selector) => root.querySelector(selector);
    this.plane = this.find(".plane");
    this.contexts = { points: this.find("canvas.points").getContext("2d"), marks: this.find("canvas.marks").getContext("2d") };
    this.cursor = this.find(".cursor");
    this.lensBox = this.find(".lens");
    this.listen();
    this.resizes = new ResizeObserver(() => this.resize());
    this.resizes.observe(this.plane);
  }

  build(header) {
    this.header = header;
    this.lens = new Picture(this.find(".lens canvas"), header.image);
    this.scene = null;
    this.cloud = null;
    this.pointer = null; // where the visitor points, (u, v) in 0..1 of the plane
    this.focus = -1; // the image nearest to it
    this.hideLens();
    for (const context of Object.values(this.contexts)) context.clearRect(0, 0, this.side ?? 0, this.side ?? 0);
    this.find(".place-name").textContent = header.dimensions > 2 ? "in the plane" : "z";
    this.find(".z").textContent = this.find(".nearest").textContent = "–";
  }

  // scene: {points, centres, view, stop, moving}; stop is the nearest one. While moving, points are drawn cheaply.
  show(scene) {
    this.scene = scene;
    this.cloud ??= new Cloud(scene.stop.classes, this.header.labels.length);
    this.draw();
    if (this.pointer) this.touch();
    else this.readFollowed();
  }

  draw() {
    const { scene, side } = this;
    if (!scene || !side) return;
    const { points, view, stop, centres, moving } = scene;
    const { palette, labels } = this.header;
    const context = this.contexts.points;
    context.clearRect(0, 0, side, side);
    if (moving) this.cloud.draw(context, side, view, points, palette);
    else drawPoints(context, side, view, points, stop.classes, new Set(), palette);
    drawClassNames(context, side, view, centres, labels, new Set(), palette);
    this.drawMarks();
    const { cx, cy, half } = stop.view;
    const [u, v] = view.toPlane(cx - half, cy + half);
    this.find("canvas.manifold").style.transform = moving ? `translate(${u * 100}%, ${v * 100}%) scale(${half / view.half})` : "";
  }

  // Rings, axes, and the image that was pointed at last: on a stop, with its posterior there.
  drawMarks() {
    const { scene: { view, stop, points, moving }, side, focus } = this;
    const context = this.contexts.marks;
    context.clearRect(0, 0, side, side);
    drawRings(context, side, view, stop.header.rings);
    drawAxes(context, side, view, stop.header.axes);
    if (focus < 0) return;
    const [x, y] = [points[2 * focus], points[2 * focus + 1]];
    if (!moving) drawPosterior(context, side, view, x, y, stop.posteriors.subarray(3 * focus, 3 * focus + 3));
    const [u, v] = view.toPlane(x, y);
    context.beginPath();
    context.arc(u * side, v * side, 4, 0, 2 * Math.PI);
    context.fillStyle = this.header.palette[stop.classes[focus] % this.header.palette.length];
    context.fill();
    context.lineWidth = 1.5;
    context.strokeStyle = "#ffffff";
    context.stroke();
  }

  resize() {
    const size = fitToPlane(this.plane, this.contexts, this);
    if (!size) return;
    Object.assign(this, size);
    this.draw();
  }

  // ---- pointer, keyboard ------------------------------------------------------------------------------------------

  listen() {
    const { plane } = this;
    const point = (event) => {
      if (!this.scene) return;
      const box = plane.getBoundingClientRect();
      this.pointer = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
      this.finger = event.pointerType === "touch";
      this.touch();
    };
    plane.addEventListener("pointermove", point);
    plane.addEventListener("pointerdown", point);
    for (const end of ["pointerleave", "pointercancel", "blur"]) plane.addEventListener(end, () => this.hideLens());
    plane.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.key === "Escape") this.hideLens();
    if (!(event.key in moves) || !this.scene) return;
    event.preventDefault();
    const step = event.shiftKey ? PLANE_KEY_STEP / 5 : PLANE_KEY_STEP;
    const [u, v] = this.pointer ?? this.last ?? [0.5, 0.5];
    this.pointer = [u, v].map((value, axis) => Math.min(Math.max(value + moves[event.key][axis] * step, 0), 1));
    this.finger = false;
    this.touch();
    this.find(".live").textContent = `${this.find(".place-name").textContent} ${this.find(".z").textContent}. Nearest: ${this.find(".nearest").textContent}.`;
  }

  // Decodes where the visitor points with the nearest stop's decoder; the place stays when the stop changes.
  touch() {
    const { scene: { view, stop, points }, pointer, side } = this;
    const [x, y] = view.toLatent(...pointer);
    this.last = pointer;
    this.at = { x, y };
    this.lens.show(stop.decoder.decode([x, y]));
    const [index, distance] = nearestPoint(points, stop.classes, new Set(), x, y);
    const nothing = distance > stop.header.empty_beyond;
    this.find(".z").textContent = this.describe(x, y, view);
    const label = this.header.labels[stop.classes[index]];
    this.find(".nearest").textContent = `${label}, ${distance.toPrecision(2)} away${nothing ? ": nothing lives here" : ""}`;
    this.lensBox.classList.toggle("nothing", nothing);
    const [left, top] = [pointer[0] * side, pointer[1] * side];
    this.cursor.style.transform = `translate(${left}px, ${top}px)`;
    this.lensBox.style.transform = `translate(${lensPlace(left, top, side, this.finger).map((value) => `${value}px`).join(", ")})`;
    this.cursor.style.visibility = this.lensBox.style.visibility = "visible";
    if (index === this.focus) return;
    this.focus = index;
    this.drawMarks();
  }

  // Nobody points: the read-out is of the image that was pointed at last, wherever this stop puts it.
  readFollowed() {
    const { scene, focus } = this;
    if (!scene || focus < 0) return;
    const { points, stop, view, moving } = scene;
    this.find(".z").textContent = moving ? "–" : this.describe(points[2 * focus], points[2 * focus + 1], view);
    this.find(".nearest").textContent = `${this.header.labels[stop.classes[focus]]}, at its code`;
  }

  describe(x, y, view) {
    const digits = view.half < 1 ? 3 : 2;
    return `(${signed(x, digits)}, ${signed(y, digits)})`;
  }

  hideLens() {
    this.pointer = null;
    this.readFollowed();
    this.cursor.style.visibility = this.lensBox.style.visibility = "hidden";
  }

  end() { this.resizes.disconnect(); }
}
