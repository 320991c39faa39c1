// The latent line: one latent dimension, walked along with a slider or over a film of decoded images. The images known
// at the whole numbers on either side stand beside the decoded one. All of it happens here; Python hears nothing.

import { expectLength } from "../engine/arrays.js";
import { Decoder } from "../engine/interpreter.js";
import { pageLink, unlike } from "../engine/link.js";
import { element, showComponent, takePointer, withPayload } from "../engine/page.js";
import { Picture } from "../engine/pictures.js";
import { slices } from "../engine/slices.js";

const FILM_SPAN = 6; // whole numbers from the film's beginning to its end
const FILM_STEPS = 24; // from image to image of the film, at most
const TWO_ROWS_BELOW = 720; // CSS pixels of the film's width
const KEY_STEP = 0.05;
const PLACES = 100; // z is a whole number of hundredths, so that what is told is what is decoded

const lines = new WeakMap(); // mount point -> LatentLine

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

class LatentLine {
  low;
  high;

  constructor(parent) {
    parent.append(parent.querySelector("template").content.cloneNode(true));
    this.root = parent.querySelector(".latent-line");
    this.failed = parent.querySelector(".failed");
    this.find = (selector) => this.root.querySelector(selector);
    this.slider = this.find("input");
    this.film = this.find(".film");
    this.listen();
    this.resizes = new ResizeObserver(() => this.setColumns());
    this.resizes.observe(this.film);
    this.root.latentLine = this; // for tests and the browser console
  }

  // Before its tensors are here: takes the place that it will need. What is shown already stays until they are.
  prepare(header) {
    if (this.decoder) return;
    this.showFrame(header);
    showComponent(this.root, true);
  }

  // A new payload, or the same one again because the page ran again.
  update(payload) {
    if (payload.headerText === this.headerText) return;
    const { header } = payload;
    const sameRun = this.decoder && this.header.key === header.key;
    this.headerText = payload.headerText;
    this.decoder = new Decoder(payload);
    const bytes = expectLength("images", payload.tensor("images"), header.labels.length * this.decoder.size);
    this.images = Float32Array.from(bytes, (byte) => byte / 255);
    this.showFrame(header);
    this.moveTo(sameRun ? this.z : header.options?.z ?? this.low);
    if (!this.linking) pageLink.join(this);
    this.linking = true;
    this.failed.hidden = true;
    showComponent(this.root);
  }

  linked() { return { z: unlike(this.z, this.header.options?.z ?? this.low) }; }

  usual() { return { z: this.header.options?.z ?? this.low }; }
  restore({ z }) { this.moveTo(z); }

  // What the header alone decides.
  showFrame(header) {
    const { slider } = this;
    this.header = header;
    [this.low, this.high] = header.range;
    for (const name of ["title", "subtitle"]) {
      this.find(`.${name}`).textContent = header[name] ?? "";
      this.find(`.${name}`).hidden = !header[name];
    }
    this.pictures = Object.fromEntries(["below", "decoded", "above"].map((name) => {
      const canvas = this.find(`.${name} canvas`);
      return [name, { canvas, picture: new Picture(canvas, header.image), caption: this.find(`.${name} figcaption`) }];
    }));
    slider.min = this.low;
    slider.max = this.high;
    this.find(".low").textContent = this.low;
    this.find(".high").textContent = this.high;
    const span = Math.min(FILM_SPAN, this.high - this.low);
    this.stepsPerUnit = Math.floor(FILM_STEPS / span); // so that every whole number is on the film
    this.shown = span * this.stepsPerUnit + 1;
    this.first = 0;
    this.frames = new Map(); // number of a frame, counted from the line's beginning -> frame
    this.layFilm();
    this.setColumns();
  }

  // ---- walking --------------------------------------------------------------------------------------------------

  listen() {
    const { slider, film } = this;
    slider.addEventListener("input", () => this.moveTo(slider.valueAsNumber));
    slider.addEventListener("keydown", (event) => this.key(event));
    film.addEventListener("pointerdown", (event) => { takePointer(film, event); this.moveOnFilm(event); });
    film.addEventListener("pointermove", (event) => this.moveOnFilm(event));
    film.addEventListener("pointerleave", () => this.follow());
  }

  key(event) {
    const step = event.shiftKey ? KEY_STEP / 5 : KEY_STEP;
    const goals = {
      ArrowLeft: this.z - step, ArrowDown: this.z - step, ArrowRight: this.z + step, ArrowUp: this.z + step,
      PageDown: Math.ceil(this.z) - 1, PageUp: Math.floor(this.z) + 1,
    };
    if (!(event.key in goals)) return; // Home and End are the slider's own
    event.preventDefault();
    this.moveTo(goals[event.key]);
  }

  // The film stands still under the pointer: it follows when the pointer leaves.
  moveOnFilm(event) {
    const box = this.film.getBoundingClientRect();
    const rows = Math.ceil(this.shown / this.columns);
    const row = clamp(Math.floor(((event.clientY - box.top) / box.height) * rows), 0, rows - 1);
    const column = clamp(((event.clientX - box.left) / box.width) * this.columns, 0, this.columns) - 0.5;
    const frame = this.first + clamp(row * this.columns + column, 0, this.shown - 1);
    this.moveTo(this.place(frame), false);
  }

  moveTo(z, follow = true) {
    this.z = clamp(Math.round(z * PLACES) / PLACES, this.low, this.high);
    this.slider.value = this.z;
    this.show();
    if (follow) this.follow();
    this.mark();
    pageLink.changed();
  }

  // ---- showing --------------------------------------------------------------------------------------------------

  show() {
    const { decoded } = this.pictures;
    const text = `z = ${this.z.toFixed(2)}`;
    decoded.picture.show(this.decoder.decode([this.z]));
    decoded.caption.textContent = text;
    decoded.canvas.setAttribute("aria-label", `Decoded at ${text}`);
    // At a whole number, that one and the next; at the end, the one before and the last.
    const below = Math.min(Math.floor(this.z), this.high - 1);
    this.showKnown(this.pictures.below, below);
    this.showKnown(this.pictures.above, below + 1);
    const { labels } = this.header;
    this.slider.setAttribute("aria-valuetext", `${text}, between ${below}: ${labels[below]} and ${below + 1}: ${labels[below + 1]}`);
  }

  showKnown({ canvas, picture, caption }, index) {
    const label = this.header.labels[index];
    picture.show(this.images, index * this.decoder.size);
    canvas.setAttribute("aria-label", `Known image at z = ${index}: ${label}`);
    caption.replaceChildren(element("span", { textContent: `known at z = ${index}` }), element("b", { textContent: label }));
    caption.parentElement.classList.toggle("met", this.z === index);
  }

  place(frame) { return this.low + frame / this.stepsPerUnit; }

  // Moves the film no farther than it must to keep z in its middle third.
  follow() {
    const at = (this.z - this.low) * this.stepsPerUnit;
    const margin = (this.shown - 1) / 3;
    const wanted = clamp(this.first, Math.ceil(at + margin) - this.shown + 1, Math.floor(at - margin));
    const first = clamp(wanted, 0, (this.high - this.low) * this.stepsPerUnit + 1 - this.shown);
    if (first === this.first) return;
    this.first = first;
    this.layFilm();
    this.mark();
  }

  // Frames that stay on the film keep their picture.
  layFilm() {
    const numbers = Array.from({ length: this.shown }, (_, k) => this.first + k);
    this.frames = new Map(numbers.map((number) => [number, this.frames.get(number) ?? this.makeFrame(number)]));
    this.film.replaceChildren(...[...this.frames.values()].map((frame) => frame.box));
    const [from, to] = [numbers[0], numbers.at(-1)].map((number) => this.place(number));
    this.film.setAttribute("aria-label", `Decoded images from z = ${from.toFixed(2)} to z = ${to.toFixed(2)}`);
    const share = (z) => (z - this.low) / (this.high - this.low);
    const seen = this.find(".seen");
    seen.style.setProperty("--from", share(from));
    seen.style.setProperty("--to", share(to));
    this.drawFilm();
  }

  makeFrame(number) {
    const z = this.place(number);
    const canvas = element("canvas");
    const whole = number % this.stepsPerUnit === 0;
    const box = element("figure", { className: whole ? "whole" : "" }, canvas, element("figcaption", { textContent: whole ? z : "" }));
    return { z, box, picture: new Picture(canvas, this.header.image), drawn: false };
  }

  drawFilm() {
    if (this.drawing || !this.decoder) return;
    this.drawing = true;
    slices.add(() => {
      const frame = [...this.frames.values()].find(({ drawn }) => !drawn);
      this.drawing = Boolean(frame);
      if (!frame) return false;
      frame.picture.show(this.decoder.decode([frame.z]));
      frame.drawn = true;
      return true;
    });
  }

  // Where z is on the film.
  mark() {
    const at = (this.z - this.low) * this.stepsPerUnit;
    const nearest = this.frames.get(Math.round(at));
    this.film.querySelector(".here")?.classList.remove("here");
    nearest?.box.classList.add("here");
    nearest?.box.style.setProperty("--at", at - Math.round(at) + 0.5);
  }

  setColumns() {
    if (!this.shown) return;
    this.columns = this.film.clientWidth < TWO_ROWS_BELOW ? Math.ceil(this.shown / 2) : this.shown;
    this.film.style.gridTemplateColumns = `repeat(${this.columns}, minmax(0, 1fr))`;
  }

  remove() {
    pageLink.leave(this);
    this.root.remove();
    this.resizes.disconnect();
    this.frames?.clear(); // ends a drawing in progress
  }
}

export default function (component) {
  const { parentElement } = component;
  const here = () => {
    if (!lines.has(parentElement)) lines.set(parentElement, new LatentLine(parentElement));
    return lines.get(parentElement);
  };
  return withPayload(component, "line", (payload) => here().update(payload), () => {
    lines.get(parentElement)?.remove();
    lines.delete(parentElement);
  }, { before: (header) => here().prepare(header) });
}
