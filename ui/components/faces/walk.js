// From one head to another: along the straight line between their codes, beside the heads that the renderer draws of the
// features in between, and the cross-fade of the two pictures, which takes no model.

import { pageLink, rounded, unlike } from "../engine/link.js";
import { mounting } from "../engine/page.js";
import { OfHeads, between, button, errorText, mean, withArtist } from "./heads.js";
import { Strip, spaced } from "./strip.js";

const TILES = 9;
const HALF = 0.5;
const USUAL = [1, 2];

class Walk extends OfHeads {
  constructor(parent) {
    super(parent, "walk");
    this.ends = [...USUAL];
    this.t = HALF;
    this.input = this.find("input");
    this.input.addEventListener("input", () => this.go(this.input.valueAsNumber));
    this.input.style.setProperty("--between", String((TILES - 1) / TILES));
  }

  /** @override */
  frame({ image, noun }) {
    this.pictures = {
      decoded: this.picture(".decoded", "What is decoded between the two codes"),
      true: this.picture(".true", "The head with the features in between, as it is rendered"),
      faded: this.picture(".faded", "The cross-fade of the two pictures"),
    };
    this.strips = Object.fromEntries(["decoded", "true", "faded"].map((name) => [name, this.strip(name, image)]));
    this.input.setAttribute("aria-label", `t, from the first ${noun} to the second`);
    this.told = this.told ?? document.createElement("span");
    this.find(".tools").replaceChildren(this.told, button(`Another first ${noun}`, () => this.another(0)), button(`Another second ${noun}`, () => this.another(1)));
    this.say();
  }

  strip(name, image) {
    const canvas = this.find(`.strip-${name}`);
    canvas.onpointerdown = (event) => {
      const { left, width } = canvas.getBoundingClientRect();
      this.go(Math.min(TILES - 1, Math.max(0, Math.floor(((event.clientX - left) / width) * TILES))) / (TILES - 1));
    };
    canvas.setAttribute("aria-hidden", "true"); // the slider does the same
    return new Strip(canvas, image, TILES);
  }

  say() { this.told.textContent = `From held-out ${this.header.noun} ${this.ends[0]} to ${this.ends[1]}`; }

  another(end) {
    this.ends[end] = this.next(this.ends[end], this.ends[1 - end]);
    this.find(".note").textContent = "";
    this.place();
    pageLink.changed();
  }

  go(t) {
    const since = performance.now();
    this.t = t;
    if (!this.decoder || (this.isRendered && !this.artist)) return;
    this.show();
    this.timings.note(since);
    pageLink.changed();
  }

  /** @override */
  begin() {
    this.ends = this.ends.map((end) => Math.min(end, this.header.heads));
    this.heads = this.ends.map((end) => this.head(end));
    this.codes = this.heads.map((pixels) => this.code(pixels));
    this.say();
    const places = spaced(0, 1, TILES).map((t) => this.at(t));
    for (const [name, strip] of Object.entries(this.strips)) {
      if (places[0][name]) strip.show(places.flatMap((one) => Array.from(one[name])));
    }
  }

  // The three pictures at a share of the way.
  at(t) {
    const [first, second] = this.ends;
    const { values } = this.header;
    return {
      decoded: this.made(between(...this.codes, t)),
      faded: between(...this.heads, t),
      true: values ? this.drawn(Array.from(between(values[first - 1], values[second - 1], t))) : null,
    };
  }

  /** @override */
  show() {
    this.input.value = String(this.t);
    this.find("output").textContent = this.t.toFixed(2);
    this.shown = this.at(this.t);
    for (const [name, pixels] of Object.entries(this.shown)) if (pixels) this.pictures[name].show(pixels);
    if (!this.shown.true) return;
    this.find(".error-of-code").textContent = `; squared error per pixel ${errorText(this.error(this.shown.decoded, this.shown.true))}`;
    this.find(".error-of-fade").textContent = `; squared error per pixel ${errorText(this.error(this.shown.faded, this.shown.true))}`;
  }

  // Halfway from every head to the next one.
  /** @override */
  measure() {
    if (!this.isRendered) return;
    const { values, heads } = this.header;
    this.forAll((number) => {
      const other = (number % heads) + 1;
      const ends = [this.head(number), this.head(other)];
      const truth = this.drawn(Array.from(between(values[number - 1], values[other - 1], HALF)));
      const made = this.made(between(this.code(ends[0]), this.code(ends[1]), HALF));
      return [this.error(made, truth), this.error(between(...ends, HALF), truth)];
    }, (found) => {
      this.found = found;
      const nearer = found.filter(([made, faded]) => made < faded).length;
      this.find(".over").textContent = `Halfway from each of the ${heads} heads to the next, the decoded head differs from the rendered one by ${errorText(mean(found.map(([made]) => made)))} on average, the cross-fade by ${errorText(mean(found.map(([, faded]) => faded)))} (squared error per pixel); the decoded one is nearer for ${nearer} of ${heads}.`;
    });
  }

  // ---- the link ---------------------------------------------------------------------------------------------------

  linked() { return { walk: unlike(this.ends.join("-"), USUAL.join("-")), t: unlike(Number(rounded(this.t)), HALF) }; }

  usual() { return { walk: USUAL.join("-"), t: HALF }; }

  restore({ walk = this.ends.join("-"), t = this.t }) {
    this.find(".note").textContent = "";
    this.ends = this.within(walk.split("-").map(Number));
    this.t = t;
    this.place();
  }

  // For tests: what is on screen, in numbers.
  state() {
    const { ends, t, codes, shown, found } = this;
    const [decoded, truth, faded] = ["decoded", "true", "faded"].map((name) => Array.from(shown?.[name] ?? []));
    return { ends, t, codes: codes?.map((code) => Array.from(code)), decoded, true: truth, faded, found };
  }
}

export default mounting(Walk, "walk", withArtist);
