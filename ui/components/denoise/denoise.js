// The digit on the board, damaged, and what each method makes of it. The networks and PCA answer here, under the hand; the
// filters on the server, once the hand rests.

import { now } from "../board/now.js";
import { Network } from "../engine/interpreter.js";
import { pageLink, unlike } from "../engine/link.js";
import { element, named, showComponent, withPayload } from "../engine/page.js";
import { Picture } from "../engine/pictures.js";
import { Timings } from "../engine/timings.js";
import { Chart } from "./chart.js";
import { corrupt, numbersFor } from "./corruption.js";
import { psnr, ssim } from "./fidelity.js";

const RESTS_MS = 200; // without a change, before the server is asked
const MOST_SEEDS = 999;

const benches = new Map(); // mount point -> Denoise

class Denoise {
  kind; // of damage
  level;
  seed; // of the random numbers
  numbers; // which they are
  drawn; // for what
  cards = new Map(); // name -> {card, canvas, figures, title, picture}

  constructor(parent) {
    parent.append(parent.querySelector("template").content.cloneNode(true));
    this.root = parent.querySelector(".denoise");
    this.find = (selector) => this.root.querySelector(selector);
    this.networks = new Map(); // name -> {id, encoder, decoder}
    this.answers = new Map(); // name of a filter -> pixels
    this.moves = new Timings();
    this.chart = new Chart(this.find(".chart"));
    this.find(".kind").onchange = (event) => this.set({ kind: event.target.value, level: this.header.kinds[event.target.value].start });
    this.find(".level").oninput = (event) => this.set({ level: event.target.valueAsNumber });
    this.find(".another").onclick = () => this.set({ seed: (this.seed % MOST_SEEDS) + 1 });
    this.root.bench = this; // for tests and the browser console
  }

  prepare() { if (!this.header) showComponent(this.root, true); }

  update(payload, send) {
    this.send = send;
    if (payload.headerText === this.headerText) return;
    const isNew = !this.headerText;
    this.headerText = payload.headerText;
    this.header = payload.header;
    if (isNew) this.build();
    this.addCards();
    this.receiveNetwork(payload);
    this.receiveAnswers(payload.header.answers);
    showComponent(this.root);
    if (isNew) {
      pageLink.join(this);
      this.unfollow = now.follow((board) => this.receiveBoard(board));
    } else this.show();
  }

  build() {
    const { kinds, start } = this.header;
    this.find(".kind").replaceChildren(...Object.entries(kinds).map(([name, { title }]) => element("option", { value: name, textContent: title })));
    Object.assign(this, { kind: start, level: kinds[start].start, seed: 1 });
  }

  // One card for each method; a later payload may bring more.
  addCards() {
    const { methods, image } = this.header;
    const names = ["clean", ...methods.map(({ name }) => name)];
    const known = new Map(methods.map((method) => [method.name, method]));
    for (const name of names) {
      if (this.cards.has(name)) continue;
      const { title, colour, dash } = known.get(name) ?? { title: "Undamaged" };
      const swatch = colour ? [element("span", { className: "swatch", style: `border-color: ${colour}; border-top-style: ${dash.length ? "dashed" : "solid"}` })] : [];
      const canvas = element("canvas");
      const figures = element("div", { className: "figures" });
      const label = element("div", { className: "name" }, ...swatch, element("span", { textContent: title }));
      const card = element("figure", { className: "card" }, canvas, element("figcaption", {}, label, figures));
      this.cards.set(name, { card, canvas, figures, title, picture: new Picture(canvas, image) });
    }
    for (const name of this.cards.keys()) if (!names.includes(name)) this.cards.delete(name);
    this.find(".cards").replaceChildren(...names.map((name) => this.cards.get(name).card));
  }

  // The programs of one network, from the first payload or a later one.
  receiveNetwork({ header, tensor }) {
    const { name, encoder, layers, image, latent_dim: dimensions, body: { id } } = header;
    if (this.networks.get(name)?.id === id) return;
    const size = image.height * image.width;
    this.networks.set(name, { id, encoder: new Network(encoder, size, tensor), decoder: new Network(layers, dimensions, tensor) });
    this.show();
  }

  missed(error) { this.find(".told").textContent = `A network has not arrived (${error.message}). Reload the page to try again.`; }

  // What the filters made of what was sent last, or why they did not.
  // answers: {token, images: {name: pixels in base64}} or {token, problem}; null before the first.
  receiveAnswers(answers) {
    if (!answers || answers.token !== this.asked) return;
    this.problem = answers.problem ?? "";
    this.answers = new Map(Object.entries(answers.images ?? {}).map(([name, text]) => [name, fromBase64(text)]));
    this.answered = answers.token;
  }

  receiveBoard(board) {
    this.clean = board.image;
    this.show();
  }

  set(values) {
    Object.assign(this, values);
    const { most } = this.header.kinds[this.kind];
    this.beyond = this.level > most ? this.level : 0;
    this.level = Math.min(this.level, most);
    this.show();
    pageLink.changed();
  }

  get empty() { return !this.clean || !this.clean.some((value) => value > 0); }

  show() {
    if (!this.header || !this.clean) return;
    const since = performance.now();
    const { kind, level, seed, header: { image, kinds } } = this;
    const { unit, most, about } = kinds[kind];
    const slider = this.find(".level");
    this.find(".kind").value = kind;
    [slider.max, slider.value] = [String(most), String(level)];
    slider.setAttribute("aria-valuetext", `${level.toFixed(2)}, ${unit}`);
    this.find(".level-name").textContent = unit;
    this.find(".level-value").textContent = level.toFixed(2);
    this.find(".about").textContent = about;
    this.find(".another").disabled = kind === "blur";
    const drawn = `${kind} ${seed}`;
    if (this.drawn !== drawn) [this.drawn, this.numbers] = [drawn, numbersFor(kind, image.height * image.width, seed)];
    this.seen = corrupt(kind, level, this.clean, this.numbers, image);
    this.made = new Map([["as_it_is", this.seen]]);
    for (const [name, network] of this.networks) if (this.cards.has(name)) this.made.set(name, this.restored(name, network));
    this.ask();
    for (const [name, pixels] of this.answers) this.made.set(name, pixels);
    this.measure();
    this.moves.note(since);
  }

  // A network's answer; of PCA, its first components alone, with the gain and the offset that were tuned for this level.
  restored(name, { encoder, decoder }) {
    const code = encoder.run(this.seen);
    const tuned = this.header.settings[name]?.[this.kind];
    if (!tuned) return decoder.run(code).slice();
    const levels = this.header.levels[this.kind];
    const nearest = levels.reduce((best, at, i) => (Math.abs(at - this.level) < Math.abs(levels[best] - this.level) ? i : best), 0);
    const [components, gain, offset] = tuned[nearest];
    code.fill(0, components);
    return decoder.run(code).map((value) => Math.min(Math.max(gain * value + offset, 0), 1));
  }

  // The server filters what rests. What was asked for last is all that counts.
  ask() {
    const wanted = `${this.kind} ${this.level} ${this.seed} ${fingerprint(this.clean)}`;
    if (wanted === this.wanted) return;
    this.wanted = wanted;
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => {
      this.asked = wanted;
      this.send("seen", { token: wanted, kind: this.kind, level: this.level, pixels: toBase64(this.seen) });
    }, RESTS_MS);
  }

  measure() {
    const { image, methods } = this.header;
    this.found = new Map();
    for (const { name } of methods) {
      const made = this.made.get(name);
      if (made) this.found.set(name, { psnr: psnr(this.clean, made), ssim: ssim(this.clean, made, image) });
    }
    const fresh = this.answered === this.wanted;
    const current = [...this.found].filter(([name]) => fresh || !this.answers.has(name));
    const best = current.reduce((one, other) => (one && one[1].psnr >= other[1].psnr ? one : other), null);
    for (const [name, { card, canvas, figures, title, picture }] of this.cards) {
      const made = name === "clean" ? this.clean : this.made.get(name);
      if (made) picture.show(made);
      const found = this.found.get(name);
      figures.textContent = found ? `${decibels(found.psnr)}\nSSIM ${found.ssim.toFixed(2)}` : name === "clean" ? "" : "…";
      card.classList.toggle("stale", this.answers.has(name) && !fresh);
      card.classList.toggle("best", !this.empty && best?.[0] === name);
      named(canvas, found ? `${title}: ${decibels(found.psnr)}, SSIM ${found.ssim.toFixed(2)}` : title);
    }
    this.find(".told").textContent = this.told(best, fresh);
    this.drawChart(fresh);
  }

  told(best, fresh) {
    const { kinds } = this.header;
    if (this.empty) return "The board is empty: draw a digit, or take one from the row. What the networks draw into nothing is theirs alone.";
    const beyond = this.beyond ? `The link's level ${this.beyond} is beyond the slider: ${this.level} is shown. ` : "";
    if (this.level === 0) return `${beyond}Nothing is damaged: to leave the image as it is cannot be beaten, and every method only takes away from it.`;
    if (fresh && this.problem) return `${beyond}${this.problem}`;
    if (!fresh) return `${beyond}The filters answer when the hand rests.`;
    const others = this.rivals(best[0]);
    return `${beyond}On this digit, ${kinds[this.kind].said} at ${this.level.toFixed(2)}: nearest is ${this.said(best[0])} with ${decibels(best[1].psnr)}${others}.`;
  }

  // The best of the other sort: of what knows digits, and of what does not.
  rivals(winner) {
    const learned = new Set(this.header.methods.filter((one) => one.network).map((one) => one.name));
    const others = [...this.found].filter(([name]) => learned.has(name) !== learned.has(winner));
    const [name, { psnr: value }] = others.reduce((one, other) => (one[1].psnr >= other[1].psnr ? one : other));
    return `; the best ${learned.has(winner) ? "without a network is" : "network is"} ${this.said(name)} with ${decibels(value)}`;
  }

  said(name) { return this.header.methods.find((one) => one.name === name).said; }

  drawChart(fresh) {
    const { header: { figures, levels, kinds, methods, n }, kind, level } = this;
    const lines = methods.map(({ name, colour, dash, wide }) => {
      const { psnr: values, half } = figures[name][kind];
      const stale = this.answers.has(name) && !fresh;
      const own = this.found.get(name)?.psnr;
      return { colour, dash, wide, psnr: values, half, own: stale || this.empty ? undefined : own };
    });
    this.chart.show({ levels: levels[kind], most: kinds[kind].most, level, unit: kinds[kind].unit, lines });
    const at = levels[kind].map((one, i) => `${one}: ${methods.map(({ name, title }) => `${title} ${figures[name][kind].psnr[i].toFixed(1)}`).join(", ")}`);
    named(this.find(".chart"), `PSNR in dB against the level, on ${n} test digits. ${at.join(". ")}.`);
    this.find(".note").textContent = `Lines: ${n} test digits, with 95% intervals over digits; filters tuned on validation digits for every level shown. Rings: the digit on the board. ${kinds[kind].note}`;
  }

  // ---- the link ---------------------------------------------------------------------------------------------------

  linked() {
    const { kind, level, seed, header: { kinds, start } } = this;
    return { damage: unlike(kind, start), level: unlike(level, kinds[kind].start), noise: unlike(seed, 1) };
  }

  usual() { return { damage: this.header.start, level: this.header.kinds[this.header.start].start, noise: 1 }; }

  restore(values) {
    const kind = values.damage ?? this.kind;
    this.set({ kind, level: values.level ?? this.header.kinds[kind].start, seed: values.noise ?? this.seed });
  }

  // For tests: what is on screen, in numbers.
  state() {
    const { kind, level, seed, clean, seen, found, made } = this;
    return {
      kind, level, seed, fresh: this.answered === this.wanted, clean: Array.from(clean ?? []), seen: Array.from(seen ?? []), numbers: Array.from(this.numbers ?? []),
      found: Object.fromEntries(found ?? []), made: Object.fromEntries([...(made ?? [])].map(([name, pixels]) => [name, Array.from(pixels)])),
      milliseconds: this.moves.list(), told: this.find(".told").textContent,
    };
  }

  remove() {
    clearTimeout(this.waiting);
    pageLink.leave(this);
    this.unfollow?.();
    this.chart.end();
    this.root.remove();
  }
}

const decibels = (value) => (value === Infinity ? "exact" : `${value.toFixed(1)} dB`);

// A number for an image, other for nearly every other one.
function fingerprint(pixels) {
  let mixed = 0;
  for (const value of pixels) mixed = (Math.imul(mixed, 31) + Math.round(value * 1e6)) | 0;
  return mixed;
}

function toBase64(floats) {
  const bytes = new Uint8Array(Float32Array.from(floats).buffer);
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

const fromBase64 = (text) => Float32Array.from(atob(text), (one) => one.charCodeAt(0) / 255);

export default function (component) {
  const { parentElement, setStateValue } = component;
  const here = () => {
    if (!benches.has(parentElement)) benches.set(parentElement, new Denoise(parentElement));
    return benches.get(parentElement);
  };
  return withPayload(component, "bench", (payload) => here().update(payload, setStateValue), () => {
    benches.get(parentElement)?.remove();
    benches.delete(parentElement);
  }, { before: () => here().prepare(), later: (payload) => here().receiveNetwork(payload), missed: (error) => here().missed(error) });
}
