// A held-out image becomes a grid of codebook entries, and the grid an image: the board without a pad, for images of any size
// and colour. The server is told nothing; what a link says is kept by engine/link.js. The panels below follow (now.js).

import { meanSquaredError } from "../engine/arrays.js";
import { pageLink, unlike } from "../engine/link.js";
import { element, withPayload } from "../engine/page.js";
import { Picture } from "../engine/pictures.js";
import { Grid } from "./grid.js";
import { now } from "./now.js";
import { Quantiser } from "./quantiser.js";

const boards = new Map(); // mount point -> Held
const STEPS = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };

class Held {
  payload;
  header;
  passage; // what is on screen: {pixels, vectors, codes, xhat}
  original;
  rebuilt;

  constructor(parent) {
    parent.append(parent.querySelector("template").content.cloneNode(true));
    this.root = parent.querySelector(".held");
    this.failed = parent.querySelector(".failed");
    this.find = (selector) => this.root.querySelector(selector);
    this.grid = new Grid(this.find(".grid"), { choose: (cell) => this.choose(cell) });
    this.find(".presets").addEventListener("keydown", (event) => this.key(event));
    this.root.codes = this; // for tests and the browser console
  }

  // A new payload, or the same one again because the page ran again.
  receive(payload) {
    if (payload.headerText === this.headerText) return;
    this.headerText = payload.headerText;
    const { header } = (this.payload = payload);
    this.header = header;
    this.root.hidden = false;
    this.failed.hidden = true;
    this.find(".subtitle").textContent = [header.title, header.subtitle].filter(Boolean).join(": ");
    this.model = new Quantiser(payload);
    this.size = header.image.channels * header.image.height * header.image.width;
    this.images = payload.tensor("presets");
    this.classes = payload.tensor("preset_classes");
    const { width, height } = header.image;
    this.root.style.setProperty("--shape", `${width} / ${height}`);
    this.original = new Picture(this.find("canvas.original"), header.image);
    this.rebuilt = new Picture(this.find("canvas.rebuilt"), header.image);
    this.grid.build(header);
    this.buildPresets();
    this.cell = this.usualCell;
    this.take(0);
    if (this.linking) pageLink.changed();
    else pageLink.join(this);
    this.linking = true;
  }

  get usualCell() { return Math.floor(this.model.cells / 2); }

  buildPresets() {
    const { header, classes } = this;
    this.tiles = Array.from(classes, (label, index) => {
      const canvas = element("canvas");
      new Picture(canvas, header.image).show(this.pixelsOf(index));
      const tile = element("button", { type: "button", className: "preset", tabIndex: -1 }, canvas);
      tile.setAttribute("role", "radio");
      tile.setAttribute("aria-label", [`Held-out ${header.noun} ${index + 1}`, header.labels.length > 1 ? header.labels[label] : ""].filter(Boolean).join(": "));
      tile.onclick = () => this.take(index);
      return tile;
    });
    this.find(".presets").replaceChildren(...this.tiles);
  }

  pixelsOf(index) { return Float32Array.from(this.images.subarray(index * this.size, (index + 1) * this.size), (value) => value / 255); }

  key(event) {
    const step = STEPS[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.take((this.index + step + this.tiles.length) % this.tiles.length);
    this.tiles[this.index].focus();
  }

  // A held-out image, by its place in the row.
  take(index) {
    this.index = index;
    this.tiles.forEach((tile, place) => {
      tile.setAttribute("aria-checked", String(place === index));
      tile.tabIndex = place === index ? 0 : -1;
    });
    const passage = this.model.encode(this.pixelsOf(index));
    this.passage = { ...passage, xhat: this.model.decode(passage.codes) };
    this.show();
  }

  show() {
    const { passage: p, grid, model: { cells, entries }, header } = this;
    grid.show(p.codes);
    this.original.show(p.pixels);
    this.rebuilt.show(p.xhat);
    const different = new Set(p.codes).size;
    this.find(".count").textContent = `${cells} cells, ${different} different ${different === 1 ? "entry" : "entries"} of ${entries}`;
    const error = `squared error per pixel ${meanSquaredError(p.xhat, p.pixels).toFixed(4)}`;
    this.find(".error").textContent = error;
    const label = header.labels.length > 1 ? header.labels[this.classes[this.index]] : "";
    this.find(".label").textContent = label;
    this.find("canvas.original").setAttribute("aria-label", `Held-out ${header.noun} ${this.index + 1}${label ? `: ${label}` : ""}`);
    this.find("canvas.rebuilt").setAttribute("aria-label", `What the decoder makes of its codes: ${error}`);
    this.choose(this.cell);
  }

  // A cell, for all panels of the page.
  choose(cell) {
    const { passage: p, header } = this;
    this.cell = cell;
    this.grid.mark(cell);
    const share = header.uses[p.codes[cell]] / (header.n * this.model.cells);
    this.find(".read").textContent = `Chosen: ${this.grid.place(cell)}. Entry ${p.codes[cell]}, in ${(100 * share).toPrecision(2)}% of the cells of `
      + `${header.n.toLocaleString("en")} held-out ${header.noun}s.`;
    if (this.linking) pageLink.changed();
    now.publish(this, true);
  }

  // ---- the link ---------------------------------------------------------------------------------------------------

  linked() { return { image: unlike(this.index + 1, 1), cell: unlike(this.cell + 1, this.usualCell + 1) }; }

  restore({ image = 1, cell = this.usualCell + 1 }) {
    this.cell = Math.min(cell, this.model.cells) - 1;
    this.take(Math.min(image, this.tiles.length) - 1);
  }

  // For tests: what is on screen, in numbers.
  state() {
    const { passage: p, cell, index } = this;
    return { pixels: Array.from(p.pixels), vectors: Array.from(p.vectors), codes: p.codes, xhat: Array.from(p.xhat), cell, index };
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
    if (!boards.has(parentElement)) boards.set(parentElement, new Held(parentElement));
    boards.get(parentElement).receive(payload);
  }, () => {
    boards.get(parentElement)?.remove();
    boards.delete(parentElement);
  });
}
