// One code, and what it may stand for: the held-out images whose codes are nearest, their mean, and what the decoder
// makes of the code. A slider goes from a single image to the mean of many.

import { expectLength } from "../engine/arrays.js";
import { drawDot } from "../engine/drawing.js";
import { Decoder } from "../engine/interpreter.js";
import { arrowStep } from "../engine/keys.js";
import { pageLink, rounded, unlike } from "../engine/link.js";
import { named, showComponent, takePointer, withPayload } from "../engine/page.js";
import { Picture } from "../engine/pictures.js";
import { Plane } from "../engine/plane.js";
import { onThumbnails, receiveThumbnails, sheets } from "../engine/thumbnails.js";
import { View, classMedians, placeText } from "../engine/view.js";
import { compared, nearest, tileOf } from "./likely.js";

const COLUMNS = 10; // of the images near z
const DIMMED = 0.28; // those that are not averaged
const instances = new Map(); // mount point -> Blur

onThumbnails((images) => { for (const one of instances.values()) if (one.header?.images === images) one.receiveSheet(); });

class Blur {
  constructor(parent) {
    parent.append(parent.querySelector("template").content.cloneNode(true));
    this.root = parent.querySelector(".blur");
    this.find = (selector) => this.root.querySelector(selector);
    this.box = this.find(".plane");
    this.slider = this.find(".count");
    this.slider.addEventListener("input", () => this.setCount(this.slider.valueAsNumber));
    this.listen();
    this.surface = new Plane(this.find, () => this.drawPlane());
    this.root.blurred = this; // for tests and the browser console
  }

  // The pointer shows what is under it; a click or a drag keeps the place. Off the plane the kept one is shown again.
  listen() {
    const { box } = this;
    const place = (event) => {
      const { left, top, width, height } = box.getBoundingClientRect();
      return this.view.toLatent((event.clientX - left) / width, (event.clientY - top) / height);
    };
    box.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      takePointer(box, event);
      this.keep(...place(event));
    });
    box.addEventListener("pointermove", (event) => {
      if (box.hasPointerCapture(event.pointerId)) this.keep(...place(event));
      else this.look(...place(event));
    });
    box.addEventListener("pointerleave", () => this.look(...this.kept));
    box.addEventListener("keydown", (event) => {
      const step = arrowStep(event);
      if (!step) return;
      event.preventDefault();
      const width = 2 * this.view.half;
      this.keep(this.kept[0] + step[0] * width, this.kept[1] - step[1] * width);
      this.say();
    });
  }

  // Before its tensors are here: takes the place that it will need.
  prepare(header) {
    if (this.decoder) return;
    this.showFrame(header);
    showComponent(this.root, true);
  }

  // What the header alone decides.
  showFrame(header) {
    this.header = header;
    const { title, subtitle, image, most, noun } = header;
    this.find(".title").textContent = title;
    this.find(".subtitle").textContent = subtitle;
    this.slider.max = String(most);
    this.find(".most").textContent = `mean of ${most}`;
    this.slider.setAttribute("aria-label", `How many ${noun}s are averaged`);
    this.box.setAttribute("aria-label", "Latent plane. Arrow keys choose z, with Shift in small steps.");
    this.pictures = Object.fromEntries(["made", "mean", "first"].map((name) => [name, new Picture(this.find(`.${name}`), image)]));
    [this.find(".near").width, this.find(".near").height] = [COLUMNS * image.width, Math.ceil(most / COLUMNS) * image.height];
    this.count = header.count;
    this.showCount();
  }

  // What the slider alone decides.
  showCount() {
    const { count, header: { noun } } = this;
    const averaged = this.averaged();
    this.slider.value = String(count);
    this.slider.setAttribute("aria-valuetext", averaged);
    for (const name of [".mean-name", ".mean-row"]) this.find(name).textContent = averaged;
    this.find(".single-row").textContent = count === 1 ? `that ${noun} itself` : `one of these ${count}, on average`;
  }

  update(payload) {
    if (payload.headerText === this.headerText) return;
    const isNew = !this.headerText;
    this.headerText = payload.headerText;
    this.showFrame(payload.header);
    const { header, tensor } = payload;
    this.decoder = new Decoder(payload);
    this.classes = tensor("classes");
    this.points = expectLength("points", tensor("points"), 2 * this.classes.length);
    this.centres = classMedians(this.points, this.classes, header.labels.length);
    this.view = new View(header.range);
    this.grey = null;
    this.kept = [...header.start];
    showComponent(this.root);
    this.surface.fit(true);
    this.receiveSheet();
    this.look(...this.kept);
    this.drawPlane();
    if (isNew) pageLink.join(this);
  }

  // The pixels of the held-out images, read once.
  receiveSheet() {
    const sheet = sheets.get(this.header.images);
    if (!sheet || !this.decoder || this.grey) return;
    const { bitmap, columns } = sheet;
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d", { willReadFrequently: true });
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    this.grey = new Uint8Array(data.length / 4);
    for (let i = 0; i < this.grey.length; i++) this.grey[i] = data[4 * i];
    this.columns = columns;
    this.show();
  }

  missed() { this.find(".sum").textContent = "The held-out images have not arrived. Reload the page to try again."; }

  // Shows what lies at a place, without keeping it.
  look(x, y) {
    if (!this.decoder) return;
    this.z = [x, y];
    this.made = this.decoder.decode(Float32Array.from(this.z)).slice();
    this.order = nearest(this.points, x, y, this.header.most);
    this.show();
  }

  // Keeps a place, at most on the plane's edge.
  keep(x, y) {
    const { cx, cy, half } = this.view;
    const within = (value, centre) => Math.min(Math.max(value, centre - half), centre + half);
    this.kept = [within(x, cx), within(y, cy)];
    this.look(...this.kept);
    pageLink.changed();
  }

  setCount(count) {
    this.count = count;
    this.show();
    pageLink.changed();
  }

  show() {
    const { header: { image, noun, sharpness: real }, count, pictures } = this;
    this.showCount();
    pictures.made.show(this.made);
    named(this.find(".made"), `What the decoder makes of z = ${placeText(...this.z, 2)}`);
    this.drawMarks();
    if (!this.grey) return;
    const images = this.order.map((index) => tileOf(this.grey, this.columns, image, index));
    this.found = compared(this.made, images.slice(0, count), image);
    const { mean, sharpness, toMean, toSingle, around } = this.found;
    pictures.mean.show(mean);
    pictures.first.show(images[0]);
    this.drawNear(images);
    named(this.find(".mean"), this.averaged());
    named(this.find(".first"), `The nearest ${noun}, a ${this.name(this.order[0])}`);
    const says = {
      ".made-sharp": (sharpness.made / real).toFixed(2), ".mean-sharp": (sharpness.mean / real).toFixed(2), ".single-sharp": (sharpness.single / real).toFixed(2),
      ".mean-error": toMean.toFixed(4), ".single-error": toSingle.toFixed(4),
    };
    for (const [selector, text] of Object.entries(says)) this.find(selector).textContent = text;
    this.find(".sum").textContent = count === 1
      ? `Squared error to this one ${noun}: ${toSingle.toFixed(4)} per pixel. Move the slider: the mean of several is nearer.`
      : `Error to the ${count} ${noun}s: ${toSingle.toFixed(4)} = ${toMean.toFixed(4)} to their mean + ${around.toFixed(4)}, by which they differ from it. Only the first part depends on what the decoder draws.`;
  }

  name(index) { return this.header.labels[this.classes[index]]; }

  averaged() {
    const { count, header: { noun } } = this;
    return count === 1 ? `the nearest ${noun} alone` : `mean of the ${count} nearest`;
  }

  // The images near z, those that are averaged in full light.
  drawNear(images) {
    const { header: { image }, count } = this;
    const canvas = this.find(".near");
    const context = canvas.getContext("2d");
    const data = context.createImageData(canvas.width, canvas.height);
    images.forEach((pixels, number) => {
      const light = 255 * (number < count ? 1 : DIMMED);
      const corner = Math.floor(number / COLUMNS) * image.height * canvas.width + (number % COLUMNS) * image.width;
      pixels.forEach((value, i) => {
        const at = 4 * (corner + Math.floor(i / image.width) * canvas.width + (i % image.width));
        data.data[at] = data.data[at + 1] = data.data[at + 2] = light * value;
        data.data[at + 3] = 255;
      });
    });
    context.putImageData(data, 0, 0);
    named(canvas, `The ${images.length} nearest ${this.header.noun}s, of which the first ${count} are averaged: ${this.inWords()}`);
  }

  // Which classes the averaged images have: "12 × 4, 8 × 9".
  inWords() {
    const tally = new Map();
    for (const index of this.order.slice(0, this.count)) tally.set(this.name(index), (tally.get(this.name(index)) ?? 0) + 1);
    return [...tally].sort((one, other) => other[1] - one[1]).map(([name, times]) => `${times} × ${name}`).join(", ");
  }

  say() {
    const { sharpness: real, noun } = this.header;
    const found = this.found ? `: sharpness decoded ${(this.found.sharpness.made / real).toFixed(2)}, ${this.averaged()} ${(this.found.sharpness.mean / real).toFixed(2)}` : "";
    this.find(".live").textContent = `z = ${placeText(...this.z, 2)}. Nearest ${noun}s: ${this.inWords()}${found}.`;
  }

  drawPlane() {
    const { surface, view, header, points, classes, centres } = this;
    if (!this.decoder || !surface.side) return;
    const { palette, labels } = header;
    const context = surface.cleared("points");
    surface.drawPoints(context, view, { points, classes, palette });
    surface.drawNames(context, view, { centres, labels, palette });
    surface.drawScale(context, view, header);
    this.drawMarks();
  }

  // A ring around z, and the codes of the images that are averaged.
  drawMarks() {
    const { surface, view, points, order, count, z } = this;
    if (!surface.side) return;
    const context = surface.cleared("marks");
    drawDot(context, surface.side, view, z, 8, "rgba(4, 6, 11, 0.35)", "#ffffff");
    for (const index of order.slice(0, count)) drawDot(context, surface.side, view, [points[2 * index], points[2 * index + 1]], 2.5, "#ffffff", "#04060b");
  }

  // ---- the link ---------------------------------------------------------------------------------------------------

  linked() {
    const { kept, count, header: { names, start, count: usual } } = this;
    const moved = kept.some((value, axis) => value !== start[axis]);
    return { [names.z]: moved ? kept.map(rounded).join(",") : "", [names.count]: unlike(count, usual) };
  }

  usual() {
    const { names, start, count } = this.header;
    return { [names.z]: start, [names.count]: count };
  }

  // A place that is not on the plane is left out.
  restore(values) {
    const { header: { names }, view: { cx, cy, half } } = this;
    const [x, y] = values[names.z] ?? this.kept;
    if (Math.max(Math.abs(x - cx), Math.abs(y - cy)) <= half) this.kept = [x, y];
    if (names.count in values) this.count = values[names.count];
    this.look(...this.kept);
  }

  // For tests: what is on screen, in numbers.
  state() {
    const { z, kept, count, order, made, found, grey } = this;
    return { z, kept, count, order, ready: Boolean(grey), made: Array.from(made), ...found, mean: Array.from(found?.mean ?? []) };
  }

  remove() {
    pageLink.leave(this);
    this.surface.end();
    this.root.remove();
  }
}

export default function (mounted) {
  const { parentElement } = mounted;
  const here = () => {
    if (!instances.has(parentElement)) instances.set(parentElement, new Blur(parentElement));
    return instances.get(parentElement);
  };
  return withPayload(mounted, "plane", (payload) => here().update(payload), () => {
    instances.get(parentElement)?.remove();
    instances.delete(parentElement);
  }, { before: (header) => here().prepare(header), later: receiveThumbnails, missed: () => here().missed() });
}
