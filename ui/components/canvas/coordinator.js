// One latent canvas: what it shows, where the visitor is on it, and what follows from that. Its parts do the rest;
// scene.js draws the plane.

import { expectLength } from "../engine/arrays.js";
import { Decoder } from "../engine/interpreter.js";
import { Lens } from "../engine/lens.js";
import { pageLink } from "../engine/link.js";
import { showComponent } from "../engine/page.js";
import { Plane } from "../engine/plane.js";
import { slices } from "../engine/slices.js";
import { Timings } from "../engine/timings.js";
import { View, classMedians, nearestPoint } from "../engine/view.js";
import { glide } from "./glide.js";
import { companions, joinGroup, leaveGroup } from "./groups.js";
import { listenToKeys } from "./keyboard.js";
import { Layers } from "./layers.js";
import { Legend } from "./legend.js";
import { ledOf, linkedOf, takeLinked, usualOf } from "./linked.js";
import { Path } from "./path.js";
import { savePicture } from "./picture.js";
import { Pins } from "./pins.js";
import { Pointer } from "./pointer.js";
import { Readout } from "./readout.js";
import { Samples } from "./samples.js";
import { drawMarksOf, drawPointsOf } from "./scene.js";

const ZOOM = 1.5; // of the buttons
const SAY_MS = 250;

export class LatentCanvas {
  constructor(parent) {
    parent.append(parent.querySelector("template").content.cloneNode(true));
    this.root = parent.querySelector(".latent-canvas");
    this.failed = parent.querySelector(".failed");
    this.find = (selector) => this.root.querySelector(selector);
    this.plane = this.find(".plane");
    this.hidden = new Set(); // classes
    this.focus = -1; // the nearest image
    this.moves = new Timings();
    this.surface = new Plane(this.find, () => this.resized());
    this.lens = new Lens(this.find);
    this.readout = new Readout(this);
    this.layers = new Layers(this);
    this.legend = new Legend(this);
    this.pins = new Pins(this);
    this.route = new Path(this);
    this.samples = new Samples(this);
    this.pointer = new Pointer(this);
    listenToKeys(this);
    this.find(".tools").addEventListener("click", (event) => this.tool(event.target.closest("button")?.dataset.do));
    this.plane.latentCanvas = this; // for tests and the browser console
  }

  get side() { return this.surface.side; }
  get path() { return this.route.points; }
  get options() { return this.header?.options ?? {}; }
  get image() { return this.header.image; }
  get ready() { return Boolean(this.decoder); } // its tensors are here

  // Before its tensors are here: takes the place that it will need, from what the header says. What is shown already
  // stays until they are.
  prepare(header) {
    if (this.ready) return;
    this.header = header;
    this.layers.heatShown = Boolean(this.options.heat);
    this.showFrame();
    showComponent(this.root, true);
  }

  // A new payload, or the same one again because the page ran again.
  update(payload, setStateValue) {
    this.send = setStateValue;
    if (payload.headerText === this.headerText) return;
    // Pins and view belong to a run and a plane through its codes.
    const which = ({ key, plane_origin: origin, plane_axes: axes }) => JSON.stringify([key, origin, axes]);
    const sameRun = this.ready && which(this.header) === which(payload.header);
    this.headerText = payload.headerText;
    this.take(payload);
    if (!sameRun) this.begin();
    this.samples.take(this.options.samples ?? [], !sameRun);
    joinGroup(this, this.options.group);
    if (!this.linking && this.options.link !== undefined) {
      this.linking = true;
      pageLink.join(this);
    } else if (!sameRun) pageLink.changed();
    this.showAll();
  }

  take(payload) {
    this.header = payload.header;
    this.decoder = new Decoder(payload);
    this.classes = payload.tensor("classes");
    const count = this.classes.length;
    this.xy = expectLength("points", payload.tensor("points"), 2 * count);
    this.posteriors = this.header.tensors.posteriors
      ? expectLength("posteriors", payload.tensor("posteriors"), 3 * count) : null;
    this.centres = classMedians(this.xy, this.classes, this.header.labels.length);
  }

  begin() {
    this.hidden = new Set();
    this.focus = -1;
    this.view = new View(this.header.range);
    this.route.points = [];
    this.layers.heatShown = Boolean(this.options.heat);
    if (this.options.view) this.view.set(this.options.view);
    this.pins.take(this.options.pins ?? []);
  }

  // For the page's link, and for whoever follows another screen.
  linked() { return linkedOf(this); }
  led() { return ledOf(this); }
  usual() { return usualOf(this); }
  restore(values) { takeLinked(this, values); }

  // The other canvases of the group that show the very same images.
  others() {
    return companions(this).filter((canvas) =>
      canvas.options.images === this.options.images && canvas.classes.length === this.classes.length);
  }

  colour(label) { return this.header.palette[label % this.header.palette.length]; }
  codeOf(index) { return [this.xy[2 * index], this.xy[2 * index + 1]]; }

  // What the header alone decides.
  showFrame() {
    const { header, options } = this;
    const title = header.title ?? header.key;
    this.find(".title").textContent = title;
    this.find(".subtitle").textContent = header.subtitle ?? "";
    this.plane.setAttribute("aria-label", `${title}. Arrow keys move a crosshair that decodes, Shift makes `
      + "small steps, Enter pins, Backspace removes the last pin, P begins a path and ends it, plus and minus zoom, 0 shows all, Escape clears.");
    this.find(".export").hidden = !options.export;
    this.find(".pins").hidden = Boolean(options.compact);
    this.readout.build();
    this.legend.build();
    this.layers.showNote();
    this.pins.show();
    this.route.show();
  }

  showAll() {
    this.showFrame();
    this.layers.build();
    const start = this.pins.list.at(-1) ?? { x: this.view.cx, y: this.view.cy };
    this.decodeAt(start.x, start.y);
    this.failed.hidden = true;
    showComponent(this.root);
    // In a frame of its own: several planes may arrive at once.
    this.pointer.forgetBox();
    if (this.surface.fit(true)) slices.add(() => { this.draw(); return false; });
  }

  // ---- what is at a place ---------------------------------------------------------------------------------------

  // The visitor is at (x, y): decode, and let what depends on the nearest image follow.
  touch(x, y) {
    const before = this.focus;
    this.decodeAt(x, y);
    if (this.focus !== before) this.later();
  }

  // Decodes (x, y) and shows it in the lens and the read-out.
  decodeAt(x, y) {
    this.at = { x, y };
    const [index, distance] = nearestPoint(this.xy, this.classes, this.hidden, x, y);
    this.nothing = index < 0 || distance > this.header.empty_beyond;
    this.focus = index;
    this.readout.show(this.at, this.decoder.decode([x, y]), index, distance, this.nothing);
    this.lens.warn(this.nothing);
  }

  // Once per frame at most: what changes with the nearest image (its picture, its posterior, the linked planes).
  later() {
    if (this.pending) return;
    this.pending = requestAnimationFrame(() => {
      this.pending = 0;
      this.showFocus();
      this.others().forEach((canvas) => canvas.follow(this.focus));
    });
  }

  showFocus() {
    this.readout.showImage(this.focus);
    this.drawMarks();
  }

  // A linked plane's pointer is nearest to image `index`: show where this model puts it.
  follow(index) {
    if (index < 0) { this.hideLens(); return; }
    const [x, y] = this.codeOf(index);
    this.decodeAt(x, y);
    this.focus = index; // of several images with this very code, the one that is meant
    this.showFocus();
    this.showLens(...this.view.toPlane(x, y));
  }

  showLens(u, v, finger = false) {
    if (u >= 0 && v >= 0 && u <= 1 && v <= 1) this.lens.show(u, v, this.side, finger);
    else this.lens.hide();
  }

  hideLens() { for (const canvas of [this, ...this.others()]) canvas.lens.hide(); }

  // ---- commands -----------------------------------------------------------------------------------------------

  tool(name) {
    if (name === "in" || name === "out") this.glide({ ...this.view.get(), half: this.view.half * (name === "in" ? 1 / ZOOM : ZOOM) });
    else if (name === "fit") this.glide(this.view.home);
    else if (name === "manifold" || name === "points" || name === "heat") this.toggleLayer(name);
    else if (name === "path") this.route.toggleByFinger();
    else if (name === "png") savePicture(this.find, Math.round(this.side * this.surface.ratio), this.header.key);
  }

  toggleLayer(name) {
    const shown = this.find(`canvas.${name}`).hidden;
    this.showLayer(name, shown);
    // Distances are there to be compared: the whole group shows them or none does.
    if (name === "heat") companions(this).forEach((canvas) => canvas.showLayer(name, shown));
  }

  showLayer(name, shown) { this.layers.show(name, shown); }

  glide(to) { glide(this.view, to, () => this.viewChanged(), () => this.commitView()); }

  clear() {
    this.pins.clear();
    this.route.clear();
    this.say("Pins and path cleared.");
  }

  commit(name, value) { if (this.options.commit) this.send(name, value); }

  commitView() {
    const { cx, cy, half } = this.view.get();
    this.commit("view", [cx, cy, half]);
    pageLink.changed();
  }

  say(text) {
    clearTimeout(this.saying);
    this.saying = setTimeout(() => { this.find(".live").textContent = text; }, SAY_MS);
  }

  focusPlane() { this.plane.focus({ preventScroll: true }); }

  // ---- drawing --------------------------------------------------------------------------------------------------

  // At once, or it would blink.
  resized() {
    this.pointer.forgetBox();
    if (this.ready) this.draw();
  }

  draw() {
    this.drawPoints();
    this.drawMarks();
    this.layers.fill();
  }

  viewChanged() {
    this.drawPoints();
    this.drawMarks();
    this.layers.viewChanged();
  }

  drawPoints() { drawPointsOf(this); }
  drawMarks() { if (this.ready) drawMarksOf(this); }

  // For tests and benchmarks: what is on screen, in numbers.
  state() {
    return {
      key: this.header.key, at: this.at, focus: this.focus, nothing: this.nothing, view: this.view.get(),
      pins: this.pins.places(), path: this.route.points.length, hidden: [...this.hidden],
      ...this.layers.state(), moveMilliseconds: this.moves.list(),
    };
  }

  remove() {
    leaveGroup(this);
    pageLink.leave(this);
    this.root.remove();
    clearTimeout(this.saying);
    for (const part of [this.surface, this.pointer, this.layers, this.samples]) part.end();
  }
}
