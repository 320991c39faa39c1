// The digit pad: draws with mouse, pen, finger and keys; erases, takes back, begins from held-out digits.

import { unlike } from "../engine/link.js";
import { element, takePointer } from "../engine/page.js";
import { Picture } from "../engine/pictures.js";
import { Ink } from "./ink.js";
import { BASES, read, simplified, written } from "./strokes.js";

const BRUSH = 1.25; // pixels of 28, radius
const RUBBER = 2;
const PAST_KEPT = 60; // drawings that can be taken back to
const PAD_MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Pad {
  // on: {changed(), rested(sentence)}: the image is another one; the visitor has finished something.
  constructor(root, on) {
    this.find = (selector) => root.querySelector(selector);
    this.on = on;
    this.box = this.find(".pad");
    this.canvas = this.find(".pad canvas");
    this.context = this.canvas.getContext("2d");
    this.brushMark = this.find(".brush");
    this.centre = true;
    this.erasing = false;
    this.listen();
  }

  // side: of the image. presets: {images (uint8), classes, labels}, held-out images one after the other. start: the class
  // of the one that is usual.
  build(side, presets, start) {
    this.ink = new Ink(side);
    this.scale = side / 28;
    this.presets = presets;
    this.first = Math.max(0, presets.classes.indexOf(start));
    this.past = [];
    this.future = [];
    this.preset = -1; // the held-out image that this began from
    this.strokes = []; // and what was drawn on it or on the empty pad
    this.pen = null; // where the last stretch of a stroke ended
    this.trace = []; // the places of the stroke that is being drawn, in pixels of 28
    this.keyPen = false;
    this.at = [side / 2, side / 2];
    this.canvas.width = this.canvas.height = this.ink.cells;
    this.data = this.context.createImageData(this.ink.cells, this.ink.cells);
    this.data.data.fill(255);
    this.buildPresets(side);
    if (!window.PointerEvent) this.say("This browser reports no pointer: draw with the arrow keys and Space, or choose a digit.");
  }

  buildPresets(side) {
    const { images, classes, labels } = this.presets;
    const image = { channels: 1, height: side, width: side };
    this.tiles = labels.map((label, index) => {
      const first = classes.indexOf(index);
      if (first < 0) return null;
      const canvas = element("canvas");
      const button = element("button", { type: "button", className: "preset", title: `A held-out ${label}` }, canvas);
      button.setAttribute("aria-label", `Take a held-out ${label}`);
      button.onclick = () => this.take(first);
      new Picture(canvas, image).show(Float32Array.from(images.subarray(first * side * side, (first + 1) * side * side), (v) => v / 255));
      return button;
    });
    this.find(".presets").replaceChildren(...this.tiles.filter(Boolean));
  }

  // ---- what is drawn ----------------------------------------------------------------------------------------------

  get touched() { return this.strokes.length > 0 || this.trace.length > 0; }

  // A held-out image is in MNIST's frame already, also after it was drawn on.
  get centring() { return this.centre && this.preset < 0; }

  pixels() {
    const { ink, preset, touched, presets } = this;
    if (preset >= 0 && !touched) {
      const size = ink.side ** 2;
      return Float32Array.from(presets.images.subarray(preset * size, (preset + 1) * size), (value) => value / 255);
    }
    return this.centring ? ink.centredPixels() : ink.pixels();
  }

  show() {
    const { data } = this.data;
    const { ink } = this.ink;
    for (let i = 0; i < ink.length; i++) data[4 * i] = data[4 * i + 1] = data[4 * i + 2] = ink[i];
    this.context.putImageData(this.data, 0, 0);
    this.find(".undo").disabled = !this.past.length;
    this.find(".redo").disabled = !this.future.length;
    const label = this.preset >= 0 && !this.touched ? this.presets.classes[this.preset] : -1;
    this.tiles.forEach((tile, index) => tile?.setAttribute("aria-pressed", String(index === label)));
    this.find(".another").disabled = this.preset < 0;
  }

  changed() {
    this.on.changed();
    this.show();
  }

  snapshot() { return { ink: this.ink.ink.slice(), preset: this.preset, strokes: this.strokes }; }

  restore({ ink, preset, strokes }) {
    this.ink.ink.set(ink);
    Object.assign(this, { preset, strokes });
    this.changed();
  }

  // The drawing as a text, which `takeDrawing` makes it from again; "" for an untouched held-out image, which has a name
  // of its own.
  drawing() {
    if (this.preset >= 0) return this.touched ? written(BASES.digit, this.strokes) : "";
    return written(this.centre ? BASES.blank : BASES.asDrawn, this.strokes);
  }

  // A text made by `drawing`; index: the held-out image below it where there is one.
  takeDrawing(text, index) {
    this.endStroke();
    this.remember();
    const { base, strokes } = read(text);
    this.preset = base === BASES.digit ? index : -1;
    this.lay(this.preset);
    this.strokes = strokes;
    for (const stroke of strokes) this.ink.stretch(stroke.places, this.radius(stroke.erase), stroke.erase, this.scale);
    this.setCentre(base !== BASES.asDrawn);
    this.changed();
    this.rest("");
  }

  // What is on the pad, in a link's words: digit, a class; example, which image of it, from 1; drawing, a text of strokes.
  picture() {
    const label = this.presets.classes[this.preset];
    const known = this.preset >= 0;
    return {
      digit: known ? unlike(label, this.presets.classes[this.first]) : "",
      example: known ? unlike(this.alike(label).indexOf(this.preset) + 1, 1) : "",
      drawing: this.drawing(),
    };
  }

  // The same as a link is read; what is missing is the usual.
  takePicture({ digit = undefined, example = 1, drawing = "" }) {
    const alike = this.alike(digit ?? this.presets.classes[this.first]);
    const index = alike.length ? alike[Math.min(example, alike.length) - 1] : this.first;
    if (drawing) this.takeDrawing(drawing, index);
    else this.take(index);
  }

  // What lies below all strokes: a held-out image, or with -1 nothing.
  lay(index) {
    const size = this.ink.side ** 2;
    if (index < 0) this.ink.clear();
    else this.ink.fill(this.presets.images.subarray(index * size, (index + 1) * size));
  }

  // To be called before anything changes the drawing.
  remember() {
    this.past.push(this.snapshot());
    if (this.past.length > PAST_KEPT) this.past.shift();
    this.future.length = 0;
  }

  travel(from, to, name) {
    if (!from.length || this.pen) return;
    to.push(this.snapshot());
    this.restore(from.pop());
    this.rest(name);
  }

  undo() { this.travel(this.past, this.future, "Taken back."); }
  redo() { this.travel(this.future, this.past, "Drawn again."); }

  clear() {
    this.endStroke();
    this.remember();
    Object.assign(this, { preset: -1, strokes: [] });
    this.lay(-1);
    this.changed();
    this.rest("Nothing is drawn: this is the answer to a black image.");
  }

  // A held-out image, by its place among the presets.
  take(index) {
    this.endStroke();
    this.remember();
    Object.assign(this, { preset: index, strokes: [] });
    this.lay(index);
    this.changed();
    this.rest(`A held-out ${this.presets.labels[this.presets.classes[index]]}.`);
  }

  // Places of a class among the presets.
  alike(label) {
    const { classes } = this.presets;
    return Array.from(classes.keys()).filter((index) => classes[index] === label);
  }

  // The next held-out image of the same class.
  another() {
    const alike = this.alike(this.presets.classes[this.preset]);
    this.take(alike[(alike.indexOf(this.preset) + 1) % alike.length]);
  }

  // ---- strokes ----------------------------------------------------------------------------------------------------

  radius(erase) { return (erase ? RUBBER : BRUSH) * this.scale; }

  beginStroke(place) {
    this.remember();
    this.trace = [];
    this.pen = place;
    this.stroke([place]);
  }

  stroke(places) {
    for (const place of places) {
      this.ink.stroke(this.pen, place, this.radius(this.erasing), this.erasing);
      this.trace.push(place.map((value) => value / this.scale));
      this.pen = place;
    }
    this.changed();
  }

  // What stays is the stroke as a link writes it: whoever opens the link has the very same image.
  endStroke() {
    if (!this.pen) return;
    this.pen = null;
    this.keyPen = false;
    this.box.classList.remove("down");
    const stroke = { erase: this.erasing, places: simplified(this.trace) };
    this.ink.ink.set(this.past.at(-1).ink);
    this.ink.stretch(stroke.places, this.radius(stroke.erase), stroke.erase, this.scale);
    this.strokes = [...this.strokes, stroke];
    this.trace = [];
    this.changed();
    this.rest("");
  }

  rest(sentence) {
    this.on.rested();
    if (sentence) this.say(sentence);
  }

  say(sentence) { this.find(".pad-live").textContent = sentence; }

  // ---- pointer, keys, buttons -------------------------------------------------------------------------------------

  listen() {
    const { box } = this;
    const place = (event) => {
      const frame = this.canvas.getBoundingClientRect();
      return [event.clientX - frame.left, event.clientY - frame.top].map((value) => (value / frame.width) * this.ink.side);
    };
    box.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || this.pointer !== undefined) return; // a second finger draws nothing
      event.preventDefault();
      box.focus({ preventScroll: true });
      this.endStroke();
      this.pointer = event.pointerId;
      takePointer(box, event); // so that a release outside is heard of
      this.brushMark.hidden = true;
      this.beginStroke(place(event));
    });
    box.addEventListener("pointermove", (event) => {
      if (event.pointerId !== this.pointer) return;
      const passed = event.getCoalescedEvents?.() ?? [];
      this.stroke((passed.length ? passed : [event]).map(place));
    });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
      box.addEventListener(end, (event) => {
        if (event.pointerId !== this.pointer) return;
        this.pointer = undefined;
        this.endStroke();
      });
    }
    box.addEventListener("keydown", (event) => this.key(event));
    box.addEventListener("blur", () => { this.brushMark.hidden = true; if (this.keyPen) this.endStroke(); });
    this.find(".undo").onclick = () => this.undo();
    this.find(".redo").onclick = () => this.redo();
    this.find(".clear").onclick = () => this.clear();
    this.find(".another").onclick = () => this.another();
    this.find(".erase").onclick = () => this.setErasing(!this.erasing);
    this.find(".centre").onclick = () => {
      this.setCentre(!this.centre);
      this.on.changed();
      this.rest(this.centre ? "Centred and scaled." : "As drawn.");
    };
  }

  setCentre(centre) {
    this.centre = centre;
    this.find(".centre").setAttribute("aria-pressed", String(centre));
  }

  setErasing(erasing) {
    this.endStroke(); // a stroke is drawn with one of the two
    this.erasing = erasing;
    this.find(".erase").setAttribute("aria-pressed", String(erasing));
    this.box.classList.toggle("erasing", erasing);
  }

  key(event) {
    if (event.altKey) return; // the browser's own
    const letter = event.key.toLowerCase();
    if (event.ctrlKey || event.metaKey) {
      if (letter !== "z" && letter !== "y") return;
      event.preventDefault();
      this.endStroke();
      if (letter === "y" || event.shiftKey) this.redo();
      else this.undo();
      return;
    }
    if (event.key in PAD_MOVES) this.moveBrush(PAD_MOVES[event.key], event.shiftKey ? 4 : 1);
    else if (event.key === " ") this.togglePen();
    else if (letter === "e") this.setErasing(!this.erasing);
    else if (event.key === "Delete" || event.key === "Backspace") this.clear();
    else if (event.key === "Escape") this.endStroke();
    else return;
    event.preventDefault();
  }

  moveBrush(direction, pixels) {
    const step = pixels * this.scale;
    this.at = this.at.map((value, axis) => Math.min(Math.max(value + step * direction[axis], 0), this.ink.side));
    if (this.keyPen) this.stroke([this.at]);
    this.showBrush();
  }

  togglePen() {
    this.showBrush();
    if (this.keyPen) { this.endStroke(); this.say("Pen lifted."); return; }
    this.keyPen = true;
    this.box.classList.add("down");
    this.beginStroke(this.at);
    this.say("Pen down: arrow keys draw.");
  }

  showBrush() {
    this.brushMark.hidden = false;
    this.brushMark.style.left = `${(100 * this.at[0]) / this.ink.side}%`;
    this.brushMark.style.top = `${(100 * this.at[1]) / this.ink.side}%`;
  }
}
