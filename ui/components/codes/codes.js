// A digit becomes a grid of codebook entries, and the grid an image, under the pen. The server is told nothing; what a link
// says is kept by engine/link.js. The panels further down the page follow (now.js).

import { meanSquaredError } from "../engine/arrays.js";
import { pageLink, unlike } from "../engine/link.js";
import { withPayload } from "../engine/page.js";
import { Picture } from "../engine/pictures.js";
import { Timings } from "../engine/timings.js";
import { Kept } from "../pad/kept.js";
import { Pad } from "../pad/pad.js";
import { LONGEST } from "../pad/strokes.js";
import { decodedInWords, drawingInWords } from "../pad/words.js";
import { Grid } from "./grid.js";
import { now } from "./now.js";
import { Quantiser } from "./quantiser.js";

const boards = new Map(); // mount point -> Codes
const kept = new Kept("codes");

class Codes {
  payload;
  header;
  passage; // what is on screen: {pixels, vectors, codes, xhat}

  constructor(parent) {
    parent.append(parent.querySelector("template").content.cloneNode(true));
    this.root = parent.querySelector(".codes");
    this.failed = parent.querySelector(".failed");
    this.find = (selector) => this.root.querySelector(selector);
    this.moves = new Timings();
    this.cell = -1;
    this.pad = new Pad(this.root, { changed: () => this.update(), rested: () => this.rest() });
    this.grid = new Grid(this.find(".grid"), { choose: (cell) => this.choose(cell) });
    this.root.codes = this; // for tests and the browser console
  }

  // A new payload, or the same one again because the page ran again.
  receive(payload) {
    if (payload.headerText === this.headerText) return;
    this.headerText = payload.headerText;
    const drawing = this.pad.ink && this.header.image.height === payload.header.image.height ? this.pad.snapshot() : null;
    const { header } = payload;
    Object.assign(this, { payload, header, passage: null });
    this.root.hidden = false;
    this.failed.hidden = true;
    this.find(".subtitle").textContent = [header.title, header.subtitle].filter(Boolean).join(": ");
    this.model = new Quantiser(payload);
    this.rebuilt = new Picture(this.find("canvas.rebuilt"), header.image);
    this.grid.build(header);
    if (this.cell < 0 || this.cell >= this.model.cells) this.cell = Math.floor(this.model.cells / 2);
    this.grid.mark(this.cell);
    const presets = { images: payload.tensor("presets"), classes: Array.from(payload.tensor("preset_classes")), labels: header.labels };
    this.pad.build(header.image.height, presets, header.options.start);
    if (drawing) this.pad.restore(drawing);
    else this.pad.takePicture(kept.read());
    this.pad.past.length = 0;
    this.pad.show();
    if (!this.linking) pageLink.join(this);
    this.linking = true;
  }

  get usualCell() { return Math.floor(this.model.cells / 2); }

  linked() {
    const { digit, example, drawing } = this.pad.picture();
    return { digit, example, drawing: drawing.length <= LONGEST ? drawing : "", cell: unlike(this.cell + 1, this.usualCell + 1) };
  }

  restore({ cell = this.usualCell + 1, ...picture }) {
    this.pad.takePicture(picture);
    this.pad.past.length = 0;
    this.pad.show();
    this.choose(Math.min(cell, this.model.cells) - 1);
  }

  // ---- what follows the pen ---------------------------------------------------------------------------------------

  update() {
    const began = performance.now();
    const passage = this.model.encode(this.pad.pixels());
    this.passage = { ...passage, xhat: this.model.decode(passage.codes) };
    this.show();
    this.moves.note(began);
  }

  show() {
    const { passage: p, grid } = this;
    grid.show(p.codes);
    this.rebuilt.show(p.xhat);
    const { cells, entries } = this.model;
    const different = new Set(p.codes).size;
    this.find(".count").textContent = `${cells} cells, ${different} different ${different === 1 ? "entry" : "entries"} of ${entries}`;
    this.find(".error").textContent = `squared error per pixel ${meanSquaredError(p.xhat, p.pixels).toFixed(4)}`;
    this.find(".nothing").hidden = p.pixels.some((value) => value > 0);
    this.showCell();
    now.publish(this);
  }

  showCell() {
    const { passage: p, cell, header } = this;
    const code = p.codes[cell];
    const share = header.uses[code] / (header.n * this.model.cells);
    this.find(".read").textContent = `Chosen: ${this.grid.place(cell)}. Entry ${code}, in ${(100 * share).toPrecision(2)}% of the cells of `
      + `${header.n.toLocaleString("en")} held-out ${header.noun}s.`;
  }

  // The pen is up: what takes longer, and what only those need who do not see it.
  rest() {
    const { passage: p, pad: { presets, preset, touched } } = this;
    this.inWords = drawingInWords(p.pixels, this.header.image.width, { label: preset < 0 ? null : presets.labels[presets.classes[preset]], touched });
    const decoded = decodedInWords(p.xhat, this.header.image.width, presets);
    this.find("canvas.rebuilt").setAttribute("aria-label", `x̂, what the decoder makes of the codes: ${decoded}`);
    this.find(".told").textContent = `Drawn: ${this.inWords}. ${this.find(".count").textContent}. Decoded: ${decoded}, ${this.find(".error").textContent}.`;
    this.find(".too-long").hidden = this.pad.drawing().length <= LONGEST;
    if (this.linking) {
      pageLink.changed();
      kept.write(this.pad.picture());
    }
    now.publish(this, true);
  }

  // A cell, for all panels of the page.
  choose(cell) {
    this.cell = cell;
    this.grid.mark(cell);
    this.showCell();
    if (this.linking) pageLink.changed();
    now.publish(this, true);
  }

  // For tests and benchmarks: what is on screen, in numbers.
  state() {
    const { passage: p, moves } = this;
    return {
      pixels: Array.from(p.pixels), vectors: Array.from(p.vectors), codes: p.codes, xhat: Array.from(p.xhat), cell: this.cell,
      preset: this.pad.preset, drawing: this.pad.drawing(), moveMilliseconds: moves.list(),
    };
  }

  remove() {
    pageLink.leave(this);
    now.end();
    this.root.remove();
  }
}

export default function (component) {
  const { parentElement } = component;
  return withPayload(component, "network", (payload) => {
    let board = boards.get(parentElement);
    if (!board) boards.set(parentElement, (board = new Codes(parentElement)));
    board.receive(payload);
  }, () => {
    boards.get(parentElement)?.remove();
    boards.delete(parentElement);
  });
}
