// The digit of the board as codes and bits, under the pen. When the hand rests, its pixels are committed: the server writes
// the bits that are counted here.

import { now } from "../board/now.js";
import { Grid } from "../codes/grid.js";
import { meanSquaredError } from "../engine/arrays.js";
import { showComponent, withPayload } from "../engine/page.js";
import { Picture } from "../engine/pictures.js";
import { Timings } from "../engine/timings.js";
import { Coder } from "./coder.js";

const REST_MS = 250;
const MOST_BITS = 12; // of a cell that the scale tells apart
const SCALE = Array.from({ length: MOST_BITS + 1 }, (_, bits) => shade(bits / MOST_BITS));

class Compress {
  header;
  headerText;
  unfollow;

  constructor(parent) {
    parent.append(parent.querySelector("template").content.cloneNode(true));
    this.root = parent.querySelector(".compress");
    this.find = (selector) => this.root.querySelector(selector);
    const choose = (cell) => this.choose(cell);
    this.grids = { codes: new Grid(this.find(".grid.codes"), { choose }), bits: new Grid(this.find(".grid.bits"), { choose }) };
    this.moves = new Timings();
    this.root.compress = this; // for tests and the browser console
  }

  // Before its tensors are here: takes the place that it will need.
  prepare(header) {
    if (this.coder) return;
    this.find(".subtitle").textContent = `${header.title}. ${header.subtitle}`;
    showComponent(this.root, true);
  }

  // A new payload, or the same one again because the page ran again.
  update(payload, send) {
    this.send = send;
    const { header, headerText } = payload;
    if (headerText === this.headerText) return;
    Object.assign(this, { header, headerText });
    this.find(".subtitle").textContent = `${header.title}. ${header.subtitle}`;
    this.coder = new Coder(payload, header.penalty);
    this.picture = new Picture(this.find("canvas.rebuilt"), header.image);
    this.grids.codes.build(header);
    this.grids.bits.build({ grid: header.grid, colours: SCALE });
    this.cell = Math.floor(this.coder.model.cells / 2);
    showComponent(this.root);
    this.unfollow ??= now.follow((board, rested) => this.follow(board, rested));
  }

  follow(board, rested) {
    const began = performance.now();
    this.pixels = board.image;
    this.found = this.coder.code(this.pixels);
    this.xhat = this.coder.decode(this.found.codes);
    this.show();
    this.moves.note(began);
    if (rested) this.rest();
  }

  show() {
    const { found: { codes, bits }, header, grids } = this;
    grids.codes.show(codes);
    grids.bits.show(bits.map((one) => Math.min(MOST_BITS, Math.round(one))));
    this.picture.show(this.xhat);
    this.find(".count").textContent = `${codes.length} cells, ${new Set(codes).size} different entries of ${header.entries}`;
    this.find(".total").textContent = `together ${this.total.toFixed(1)} bits`;
    this.find(".error").textContent = `squared error ${meanSquaredError(this.xhat, this.pixels).toFixed(4)}`;
    this.choose(this.cell);
  }

  get total() { return this.found.bits.reduce((sum, bits) => sum + bits, 0); }

  choose(cell) {
    this.cell = cell;
    for (const grid of Object.values(this.grids)) grid.mark(cell);
    if (!this.found) return;
    const bits = this.found.bits[cell];
    this.find(".read").textContent = `${capital(this.grids.codes.place(cell))}: entry ${this.found.codes[cell]}. The prior gave it a probability of ${percent(2 ** -bits)}, `
      + `so it costs ${bits.toFixed(2)} bits; without a prior it would be ${Math.log2(this.header.entries).toFixed(2)}.`;
  }

  // The hand rests: what the server is to write, and what only those need who do not see it.
  rest() {
    clearTimeout(this.waiting);
    this.find(".told").textContent = `The codes take ${this.total.toFixed(0)} bits.`;
    const pixels = btoa(String.fromCharCode(...Uint8Array.from(this.pixels, (value) => Math.round(255 * value))));
    if (pixels === this.sent) return;
    this.waiting = setTimeout(() => {
      this.sent = pixels;
      this.send("resting", pixels);
    }, REST_MS);
  }

  // For tests: what is on screen, in numbers.
  state() { return { ...this.found, xhat: Array.from(this.xhat), total: this.total, cell: this.cell, moveMilliseconds: this.moves.list() }; }

  remove() {
    clearTimeout(this.waiting);
    this.unfollow?.();
    this.root.remove();
  }
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);
const percent = (share) => (share < 0.001 ? "less than 0.1%" : `${(100 * share).toPrecision(2)}%`);

// From dark blue, for no bits at all, to yellow; "#rrggbb".
function shade(share) {
  const low = [22, 38, 66], high = [238, 221, 110];
  return `#${low.map((value, channel) => Math.round(value + share * (high[channel] - value)).toString(16).padStart(2, "0")).join("")}`;
}

const parts = new Map(); // mount point -> Compress

export default function (call) {
  const { parentElement, setStateValue } = call;
  const here = () => {
    if (!parts.has(parentElement)) parts.set(parentElement, new Compress(parentElement));
    return parts.get(parentElement);
  };
  return withPayload(call, "coder", (payload) => here().update(payload, setStateValue), () => {
    parts.get(parentElement)?.remove();
    parts.delete(parentElement);
  }, { before: (header) => here().prepare(header) });
}
