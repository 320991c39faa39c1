// The digit on the board: what class M2 takes it for, and the ten classes in its handwriting, under the hand. Once the hand
// rests the server is sent the image, for the classifiers that run there.

import { now } from "../board/now.js";
import { element, mounting, named, showComponent } from "../engine/page.js";
import { Picture } from "../engine/pictures.js";
import { Timings } from "../engine/timings.js";
import { Conditional } from "./conditional.js";

const RESTS_MS = 250; // without a change, before the server is asked
const LEAST = 0.005; // a share that is said

const percent = (share) => `${(100 * share).toFixed(share >= 0.995 || share < 0.0995 ? 1 : 0)} %`;

class Analogies {
  headerText;
  header;
  model;
  image; // what is on the board
  read; // what Conditional.read returned for it
  z; // its handwriting
  label; // the class that this was read as
  send; // tells the server
  unfollow;
  timer;

  constructor(parent) {
    parent.append(parent.querySelector("template").content.cloneNode(true));
    this.root = parent.querySelector(".analogies");
    this.find = (selector) => this.root.querySelector(selector);
    this.moves = new Timings();
    this.said = -1; // the class that the visitor says it is; -1: the likeliest
    this.find(".likeliest").onclick = () => this.say(-1);
    this.root.bench = this; // for tests and the browser console
  }

  prepare() { if (!this.header) showComponent(this.root, true); }

  update(payload) {
    if (payload.headerText !== this.headerText) {
      this.headerText = payload.headerText;
      this.header = payload.header;
      this.model = new Conditional(payload);
      this.build();
    }
    showComponent(this.root);
    if (!this.unfollow) this.unfollow = now.follow((board, rested) => this.receive(board, rested));
    else this.show();
  }

  build() {
    const { labels, image } = this.header;
    this.rows = labels.map((label, number) => {
      const bar = element("i");
      const share = element("output");
      const button = element("button", { type: "button", className: "row" }, element("b", { textContent: label }), element("span", { className: "bar" }, bar), share);
      button.onclick = () => this.say(this.said === number ? -1 : number);
      return { bar, share, button };
    });
    this.find(".rows").replaceChildren(...this.rows.map(({ button }) => button));
    this.cards = labels.map((label) => {
      const canvas = element("canvas");
      const picture = new Picture(canvas, image);
      named(canvas, `a ${label} in this handwriting`);
      return { picture, card: element("figure", {}, canvas, element("figcaption", { textContent: label })) };
    });
    this.find(".cards").replaceChildren(...this.cards.map(({ card }) => card));
  }

  receive(board, rested) {
    this.image = board.image;
    this.show();
    clearTimeout(this.timer);
    if (rested) this.timer = setTimeout(() => this.send?.(this.image), RESTS_MS);
  }

  say(label) {
    this.said = label;
    this.show();
  }

  show() {
    if (!this.image || !this.model) return;
    const began = performance.now();
    const { labels, image } = this.header;
    const empty = !this.image.some((value) => value > 0);
    this.find(".nothing").hidden = !empty;
    this.find(".answer").classList.toggle("faint", empty);
    const read = this.model.read(this.image);
    const label = this.said < 0 ? read.likeliest : this.said;
    const z = this.model.handwriting(read, label);
    const written = this.model.write(z);
    Object.assign(this, { read, z, label });
    this.rows.forEach(({ bar, share, button }, number) => {
      bar.style.transform = `scaleX(${read.probabilities[number]})`;
      share.textContent = percent(read.probabilities[number]);
      button.setAttribute("aria-pressed", String(number === label));
      button.setAttribute("aria-label", `${labels[number]}: ${percent(read.probabilities[number])}. Read the handwriting as that of a ${labels[number]}`);
    });
    const size = image.channels * image.height * image.width;
    this.cards.forEach(({ picture, card }, number) => {
      picture.show(written, number * size);
      card.classList.toggle("own", number === label);
    });
    this.find(".likeliest").hidden = this.said < 0;
    const taken = labels.map((name, number) => ({ name, share: read.probabilities[number] })).filter(({ share }) => share >= LEAST).sort((a, b) => b.share - a.share).slice(0, 3);
    const how = this.said < 0 ? "the likeliest class" : "the class that you chose";
    this.find(".told").textContent = empty ? "" : `Taken for ${taken.map(({ name, share }) => `a ${name} with ${percent(share)}`).join(", ")}. The handwriting is read as that of a ${labels[label]}, ${how}.`;
    this.moves.note(began);
  }

  // For tests and benchmarks: what is on screen, in numbers.
  state() {
    return { probabilities: this.read.probabilities, z: Array.from(this.z), label: this.label, written: Array.from(this.model.write(this.z)), image: Array.from(this.image), moveMilliseconds: this.moves.list() };
  }

  remove() {
    clearTimeout(this.timer);
    this.unfollow?.();
    this.root.remove();
  }
}

function toBase64(pixels) {
  let text = "";
  for (const value of pixels) text += String.fromCharCode(Math.round(255 * value));
  return btoa(text);
}

const mounted = mounting(Analogies, "bench");

export default function (component) {
  const { parentElement, setStateValue } = component;
  const end = mounted(component);
  const bench = parentElement.querySelector(".analogies")?.bench;
  if (bench) bench.send = (image) => setStateValue("seen", toBase64(image));
  return end;
}
