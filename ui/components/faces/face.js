// A large face that answers the numbers of its code: a slider for each, with what the decoder makes along it.

import { meanSquaredError } from "../engine/arrays.js";
import { Decoder, Network } from "../engine/interpreter.js";
import { pageLink, rounded, unlike } from "../engine/link.js";
import { element, mounting, named, showComponent } from "../engine/page.js";
import { Picture } from "../engine/pictures.js";
import { slices } from "../engine/slices.js";
import { Timings } from "../engine/timings.js";
import { signed } from "../engine/view.js";
import { nameOf } from "./numbers.js";
import { Strip, alongNumber, spaced } from "./strip.js";

const FINE = 200; // steps of a slider from end to end
const TILES = 9; // of a strip, where the number has no levels
const RESTING_MS = 120; // strips are drawn anew once the hand rests

class Face {
  constructor(parent) {
    parent.append(parent.querySelector("template").content.cloneNode(true));
    this.root = parent.querySelector(".faces");
    this.failed = parent.querySelector(".failed");
    this.find = (selector) => this.root.querySelector(selector);
    this.timings = new Timings();
    this.head = 0; // which held-out head the numbers came from, counted from 1; 0: the mean code
    this.bySize = true;
    this.find(".tools").addEventListener("click", (event) => this.press(event.target.closest("button")?.dataset.do));
    this.root.face = this; // for tests and the browser console
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
    const { header: before, z, begun } = this;
    this.headerText = payload.headerText;
    this.showFrame(payload.header);
    const { header, tensor } = payload;
    const isSameRun = !isNew && before.title === header.title && before.subtitle === header.subtitle;
    this.decoder = Decoder.ofCodes(payload);
    this.encoder = new Network(header.encoder.encoder, this.decoder.size, tensor);
    this.heads = tensor("presets");
    if (this.head) this.showHead(this.head);
    else this.showMean();
    if (isSameRun) this.goOn(z, begun); // only what is said of its numbers is new
    if (isNew) pageLink.join(this);
    this.failed.hidden = true;
    showComponent(this.root);
  }

  // What the header alone decides.
  showFrame(header) {
    this.header = header;
    const { title, subtitle, image, numbers, sorted_by: size } = header;
    this.find(".title").textContent = title;
    this.find(".subtitle").textContent = subtitle;
    this.find('[data-do="order"]').textContent = `Sort by ${size}`;
    this.find('[data-do="head"]').textContent = `A held-out ${header.noun}`;
    this.picture = new Picture(named(this.find(".decoded"), "The face that the numbers decode to"), image);
    this.original = new Picture(named(this.find(".original"), `The held-out ${header.noun} that the numbers came from`), image);
    this.z = new Float32Array(numbers.length);
    this.rows = numbers.map((number) => this.row(number));
    this.layRows();
  }

  row(number) {
    const { index, low, high, levels, found, size, used } = number;
    const count = levels ?? TILES;
    const values = spaced(low, high, count);
    const input = element("input", { type: "range", min: String(low), max: String(high), step: String((high - low) / (levels ? levels - 1 : FINE)) });
    input.setAttribute("aria-label", `${nameOf(index)}${used ? found && `, ${found}` : ", not used by the model"}`);
    input.style.setProperty("--between", String((count - 1) / count));
    const canvas = element("canvas", { ariaHidden: "true" }); // the slider does the same
    const strip = new Strip(canvas, this.header.image, count);
    const value = element("output");
    const box = element(
      "div", { className: "number" },
      element("div", { className: "about" }, element("b", { textContent: nameOf(index) }), element("span", { textContent: used ? found : "not used" }), element("small", { textContent: size })),
      value, element("div", { className: "line" }, input, canvas),
    );
    box.classList.toggle("off", !used);
    input.addEventListener("input", () => this.set(index, input.valueAsNumber));
    const pressed = (event) => {
      const { left, width } = canvas.getBoundingClientRect();
      const place = Math.min(count - 1, Math.max(0, Math.floor(((event.clientX - left) / width) * count)));
      this.set(index, values[place]);
    };
    canvas.addEventListener("pointerdown", pressed);
    return { number, input, value, strip, values, box };
  }

  // The rows come sorted by their size; or as the code has them.
  layRows() {
    const rows = this.bySize ? this.rows : [...this.rows].sort((one, other) => one.number.index - other.number.index);
    this.find(".rows").replaceChildren(...rows.map(({ box }) => box));
    this.find('[data-do="order"]').setAttribute("aria-pressed", String(this.bySize));
  }

  press(what) {
    if (what === "mean") this.showMean();
    else if (what === "head") this.showHead((this.head % this.header.heads) + 1);
    else if (what === "order") {
      this.bySize = !this.bySize;
      this.layRows();
    } else return;
    pageLink.changed();
  }

  showMean() {
    this.head = 0;
    for (const { number } of this.rows) this.z[number.index] = number.centre;
    this.start();
    this.say("Every number at its mean.");
  }

  // A head that the model did not learn from, counted from 1, at its code.
  showHead(head) {
    const { size } = this.decoder;
    this.head = head;
    this.pixels = Float32Array.from(this.heads.subarray((head - 1) * size, head * size), (level) => level / 255);
    this.z.set(this.encoder.run(this.pixels));
    this.original.show(this.pixels);
    this.start();
    this.note(this.rows.filter(({ number: { index, low, high } }) => this.z[index] < low || this.z[index] > high), `The code of this ${this.header.noun}`);
    this.say(`Held-out ${this.header.noun} ${head} of ${this.header.heads}, at its code.`);
  }

  // The numbers as they stood.
  goOn(z, begun) {
    this.z.set(z);
    this.begun = begun;
    for (const { input, number } of this.rows) input.value = String(this.z[number.index]);
    this.show();
    this.drawStrips(-1);
  }

  // From where the numbers start.
  start() {
    this.begun = this.z.slice();
    this.find(".from").hidden = !this.head;
    this.find(".note").textContent = "";
    for (const { input, number } of this.rows) input.value = String(this.z[number.index]);
    this.show();
    this.drawStrips(-1);
  }

  // One number moves; the face follows.
  set(index, value) {
    const since = performance.now();
    this.z[index] = value;
    const row = this.rows.find(({ number }) => number.index === index);
    row.input.value = String(value);
    this.show();
    this.timings.note(since);
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.drawStrips(index), RESTING_MS);
    pageLink.changed();
  }

  show() {
    for (const { number, value } of this.rows) value.textContent = signed(this.z[number.index]);
    this.made = this.decoder.decode(this.z);
    this.picture.show(this.made);
    if (!this.head) return;
    const error = meanSquaredError(this.made, this.pixels).toFixed(4);
    this.find(".from figcaption").textContent = `held-out ${this.header.noun} ${this.head}; squared error per pixel ${error}`;
  }

  // All strips but that of the number that moved, on which nothing has changed.
  drawStrips(moved) {
    const version = (this.version = (this.version ?? 0) + 1);
    const waiting = this.rows.filter(({ number }) => number.index !== moved);
    slices.add(() => {
      const row = version === this.version ? waiting.shift() : null;
      if (!row) return false;
      row.strip.show(this.decoder.decode(alongNumber(this.z, row.number.index, row.values)));
      return waiting.length > 0;
    });
  }

  say(text) { this.find(".live").textContent = text; }

  // ---- the link ---------------------------------------------------------------------------------------------------

  linked() {
    const moved = this.z.some((value, index) => value !== this.begun[index]);
    return {
      z: moved ? Array.from(this.z, rounded).join(",") : "",
      head: unlike(this.head, 0),
      order: unlike(this.bySize ? "size" : "number", "size"),
    };
  }

  usual() { return { z: null, head: 0, order: "size" }; }

  restore({ z, head = 0, order = "size" }) {
    this.bySize = order === "size";
    this.layRows();
    if (head && head <= this.header.heads) this.showHead(head);
    else this.showMean();
    if (z) this.restoreNumbers(z);
  }

  // Numbers beyond the ends of their sliders stand at the ends, levels at the nearest one. But the code of a held-out head
  // may lie beyond an end: so far, a link of it is shown as it is.
  restoreNumbers(z) {
    if (z.length !== this.z.length) {
      this.find(".note").textContent = `The link has ${z.length} numbers, and this code has ${this.z.length}: they were left out.`;
      return;
    }
    const beyond = [];
    for (const row of this.rows) {
      const { input, number: { low, high, levels, index } } = row;
      const own = this.begun[index];
      const least = Math.min(low, own), most = Math.max(high, own);
      input.value = String(z[index]); // within its ends, at one of its steps
      if (Number(rounded(own)) === z[index]) continue; // as it is already, to more digits than a link has
      this.z[index] = levels ? input.valueAsNumber : Math.min(most, Math.max(least, z[index]));
      if (z[index] < least || z[index] > most) beyond.push(row);
    }
    this.show();
    this.drawStrips(-1);
    if (beyond.length) this.find(".note").textContent = `The link has ${this.names(beyond)} beyond the slider's end, which is shown instead.`;
  }

  names(rows) { return rows.map(({ number }) => number.index).sort((one, other) => one - other).map(nameOf).join(", "); }

  // Says of which numbers sliders stand at their ends because the code lies beyond.
  note(rows, what) {
    if (rows.length) this.find(".note").textContent = `${what} has ${this.names(rows)} beyond the slider's end; the face is that of the code.`;
  }

  // For tests: what is on screen, in numbers.
  state() {
    const { z, head, made, pixels } = this;
    return { z: Array.from(z), head, made: Array.from(made), pixels: Array.from(pixels ?? []), code: head ? Array.from(this.encoder.run(pixels)) : [] };
  }

  remove() {
    pageLink.leave(this);
    clearTimeout(this.resting);
    this.version = -1;
    this.root.remove();
  }
}

export default mounting(Face, "face");
