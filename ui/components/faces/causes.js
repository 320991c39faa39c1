// The true features of a head: move one, and the renderer's image goes through the encoder, whose code moves.

import { meanSquaredError } from "../engine/arrays.js";
import { headArtist } from "../engine/head.js";
import { Decoder, Network } from "../engine/interpreter.js";
import { pageLink, rounded } from "../engine/link.js";
import { element, mounting, named, showComponent } from "../engine/page.js";
import { Picture } from "../engine/pictures.js";
import { slices } from "../engine/slices.js";
import { Timings } from "../engine/timings.js";
import { signed } from "../engine/view.js";
import { Course } from "./course.js";
import { nameOf } from "./numbers.js";
import { spaced } from "./strip.js";

const FINE = 100; // steps of a slider from end to end
const PLACES = 13; // of a feature, at which the code's course is computed

class Causes {
  constructor(parent) {
    parent.append(parent.querySelector("template").content.cloneNode(true));
    this.root = parent.querySelector(".causes");
    this.failed = parent.querySelector(".failed");
    this.find = (selector) => this.root.querySelector(selector);
    this.timings = new Timings();
    this.moving = 0; // the feature that moved last
    this.find(".middle").onclick = () => {
      this.values = this.middle();
      this.find(".note").textContent = "";
      this.place();
      pageLink.changed();
    };
    this.root.causes = this; // for tests and the browser console
  }

  // Before its tensors are here: takes the place that it will need.
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
    this.failed.hidden = true;
    showComponent(this.root);
    if (this.artist) this.place();
    if (isNew) pageLink.join(this);
  }

  // What draws heads has come.
  receiveArtist(payload) {
    this.artist = headArtist(payload);
    this.place();
  }

  missed() { this.find(".now").textContent = "What draws the heads has not arrived. Reload the page to try again."; }

  // What the header alone decides.
  showFrame(header) {
    this.header = header;
    const { image, factors, numbers } = header;
    this.values ??= this.middle();
    this.rendered = new Picture(named(this.find(".rendered"), "The head as it was rendered"), image);
    this.rebuilt = new Picture(named(this.find(".rebuilt"), "The head as the decoder rebuilds it from its code"), image);
    this.sliders = factors.map((factor, place) => this.slider(factor, place));
    this.find(".known").replaceChildren(...this.sliders.map(({ label }) => label));
    this.courses = numbers.map((number) => this.course(number));
    this.find(".lines").replaceChildren(...this.courses.map(({ row }) => row));
  }

  // The head with these features, as a model sees it: pixels from 0 to 1.
  drawn(values) { return Float32Array.from(this.artist(values, this.header.image.width), (level) => level / 255); }

  middle() { return this.header.factors.map(({ low, high }) => (low + high) / 2); }

  slider({ name, low, high }, place) {
    const input = element("input", { type: "range", min: String(low), max: String(high), step: String((high - low) / FINE) });
    const value = element("output");
    const label = element("label", {}, element("span", { textContent: name }), input, value);
    input.addEventListener("input", () => this.move(place, input.valueAsNumber));
    return { input, value, label };
  }

  course(number) {
    const canvas = element("canvas");
    const value = element("output");
    const about = element("span", {}, element("b", { textContent: nameOf(number.index) }), element("small", { textContent: number.used ? number.found : "not used" }));
    const row = element("div", { className: "row" }, about, canvas, value);
    row.classList.toggle("off", !number.used);
    return { number, value, row, canvas, plot: new Course(canvas, number) };
  }

  // One feature moves: image, code and what is rebuilt follow.
  move(place, value) {
    const since = performance.now();
    const another = this.moving !== place;
    this.moving = place;
    this.values[place] = value;
    if (!this.artist) return;
    this.show();
    this.timings.note(since);
    if (another) this.drawCourses();
    pageLink.changed();
  }

  // Everything is at another place.
  place() {
    this.values.forEach((value, place) => { this.sliders[place].input.value = String(value); });
    if (!this.artist) return;
    this.show();
    this.drawCourses();
  }

  show() {
    const { values, sliders, header: { factors } } = this;
    values.forEach((value, place) => {
      sliders[place].value.textContent = `${signed(value, factors[place].unit ? 0 : 2)}${factors[place].unit ? ` ${factors[place].unit}`.replace(" °", "°") : ""}`;
      sliders[place].label.classList.toggle("moving", place === this.moving);
    });
    this.pixels = this.drawn(values);
    this.code = this.encoder.run(this.pixels).slice();
    this.made = this.decoder.decode(this.code);
    this.rendered.show(this.pixels);
    this.rebuilt.show(this.made);
    this.find(".error").textContent = `rebuilt from its code; squared error per pixel ${meanSquaredError(this.made, this.pixels).toFixed(4)}`;
    const { low, high } = factors[this.moving];
    for (const { number, value, plot } of this.courses) {
      value.textContent = signed(this.code[number.index]);
      plot.mark((values[this.moving] - low) / (high - low), this.code[number.index]);
    }
  }

  // How each number goes while the moving feature goes from end to end, the others where they are.
  drawCourses() {
    const version = (this.version = (this.version ?? 0) + 1);
    const { values, moving, header: { factors } } = this;
    const { name, low, high } = factors[moving];
    this.find(".now").textContent = `The code while “${name}” goes from end to end, the other features where they are:`;
    const places = spaced(low, high, PLACES);
    const codes = [];
    slices.add(() => {
      if (version !== this.version) return false;
      const at = values.with(moving, places[codes.length]);
      codes.push(this.encoder.run(this.drawn(at)).slice());
      if (codes.length < places.length) return true;
      for (const { number, plot, canvas } of this.courses) {
        const line = codes.map((code) => code[number.index]);
        plot.show(line);
        named(canvas, `${nameOf(number.index)} from ${signed(line[0])} to ${signed(line.at(-1))} while ${name} goes from its lowest to its highest`);
      }
      return false;
    });
  }

  // ---- the link ---------------------------------------------------------------------------------------------------

  linked() {
    const moved = this.values.some((value, place) => value !== this.middle()[place]);
    return { factors: moved ? this.values.map(rounded).join(",") : "" };
  }

  usual() { return { factors: this.middle() }; }

  // Values beyond the ends of a slider stand at its end, which is said.
  restore({ factors: values }) {
    const { factors } = this.header;
    this.find(".note").textContent = "";
    if (values.length !== factors.length) {
      this.find(".note").textContent = `The link has ${values.length} features, and a head has ${factors.length}: they were left out.`;
      return;
    }
    this.values = values.map((value, place) => Math.min(factors[place].high, Math.max(factors[place].low, value)));
    const beyond = factors.filter((_factor, place) => this.values[place] !== values[place]).map(({ name }) => name);
    if (beyond.length) this.find(".note").textContent = `The link has ${beyond.join(", ")} beyond the slider's end, which is shown instead.`;
    this.place();
  }

  // For tests: what is on screen, in numbers.
  state() {
    const { values, pixels, code, made } = this;
    return { values: [...values], pixels: Array.from(pixels ?? []), code: Array.from(code ?? []), made: Array.from(made ?? []) };
  }

  remove() {
    pageLink.leave(this);
    this.version = -1;
    for (const { plot } of this.courses) plot.end();
    this.root.remove();
  }
}

export default mounting(Causes, "head", (here) => ({ later: (payload) => here().receiveArtist(payload), missed: () => here().missed() }));
