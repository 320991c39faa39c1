// A panel: write codes. An entry is the brush, cells are painted with it, and the decoder answers at once. Until a cell is
// painted, the grid is that of the image on the pad.

import { pageLink } from "../engine/link.js";
import { element } from "../engine/page.js";
import { Picture } from "../engine/pictures.js";
import { Timings } from "../engine/timings.js";
import { Grid } from "./grid.js";
import { Panel, panel } from "./panels.js";

const PAST_KEPT = 60; // grids that can be taken back to

class Paint extends Panel {
  painted = null; // the grid that was painted; null while it is the image's own
  past = [];
  brush = 0;
  refused = false; // whether the link's codes were left out

  constructor(parent) {
    super(parent, "paint");
    this.moves = new Timings();
    this.find(".paint-undo").onclick = () => this.undo();
    this.find(".put-back").onclick = () => this.putBack();
    this.find(".fill").onclick = () => this.fill();
    this.find(".pick").onclick = () => this.pick();
    this.root.addEventListener("keydown", (event) => this.shortcut(event));
    this.find(".palette").addEventListener("keydown", (event) => this.paletteKey(event));
    this.follow();
  }

  /** @override */
  makeGrid() {
    return new Grid(this.find(".grid"), {
      choose: () => this.tell(), begin: () => this.remember(), paint: (cell) => this.paint(cell), end: () => this.rest(),
    });
  }

  forget() { Object.assign(this, { painted: null, past: [], refused: false }); }

  /** @override */
  build({ header, payload }) {
    if (this.header) this.forget(); // codes of another codebook
    this.header = header;
    this.result = new Picture(this.find("canvas.rebuilt"), header.image);
    this.find(".about-pictures").textContent = `each picture: what held-out ${header.noun}s show where this entry stands and around it, `
      + `on average${header.brightened ? ", brightened" : ""}`;
    this.buildPalette(header, payload.tensor("patches"), payload.tensor("entry_points"));
    if (!this.linking) pageLink.join(this);
    this.linking = true;
  }

  // patches: what images show where an entry stands, 0 to 255, one after the other. points: the entries' places in their
  // principal plane, along whose first axis they are laid out. The brush is the brightest at first: what it does is seen.
  buildPalette({ patch, colours, entries }, patches, points) {
    const [plane, size] = [patch.height * patch.width, patch.channels * patch.height * patch.width];
    const at = Math.floor(plane / 2) + Math.floor(patch.width / 2);
    const middle = (entry) => Array.from({ length: patch.channels }, (_, channel) => patches[entry * size + channel * plane + at]).reduce((a, b) => a + b);
    this.swatches = Array.from({ length: entries }, (_, entry) => {
      const canvas = element("canvas");
      new Picture(canvas, patch).show(Float32Array.from(patches.subarray(entry * size, (entry + 1) * size), (value) => value / 255));
      const swatch = element("button", { type: "button", className: "swatch", title: `Entry ${entry}`, tabIndex: -1 }, canvas);
      swatch.setAttribute("role", "radio");
      swatch.setAttribute("aria-label", `Entry ${entry}`);
      swatch.style.borderColor = colours[entry];
      swatch.onclick = () => this.setBrush(entry);
      return swatch;
    });
    const numbers = Array.from({ length: entries }, (_, entry) => entry);
    this.order = [...numbers].sort((a, b) => points[2 * a] - points[2 * b]);
    const box = this.find(".palette");
    box.replaceChildren(...this.order.map((entry) => this.swatches[entry]));
    box.classList.toggle("many", entries > 100);
    this.setBrush(numbers.reduce((best, entry) => (middle(entry) > middle(best) ? entry : best), 0));
  }

  /** @override */
  show({ passage, cell }, rested) {
    if (this.painted) return;
    this.grid.mark(cell);
    this.grid.show(passage.codes);
    this.result.show(passage.xhat);
    this.grid.flag(() => false);
    if (rested !== false) this.tell();
  }

  /** @override */
  receive(shown, rested) {
    const { chosen } = this.grid;
    super.receive(shown, rested);
    if (this.painted) this.grid.mark(chosen); // its own, as its codes are
  }

  get codes() { return this.painted ?? this.shown.passage.codes; }

  // ---- painting ---------------------------------------------------------------------------------------------------

  remember() {
    this.past.push(this.painted);
    if (this.past.length > PAST_KEPT) this.past.shift();
  }

  paint(cell) {
    const began = performance.now();
    if (this.codes[cell] === this.brush) return;
    this.painted = [...this.codes];
    this.painted[cell] = this.brush;
    this.redraw();
    this.moves.note(began);
  }

  fill() {
    this.remember();
    this.painted = this.codes.map(() => this.brush);
    this.redraw();
    this.rest();
  }

  redraw() {
    const { model, passage } = this.shown;
    const { codes } = this;
    this.grid.show(codes);
    this.result.show(this.painted ? model.decode(codes) : passage.xhat);
    this.grid.flag((cell) => codes[cell] !== passage.codes[cell]);
    this.tell();
  }

  undo() {
    if (!this.past.length) return;
    this.painted = this.past.pop();
    this.redraw();
    this.rest();
  }

  // The codes of the image again.
  putBack() {
    this.remember();
    this.painted = null;
    this.redraw();
    this.rest();
  }

  // A stroke that changed nothing is nothing to take back.
  rest() {
    if (this.past.length && sameCodes(this.past.at(-1) ?? [], this.painted ?? [])) this.past.pop();
    this.refused = false;
    this.tell();
    pageLink.changed();
  }

  setBrush(entry) {
    this.brush = entry;
    this.swatches.forEach((swatch, index) => {
      swatch.setAttribute("aria-checked", String(index === entry));
      swatch.tabIndex = index === entry ? 0 : -1;
    });
    this.find(".chosen-brush").textContent = `Brush: entry ${entry}`;
  }

  pick() { this.setBrush(this.codes[this.grid.chosen]); }

  tell() {
    if (!this.shown?.passage) return;
    const { codes, shown: { passage } } = this;
    const changed = codes.filter((code, cell) => code !== passage.codes[cell]).length;
    this.find(".paint-undo").disabled = !this.past.length;
    this.find(".put-back").disabled = !this.painted;
    const { chosen } = this.grid;
    this.find(".result").textContent = this.refused
      ? "The link's painted codes do not fit this codebook, so they were left out."
      : `${changed ? `${changed} of ${codes.length} cells are painted` : "Not painted yet: these are the codes of the image"}. `
        + `Chosen: ${this.grid.place(chosen)}, entry ${codes[chosen]}.`;
    this.find("canvas.rebuilt").setAttribute("aria-label", changed ? `The decoder's answer to a grid of which ${changed} cells were painted` : "The decoder's answer to the image's own codes");
  }

  // ---- keys -------------------------------------------------------------------------------------------------------

  shortcut(event) {
    if (event.altKey) return;
    const letter = event.key.toLowerCase();
    if ((event.ctrlKey || event.metaKey) && letter === "z") this.undo();
    else if (event.ctrlKey || event.metaKey) return;
    else if (letter === "p") this.pick();
    else return;
    event.preventDefault();
  }

  paletteKey(event) {
    const columns = getComputedStyle(this.find(".palette")).gridTemplateColumns.split(" ").length;
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
    if (!step || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const next = this.order[this.order.indexOf(this.brush) + step];
    if (next === undefined) return;
    this.setBrush(next);
    this.swatches[next].focus();
  }

  // ---- the link ---------------------------------------------------------------------------------------------------

  linked() { return { codes: this.painted ? this.painted.join(",") : "" }; }

  usual() { return { codes: null }; } // those of the image

  restore({ codes }) {
    const { model } = this.shown;
    this.refused = false;
    if (codes === null) this.painted = null;
    else this.refused = codes.length !== model.cells || codes.some((code) => code >= model.entries);
    if (codes && !this.refused) this.painted = codes;
    this.redraw();
  }

  // For tests and benchmarks: what is on screen, in numbers.
  state() {
    const { codes, brush, past, moves, shown: { model } } = this;
    return { codes, brush, painted: Boolean(this.painted), past: past.length, image: Array.from(model.decode(codes)), moveMilliseconds: moves.list() };
  }

  /** @override */
  end() {
    pageLink.leave(this);
    super.end();
  }
}

const sameCodes = (one, other) => one.length === other.length && one.every((code, cell) => code === other[cell]);

export default panel(Paint);
