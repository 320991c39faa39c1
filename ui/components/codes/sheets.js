// Three sheets of images from drawn codes: uniform ones, ones drawn each for itself by frequency, and ones that the prior
// writes. Drawn in the browser, a few at a time, so that the page answers meanwhile.

import { seeded } from "../engine/gaussian.js";
import { element, named, withPayload } from "../engine/page.js";
import { Picture } from "../engine/pictures.js";
import { Writing, drawn } from "./writing.js";

const sheets = new Map(); // mount point -> Sheets
const COUNT = 24; // images of a sheet

const DRAW = {
  uniform: ({ writing, header, random }) => Array.from({ length: writing.cells }, () => Math.floor(random() * header.entries)),
  independent: ({ writing, shares, random }) => Array.from({ length: writing.cells }, () => drawn(shares, random())),
  prior({ writing, header, random }, number) {
    writing.begin(header.classes ? number % header.classes : 0);
    while (!writing.whole) writing.draw(1, random());
    return [...writing.codes];
  },
};

class Sheets {
  constructor(parent) {
    parent.append(parent.querySelector("template").content.cloneNode(true));
    this.root = parent.querySelector(".sheets");
    this.failed = parent.querySelector(".failed");
    this.find = (selector) => this.root.querySelector(selector);
    this.seed = 1;
    this.find(".others").onclick = () => { this.seed++; this.draw(); };
    this.root.sheets = this; // for tests and the browser console
  }

  receive(payload) {
    if (payload.headerText === this.headerText) return;
    this.headerText = payload.headerText;
    this.header = payload.header;
    this.root.hidden = false;
    this.failed.hidden = true;
    this.writing = new Writing(payload);
    const total = this.header.uses.reduce((sum, uses) => sum + uses, 0);
    this.shares = this.header.uses.map((uses) => uses / total); // of the entries among all cells
    const built = this.header.sheets.map(({ source, title, figures }) => {
      const pictures = Array.from({ length: COUNT }, () => new Picture(element("canvas"), this.header.image));
      const images = named(element("div", { className: "images" }, ...pictures.map(({ context }) => context.canvas)), `${COUNT} images: ${title}`);
      const told = element("p", { className: "figures", textContent: figures });
      return { source, pictures, box: element("div", { className: "sheet" }, element("div", { className: "over" }, element("b", { textContent: title })), images, told) };
    });
    this.all = built;
    this.find(".three").replaceChildren(...built.map(({ box }) => box));
    this.draw();
  }

  // One image of each sheet after the other; a newer draw ends an older one.
  draw() {
    const run = (this.run = {});
    const random = seeded(this.seed);
    this.codes = Object.fromEntries(this.all.map(({ source }) => [source, []]));
    this.find(".result").textContent = "";
    let number = 0;
    const next = () => {
      if (this.run !== run) return;
      for (const { source, pictures } of this.all) {
        const codes = DRAW[source]({ writing: this.writing, header: this.header, shares: this.shares, random }, number);
        this.codes[source].push(codes);
        pictures[number].show(this.writing.model.decode(codes));
      }
      number++;
      if (number < COUNT) setTimeout(next);
      else this.find(".result").textContent = `${COUNT} images of each are drawn.`;
    };
    next();
  }

  // For tests: what is on screen.
  state() { return { seed: this.seed, codes: this.codes }; }

  end() {
    this.run = null;
    this.root.remove();
  }
}

export default function (mounted) {
  const { parentElement } = mounted;
  return withPayload(mounted, "sheet", (payload) => {
    if (!sheets.has(parentElement)) sheets.set(parentElement, new Sheets(parentElement));
    sheets.get(parentElement).receive(payload);
  }, () => {
    sheets.get(parentElement)?.end();
    sheets.delete(parentElement);
  });
}
