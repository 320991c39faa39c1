// The figure on the board, on a texture, and what is taken for the figure: by a threshold, and by networks that differ in what
// they learned from. Masks under the hand; what is asked for something else follows when the pen is up.

import { now } from "../board/now.js";
import { Network } from "../engine/interpreter.js";
import { pageLink, unlike } from "../engine/link.js";
import { element, mounting, named, showComponent } from "../engine/page.js";
import { Picture } from "../engine/pictures.js";
import { Timings } from "../engine/timings.js";
import { maskOf, otsuMask, overlap, pictureOf } from "./masks.js";

class Cut {
  headerText;
  header;
  grounds; // uint8, one crop after the other
  figure; // what is on the board: how much of each pixel the ink covers
  texture;
  crop = 1;
  dark = false;
  unfollow;
  cards = new Map(); // name -> {card, canvas, figures, picture, title, mask, of}
  networks = new Map(); // name -> {id, network}

  constructor(parent) {
    parent.append(parent.querySelector("template").content.cloneNode(true));
    this.root = parent.querySelector(".cut");
    this.find = (selector) => this.root.querySelector(selector);
    this.moves = new Timings();
    this.find(".texture").onchange = (event) => this.set({ texture: event.target.value });
    this.find(".another").onclick = () => this.set({ crop: (this.crop % this.header.crops) + 1 });
    this.find(".dark").onclick = () => this.set({ dark: !this.dark });
    this.root.bench = this; // for tests and the browser console
  }

  prepare() { if (!this.header) showComponent(this.root, true); }

  update(payload) {
    if (payload.headerText === this.headerText) return;
    const isNew = !this.headerText;
    this.headerText = payload.headerText;
    this.header = payload.header;
    this.grounds = payload.tensor("grounds");
    if (isNew) this.texture = this.header.start;
    this.build();
    this.receiveNetwork(payload);
    showComponent(this.root);
    if (!isNew) return;
    pageLink.join(this);
    this.unfollow = now.follow((board, rested) => { this.figure = board.image; this.show(rested); });
  }

  build() {
    const { textures, rows, image } = this.header;
    this.find(".texture").replaceChildren(...textures.map((name) => element("option", { value: name, textContent: name })));
    this.cards.clear();
    this.find(".rows").replaceChildren(...rows.flatMap(({ title, cards }) => {
      const made = cards.map((one) => {
        const canvas = element("canvas");
        const figures = element("div", { className: "figures" });
        const card = element("figure", { className: "card" }, canvas, element("figcaption", {}, element("div", { className: "name", textContent: one.title }), figures));
        this.cards.set(one.name, { ...one, card, canvas, figures, picture: new Picture(canvas, image) });
        return card;
      });
      return [element("p", { className: "row-title", textContent: title }), element("div", { className: "cards" }, ...made)];
    }));
  }

  // The program of one network, from the first payload or a later one.
  receiveNetwork({ header, tensor }) {
    const { name, layers, image, body: { id } } = header;
    if (this.networks.get(name)?.id === id) return;
    this.networks.set(name, { id, network: new Network(layers, image.height * image.width, tensor) });
    this.show();
  }

  missed(error) { this.find(".told").textContent = `A network has not arrived (${error.message}). Reload the page to try again.`; }

  set(values) {
    Object.assign(this, values);
    this.show();
    pageLink.changed();
  }

  get ground() {
    const size = this.header.image.height * this.header.image.width;
    const place = this.header.textures.indexOf(this.texture) * this.header.crops + this.crop - 1;
    return Float32Array.from(this.grounds.subarray(place * size, (place + 1) * size), (level) => level / 255);
  }

  // rested: the pen is up, so that there is time for what is no mask.
  show(rested = true) {
    if (!this.header || !this.figure) return;
    const since = performance.now();
    this.find(".texture").value = this.texture;
    this.find(".dark").setAttribute("aria-pressed", String(this.dark));
    const seen = pictureOf(this.figure, this.ground, this.header.ink, this.dark);
    const wanted = maskOf(this.figure);
    this.made = new Map([["seen", seen], ["wanted", Float32Array.from(wanted)], ["otsu", Float32Array.from(otsuMask(seen))]]);
    for (const [name, { network }] of this.networks) if (rested || this.cards.get(name).mask) this.made.set(name, network.run(seen).slice());
    this.found = new Map();
    for (const [name, { card, canvas, figures, picture, title, mask, of }] of this.cards) {
      const values = this.made.get(of ?? name);
      card.classList.toggle("stale", !values);
      if (values) picture.show(values);
      if (values && mask) this.found.set(name, overlap(maskOf(values), wanted));
      figures.textContent = mask ? (values ? `IoU ${this.found.get(name).toFixed(2)}` : "…") : "";
      named(canvas, mask && values ? `${title}: ${figures.textContent}` : title);
      card.classList.remove("best");
    }
    this.tell(wanted.some((one) => one === 1));
    this.moves.note(since);
  }

  tell(painted) {
    if (!painted) {
      this.find(".told").textContent = "Nothing is painted: whatever is marked here is ground. Paint a figure on the board, or take a digit from the row.";
      return;
    }
    const [name, best] = [...this.found].reduce((one, other) => (one[1] >= other[1] ? one : other));
    this.cards.get(name).card.classList.add("best");
    this.find(".told").textContent = `On this picture the nearest is “${this.cards.get(name).title}”, IoU ${best.toFixed(2)}.`;
  }

  // ---- the link ---------------------------------------------------------------------------------------------------

  linked() { return { texture: unlike(this.texture, this.header.start), crop: unlike(this.crop, 1), figure: this.dark ? "dark" : "" }; }

  usual() { return { texture: this.header.start, crop: 1, figure: "bright" }; }

  restore(values) {
    this.set({ texture: values.texture ?? this.texture, crop: values.crop ?? this.crop, dark: values.figure ? values.figure === "dark" : this.dark });
  }

  // For tests: what is on screen, in numbers.
  state() {
    const { texture, crop, dark, figure, made, found } = this;
    return {
      texture, crop, dark, figure: Array.from(figure ?? []), found: Object.fromEntries(found ?? []),
      made: Object.fromEntries([...(made ?? [])].map(([name, values]) => [name, Array.from(values)])),
      milliseconds: this.moves.list(), told: this.find(".told").textContent,
    };
  }

  remove() {
    pageLink.leave(this);
    this.unfollow?.();
    this.root.remove();
  }
}

export default mounting(Cut, "bench", (here) => ({ later: (payload) => here().receiveNetwork(payload), missed: (error) => here().missed(error) }));
