// A prior writes an image: one cell after the other, by play, by step, or all at once. Everything runs in the browser.

import { seeded } from "../engine/gaussian.js";
import { pageLink } from "../engine/link.js";
import { element, still, withPayload } from "../engine/page.js";
import { Picture } from "../engine/pictures.js";
import { Timings } from "../engine/timings.js";
import { Grid } from "./grid.js";
import { Writing } from "./writing.js";

const writers = new Map(); // mount point -> Writer
const PACE = 90; // milliseconds from cell to cell while it plays
const CANDIDATES = 10;

const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;
// The slider's place, from -10 to 10, is ten times the temperature's logarithm to the base 4.
const temperatureAt = (place) => Number((4 ** (place / 10)).toPrecision(2));
const placeOf = (temperature) => Math.min(10, Math.max(-10, Math.round((10 * Math.log(temperature)) / Math.log(4))));

class Writer {
  constructor(parent) {
    parent.append(parent.querySelector("template").content.cloneNode(true));
    this.root = parent.querySelector(".writer");
    this.failed = parent.querySelector(".failed");
    this.find = (selector) => this.root.querySelector(selector);
    this.writes = new Timings(); // of whole images
    this.temperature = 1;
    this.told = 0;
    this.random = seeded(Math.floor(Math.random() * 2 ** 32));
    this.grid = new Grid(this.find(".grid"), { choose: () => this.tell() });
    this.find(".play").onclick = () => (this.playing ? this.pause() : this.play());
    this.find(".step").onclick = () => { this.pause(); this.step(); this.rest(); };
    this.find(".all").onclick = () => { this.pause(); this.writeAll(); this.rest(); };
    this.find(".anew").onclick = () => this.anew();
    this.find(".from-cell").onclick = () => this.fromCell();
    this.warmth = this.find(".warmth input");
    this.warmth.addEventListener("input", () => this.setTemperature(temperatureAt(this.warmth.valueAsNumber)));
    this.warmth.addEventListener("change", () => pageLink.changed());
    this.root.addEventListener("keydown", (event) => {
      if (event.key.toLowerCase() !== "r" || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      this.fromCell();
    });
    this.root.writer = this; // for tests and the browser console
  }

  receive(payload) {
    if (payload.headerText === this.headerText) return;
    this.pause();
    this.headerText = payload.headerText;
    const { header } = (this.payload = payload);
    this.header = header;
    this.root.hidden = false;
    this.failed.hidden = true;
    this.find(".title").textContent = header.title;
    this.find(".subtitle").textContent = header.subtitle;
    this.writing = new Writing(payload);
    this.picture = new Picture(this.find("canvas.rebuilt"), header.image);
    this.grid.build(header);
    this.buildCandidates();
    this.buildClasses();
    this.buildHalves();
    this.setTemperature(this.temperature);
    if (!this.linking) this.grid.mark(Math.floor(this.writing.cells / 2)); // where there is ink
    this.begin();
    this.writeAll(); // something to look at, and to rewrite
    if (!this.linking) pageLink.join(this);
    else pageLink.changed(); // what a link says is of another prior
    this.linking = true;
  }

  // ---- what stands on the page ------------------------------------------------------------------------------------

  buildCandidates() {
    const { patch, entries } = this.header;
    const size = patch.channels * patch.height * patch.width;
    const patches = Float32Array.from(this.payload.tensor("patches"), (value) => value / 255);
    this.candidates = Array.from({ length: Math.min(CANDIDATES, entries) }, () => {
      const [bar, canvas, number] = [element("div", { className: "bar" }), element("canvas"), element("span")];
      const button = element("button", { type: "button", className: "candidate" }, bar, canvas, number);
      const picture = new Picture(canvas, patch);
      return { bar, button, canvas, number, show: (entry) => picture.show(patches, entry * size) };
    });
    this.find(".next").replaceChildren(...this.candidates.map(({ button }) => element("div", { role: "listitem" }, button)));
  }

  buildClasses() {
    const { classes, labels } = this.header;
    const box = this.find(".told");
    box.hidden = !classes;
    this.told = Math.min(this.told, Math.max(classes - 1, 0));
    this.classButtons = labels.slice(0, classes).map((label, number) => {
      const button = element("button", { type: "button", textContent: label });
      button.onclick = () => this.tellClass(number);
      return button;
    });
    box.replaceChildren(element("span", { textContent: "Told to write a" }), ...this.classButtons);
    this.markClass();
  }

  markClass() { this.classButtons.forEach((button, number) => button.setAttribute("aria-pressed", String(number === this.told))); }

  // One held-out image of each class: its upper half stays, the prior writes the rest.
  buildHalves() {
    const { header, payload } = this;
    const [images, classes, codes] = ["presets", "preset_classes", "preset_codes"].map((name) => payload.tensor(name));
    const size = header.image.channels * header.image.height * header.image.width;
    const { cells } = this.writing;
    const buttons = header.labels.map((label, number) => {
      const index = classes.indexOf(number);
      if (index < 0) return null;
      const canvas = element("canvas");
      new Picture(canvas, header.image).show(Float32Array.from(images.subarray(index * size, (index + 1) * size), (value) => value / 255));
      const button = element("button", { type: "button", title: `Keep the upper rows of this ${label}` }, canvas);
      button.setAttribute("aria-label", `Keep the upper rows of a held-out ${label}`);
      button.onclick = () => this.complete(Array.from(codes.subarray(index * cells, (index + 1) * cells)), number);
      return button;
    });
    this.find(".halves").replaceChildren(this.find(".halves span"), ...buttons.filter((button) => button !== null));
  }

  // ---- writing ----------------------------------------------------------------------------------------------------

  // An empty grid.
  begin() {
    this.writing.begin(this.told);
    this.given = 0; // cells that a held-out image gave
    this.touched = false; // whether there is more to share than a page as it opens
  }

  step() {
    if (this.writing.whole) this.begin();
    this.writing.draw(this.temperature, this.random());
    this.follow();
    this.show();
  }

  // The chosen cell goes along with what is written.
  follow() { this.grid.mark(Math.min(this.writing.codes.length, this.writing.cells - 1)); }

  writeAll() {
    const began = performance.now();
    const empty = !this.writing.codes.length;
    while (!this.writing.whole) this.writing.draw(this.temperature, this.random());
    this.show();
    if (empty) this.writes.note(began);
  }

  play() {
    if (this.writing.whole) this.begin();
    this.follow();
    if (still()) { this.writeAll(); this.rest(); return; } // less motion: all at once
    this.playing = setInterval(() => {
      this.step();
      if (this.writing.whole) { this.pause(); this.rest(); }
    }, PACE);
    this.show();
  }

  pause() {
    clearInterval(this.playing);
    this.playing = 0;
    if (this.writing) this.tell();
  }

  anew() {
    this.pause();
    this.begin();
    this.writeAll();
    this.rest();
  }

  // What is written before the chosen cell stays.
  fromCell() {
    this.pause();
    this.writing.back(this.grid.chosen);
    this.given = Math.min(this.given, this.grid.chosen);
    this.writeAll();
    this.rest();
  }

  tellClass(number) {
    this.told = number;
    this.markClass();
    this.anew();
  }

  complete(codes, label) {
    this.pause();
    if (this.header.classes) { this.told = label; this.markClass(); }
    this.begin();
    for (const code of codes.slice(0, this.kept)) this.writing.put(code);
    this.given = this.kept;
    this.grid.mark(this.writing.codes.length);
    this.writeAll();
    this.rest();
  }

  // Cells of the upper half, rounded down.
  get kept() { return Math.floor(this.header.grid[0] / 2) * this.header.grid[1]; }

  // A visitor's own choice for the chosen cell. Where more was written after it, that is written anew.
  choose(entry) {
    const { writing, grid: { chosen } } = this;
    this.pause();
    const more = writing.codes.length > chosen + 1;
    writing.back(chosen);
    this.given = Math.min(this.given, chosen);
    writing.put(entry);
    if (more) this.writeAll();
    else { this.follow(); this.show(); }
    this.rest();
  }

  setTemperature(temperature) {
    this.temperature = temperature;
    this.warmth.value = String(placeOf(temperature));
    this.find(".warmth output").textContent = String(temperature);
    this.warmth.setAttribute("aria-valuetext", String(temperature));
    if (this.writing) this.tell();
  }

  rest() {
    this.touched = true;
    pageLink.changed();
  }

  // ---- on screen --------------------------------------------------------------------------------------------------

  show() {
    const { writing, grid } = this;
    grid.show(Array.from({ length: writing.cells }, (_, cell) => writing.codes[cell] ?? null));
    grid.cells.forEach((cell, index) => cell.classList.toggle("next", index === writing.codes.length));
    this.picture.show(writing.image());
    this.tell();
  }

  tell() {
    const { writing, grid, header } = this;
    const done = writing.codes.length;
    this.find(".play").textContent = this.playing ? "Pause" : "Play";
    this.find(".play").setAttribute("aria-pressed", String(Boolean(this.playing)));
    this.find(".all").disabled = writing.whole;
    this.find(".from-cell").disabled = grid.chosen >= done;
    const bits = writing.bits.reduce((total, one) => total + one, 0);
    const plain = done * Math.log2(header.entries);
    const kept = this.given ? `, ${this.given} of them kept from a held-out ${header.noun}` : "";
    const result = this.find(".result");
    result.setAttribute("aria-live", this.playing ? "off" : "polite"); // it is not read out cell by cell
    result.textContent = done
      ? `${plural(done, "cell")}${kept}: ${bits.toFixed(1)} bits under the prior, ${plain.toFixed(0)} without it.`
      : "Nothing is written yet.";
    this.find("canvas.rebuilt").setAttribute("aria-label", `The image decoded from ${plural(done, "written cell")} of ${writing.cells}`);
    this.showCandidates();
  }

  // The likeliest entries of the chosen cell, or of the next where that is not reached yet.
  showCandidates() {
    const { writing, header, temperature, grid } = this;
    const done = writing.codes.length;
    const cell = Math.min(grid.chosen, done);
    const written = writing.codes[cell];
    const [expects, which] = written === undefined ? ["expects", "next"] : ["expected", "chosen"];
    const warmed = temperature === 1 ? "" : `, at temperature ${temperature}`;
    const price = written === undefined ? "" : ` Entry ${written} stands there; at temperature 1 it costs ${writing.bits[cell].toFixed(2)} bits.`;
    this.find(".asked").textContent = `What the prior ${expects} in the ${which} cell (${grid.place(cell)})${warmed}.${price}`;
    const shares = writing.shares(temperature, cell);
    const order = Array.from(shares.keys()).sort((a, b) => shares[b] - shares[a] || a - b);
    this.candidates.forEach(({ bar, button, canvas, number, show }, place) => {
      const entry = order[place];
      show(entry);
      bar.style.height = `${(100 * shares[entry]) / shares[order[0]]}%`;
      bar.style.background = canvas.style.borderColor = header.colours[entry];
      const share = shares[entry] >= 0.995 ? ">99%" : shares[entry] < 0.005 ? "<1%" : `${Math.round(100 * shares[entry])}%`;
      number.textContent = share;
      button.setAttribute("aria-label", `Write entry ${entry} there, ${share}`);
      button.setAttribute("aria-current", String(entry === written));
      button.onclick = () => this.choose(entry);
    });
  }

  // ---- the link ---------------------------------------------------------------------------------------------------

  linked() {
    const { writing, temperature, told, header } = this;
    return {
      written: this.touched && writing.whole ? writing.codes.join(",") : "",
      temperature: temperature === 1 ? "" : String(temperature),
      class: header.classes && told ? String(told) : "",
    };
  }

  usual() { return { temperature: 1, class: 0 }; }

  restore({ written, temperature, class: told }) {
    if (temperature !== undefined) this.setTemperature(temperatureAt(placeOf(temperature)));
    if (told !== undefined) this.told = Math.min(told, Math.max(this.header.classes - 1, 0));
    this.markClass();
    const { writing } = this;
    this.begin();
    if (written?.length === writing.cells && written.every((code) => code < this.header.entries)) {
      for (const code of written) writing.put(code);
      this.touched = true;
      this.show();
    } else this.writeAll();
  }

  // For tests and benchmarks: what is on screen, in numbers.
  state() {
    const { writing, temperature, told, writes } = this;
    return {
      codes: [...writing.codes], bits: [...writing.bits], temperature, told, image: Array.from(writing.image()),
      shares: writing.whole ? null : Array.from(writing.shares(temperature)), writeMilliseconds: writes.list(),
    };
  }

  end() {
    this.pause();
    pageLink.leave(this);
    this.root.remove();
  }
}

export default function (mounted) {
  const { parentElement } = mounted;
  return withPayload(mounted, "prior", (payload) => {
    if (!writers.has(parentElement)) writers.set(parentElement, new Writer(parentElement));
    writers.get(parentElement).receive(payload);
  }, () => {
    writers.get(parentElement)?.end();
    writers.delete(parentElement);
  });
}
