// What the walk and the analogies have in common: held-out heads, their codes, and what is made of other codes.

import { meanSquaredError } from "../engine/arrays.js";
import { headArtist } from "../engine/head.js";
import { Decoder, Network } from "../engine/interpreter.js";
import { pageLink } from "../engine/link.js";
import { element, named, showComponent } from "../engine/page.js";
import { Picture } from "../engine/pictures.js";
import { slices } from "../engine/slices.js";
import { Timings } from "../engine/timings.js";

// share of the way from one list of numbers to another.
export const between = (one, other, share) => Float32Array.from(one, (value, i) => value + share * (other[i] - value));

export const mean = (values) => values.reduce((total, value) => total + value, 0) / values.length;

export const errorText = (error) => error.toFixed(4);

// A part of the page that begins with held-out heads. Where header.values has their features, a renderer comes later
// (receiveArtist), and heads are drawn of their features; else they are the held-out images, and no truth is known.
export class OfHeads {
  constructor(parent, name) {
    parent.append(parent.querySelector("template").content.cloneNode(true));
    this.root = parent.querySelector(".component");
    this.failed = parent.querySelector(".failed");
    this.find = (selector) => this.root.querySelector(selector);
    this.timings = new Timings();
    this.root[name] = this; // for tests and the browser console
  }

  // Before its tensors are here: takes the place that it will need. What is shown already stays until they are.
  prepare(header) {
    if (this.decoder) return;
    this.showFrame(header);
    showComponent(this.root, true);
  }

  update(payload) {
    if (payload.headerText === this.headerText) return;
    const isNew = !this.decoder;
    this.headerText = payload.headerText;
    this.showFrame(payload.header);
    const { header, tensor } = payload;
    this.decoder = Decoder.ofCodes(payload);
    this.encoder = new Network(header.encoder.encoder, this.decoder.size, tensor);
    this.images = tensor("presets");
    this.failed.hidden = true;
    showComponent(this.root);
    this.place();
    if (isNew) pageLink.join(this);
  }

  // What draws heads has come.
  receiveArtist(payload) {
    this.artist = headArtist(payload);
    this.place();
  }

  missed() { this.find(".note").textContent = "What draws the heads has not arrived. Reload the page to try again."; }

  // What a part of the page has of its own: what the header alone decides; where it begins; what is on screen; what is told
  // of many heads.
  frame(_header) {}

  begin() {}

  show() {}

  measure() {}

  // Whether the true heads between are known.
  get isRendered() { return Boolean(this.header.values); }

  showFrame(header) {
    this.header = header;
    this.root.classList.toggle("unknown", !this.isRendered);
    for (const one of this.root.querySelectorAll(".of-truth")) one.hidden = !this.isRendered;
    this.frame(header);
  }

  // Everything anew, once all is here that it takes.
  place() {
    if (!this.decoder || (this.isRendered && !this.artist)) return;
    this.begin();
    this.show();
    this.measure();
  }

  picture(selector, name) { return new Picture(named(this.find(selector), name), this.header.image); }

  // A held-out head's pixels, from 0 to 1; heads are counted from 1.
  head(number) {
    if (this.isRendered) return this.drawn(this.header.values[number - 1]);
    const { size } = this.decoder;
    return Float32Array.from(this.images.subarray((number - 1) * size, number * size), (level) => level / 255);
  }

  // The head with these features.
  drawn(values) { return Float32Array.from(this.artist(values, this.header.image.width), (level) => level / 255); }

  code(pixels) { return this.encoder.run(pixels).slice(); }

  // What is drawn of a code; of one between levels, of the nearest levels, halves going up.
  made(code) { return this.decoder.decode(this.onLevels(code)).slice(); }

  onLevels(code) {
    const { levels } = this.header;
    if (!levels) return code;
    const steps = (levels - 1) / 2;
    return code.map((value) => Math.floor((Math.min(1, Math.max(-1, value)) + 1) * steps + 0.5) / steps - 1);
  }

  error(one, other) { return meanSquaredError(one, other); }

  // The number after this one, from the start again after the last; not the other one, where there are more.
  next(number, other) {
    const { heads } = this.header;
    const after = (number % heads) + 1;
    return after === other && heads > 2 ? (after % heads) + 1 : after;
  }

  // use(number) for every head, a little in every frame; then done(what it returned).
  forAll(use, done) {
    const version = (this.version = (this.version ?? 0) + 1);
    const found = [];
    slices.add(() => {
      if (version !== this.version) return false;
      found.push(use(found.length + 1));
      if (found.length < this.header.heads) return true;
      done(found);
      return false;
    });
  }

  // Numbers of heads from a link, each within those that are here; says so where one is not.
  within(numbers) {
    const { heads, noun } = this.header;
    const kept = numbers.map((number) => Math.min(number, heads));
    if (kept.some((number, place) => number !== numbers[place])) this.find(".note").textContent = `The link names a ${noun} beyond the last, ${noun} ${heads}, which is shown instead.`;
    return kept;
  }

  remove() {
    pageLink.leave(this);
    this.version = -1;
    this.root.remove();
  }
}

export const button = (text, press) => {
  const made = element("button", { type: "button", textContent: text });
  made.addEventListener("click", press);
  return made;
};

// What `mounting` takes for a part that a renderer comes to.
export const withArtist = (here) => ({ later: (payload) => here().receiveArtist(payload), missed: () => here().missed() });
