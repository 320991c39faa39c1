// The dial's plane: the points of the present position over the manifold of the nearest stop, and the lens.

import { drawDot, drawPosterior } from "../engine/drawing.js";
import { arrowStep } from "../engine/keys.js";
import { Lens } from "../engine/lens.js";
import { Picture } from "../engine/pictures.js";
import { Plane, stretch } from "../engine/plane.js";
import { nearestPoint, placeText } from "../engine/view.js";
import { Cloud } from "./cloud.js";

const NONE = new Set();

export class DialPlane {
  constructor(root) {
    this.find = (selector) => root.querySelector(selector);
    this.surface = new Plane(this.find, () => this.draw());
    this.lens = new Lens(this.find);
    this.listen();
  }

  build(header) {
    this.header = header;
    this.lensPicture = new Picture(this.find(".lens canvas"), header.image);
    this.scene = null;
    this.cloud = null;
    this.pointer = null; // where the visitor points, (u, v) in 0..1 of the plane
    this.focus = -1; // the image nearest to it
    this.hideLens();
    for (const layer of Object.keys(this.surface.contexts)) this.surface.cleared(layer);
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
    const { scene, surface } = this;
    if (!scene || !surface.side) return;
    const { points, view, stop, centres, moving } = scene;
    const { palette, labels } = this.header;
    const context = surface.cleared("points");
    if (moving) this.cloud.draw(context, surface.side, view, points, palette);
    else surface.drawPoints(context, view, { points, classes: stop.classes, palette });
    surface.drawNames(context, view, { centres, labels, palette });
    this.drawMarks();
    const manifold = this.find("canvas.manifold");
    if (moving) stretch(manifold, stop.view, view);
    else manifold.style.transform = "";
  }

  // Rings, axes, and the image that was pointed at last: on a stop, with its posterior there.
  drawMarks() {
    const { scene: { view, stop, points, moving }, surface, focus } = this;
    const { side } = surface;
    const context = surface.cleared("marks");
    surface.drawScale(context, view, stop.header);
    if (focus < 0) return;
    const code = [points[2 * focus], points[2 * focus + 1]];
    if (!moving) drawPosterior(context, side, view, code[0], code[1], stop.posteriors.subarray(3 * focus, 3 * focus + 3));
    const { palette } = this.header;
    drawDot(context, side, view, code, 4, palette[stop.classes[focus] % palette.length], "#ffffff");
  }

  // ---- pointer, keyboard ------------------------------------------------------------------------------------------

  listen() {
    const { box: plane } = this.surface;
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
    if (event.key === "Escape") this.hideLens();
    const step = arrowStep(event);
    if (!step || !this.scene) return;
    event.preventDefault();
    const from = this.pointer ?? this.last ?? [0.5, 0.5];
    this.pointer = from.map((value, axis) => Math.min(Math.max(value + step[axis], 0), 1));
    this.finger = false;
    this.touch();
    this.find(".live").textContent = `${this.find(".place-name").textContent} ${this.find(".z").textContent}. Nearest: ${this.find(".nearest").textContent}.`;
  }

  // Decodes where the visitor points with the nearest stop's decoder; the place stays when the stop changes.
  touch() {
    const { scene: { view, stop, points }, pointer } = this;
    const [x, y] = view.toLatent(...pointer);
    this.last = pointer;
    this.at = { x, y };
    this.lensPicture.show(stop.decoder.decode([x, y]));
    const [index, distance] = nearestPoint(points, stop.classes, NONE, x, y);
    const nothing = distance > stop.header.empty_beyond;
    this.find(".z").textContent = this.describe(x, y, view);
    const label = this.header.labels[stop.classes[index]];
    this.find(".nearest").textContent = `${label}, ${distance.toPrecision(2)} away${nothing ? ": no digit near" : ""}`;
    this.lens.warn(nothing);
    this.lens.show(pointer[0], pointer[1], this.surface.side, this.finger);
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

  describe(x, y, view) { return placeText(x, y, view.half < 1 ? 3 : 2); }

  hideLens() {
    this.pointer = null;
    this.readFollowed();
    this.lens.hide();
  }

  end() { this.surface.end(); }
}
