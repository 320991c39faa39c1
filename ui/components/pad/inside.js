// Inside the VAE: a drawing goes through encoder, sample and decoder under the pen, and both terms of its loss with it.
// The server is told nothing; what a link says is kept by engine/link.js, the drawing also for as long as the tab lives.

import { normals } from "../engine/gaussian.js";
import { pageLink, rounded, unlike } from "../engine/link.js";
import { element, withPayload } from "../engine/page.js";
import { Picture } from "../engine/pictures.js";
import { Timings } from "../engine/timings.js";
import { signed } from "../engine/view.js";
import { Bars, brief } from "./bars.js";
import { Kept } from "./kept.js";
import { showLayers } from "./layers.js";
import { Losses } from "./losses.js";
import { now } from "./now.js";
import { Pad } from "./pad.js";
import { ROUTES, STEPS } from "./steps.js";
import { LONGEST } from "./strokes.js";
import { Passage } from "./terms.js";
import { Wires } from "./wires.js";
import { decodedInWords, drawingInWords, natsInWords } from "./words.js";

const insides = new Map(); // mount point -> Inside
const kept = new Kept("inside");

const VALUE_END = 4; // of the scales of μ, ε and z
const SIGMA_END = 1.25;

class Inside {
  constructor(parent) {
    parent.append(parent.querySelector("template").content.cloneNode(true));
    this.root = parent.querySelector(".inside");
    this.failed = parent.querySelector(".failed");
    this.find = (selector) => this.root.querySelector(selector);
    this.moves = new Timings();
    this.frozen = true;
    this.step = -1; // of STEPS; -1: all of it
    this.pad = new Pad(this.root, { changed: () => this.update(), rested: () => this.rest() });
    this.wires = new Wires(this.find(".flow"), ROUTES);
    this.find(".step").onclick = () => this.nextStep();
    this.find(".resample").onclick = () => this.setNoise(normals(this.dimensions));
    this.find(".mean").onclick = () => this.setNoise(new Float64Array(this.dimensions));
    this.find(".freeze").onclick = () => this.setFrozen(!this.frozen);
    this.find(".previous").onclick = () => this.choose((this.chosen + this.dimensions - 1) % this.dimensions);
    this.find(".next").onclick = () => this.choose((this.chosen + 1) % this.dimensions);
    this.root.inside = this; // for tests and the browser console
  }

  // A new payload, or the same one again because the page ran again.
  receive(payload) {
    if (payload.headerText === this.headerText) return;
    this.headerText = payload.headerText;
    const drawing = this.pad.ink && this.header.image.height === payload.header.image.height ? this.pad.snapshot() : null;
    this.header = payload.header;
    this.root.hidden = false;
    this.failed.hidden = true;
    this.find(".subtitle").textContent = [this.header.title, this.header.subtitle].filter(Boolean).join(": ");
    this.build(payload, drawing);
  }

  build(payload, drawing) {
    const { header } = payload;
    this.payload = payload;
    this.network = new Passage(payload);
    this.dimensions = header.prior_dimension;
    this.epsilon = new Float64Array(this.dimensions); // the mean first: what is seen is the reconstruction alone
    this.chosen = 0;
    this.passage = null;
    this.seen = new Picture(this.find("canvas.seen"), header.image);
    this.rebuilt = new Picture(this.find("canvas.rebuilt"), header.image);
    this.losses = new Losses(this.find(".terms"), header);
    this.buildBoxes();
    const presets = { images: payload.tensor("presets"), classes: Array.from(payload.tensor("preset_classes")), labels: header.labels };
    this.pad.build(header.image.height, presets, header.options.start);
    this.setStep(-1);
    // The drawing that this tab had before the page was left or loaded again, else the first digit. A link's comes after.
    if (drawing) this.pad.restore(drawing);
    else this.pad.takePicture(kept.read());
    this.pad.past.length = 0;
    this.pad.show();
    this.wires.lay();
    if (!this.linking) pageLink.join(this);
    this.linking = true;
  }

  get atMean() { return this.epsilon.every((value) => value === 0); }

  linked() {
    const { digit, example, drawing } = this.pad.picture();
    return {
      digit, example, drawing: drawing.length <= LONGEST ? drawing : "",
      epsilon: this.atMean ? "" : Array.from(this.epsilon, rounded).join(","),
      step: unlike(this.step + 1, 0),
      dimension: unlike(this.chosen + 1, 1),
    };
  }

  // While it is built nothing has changed that a link should say.
  noteChange() { if (this.linking) pageLink.changed(); }

  // What another model said of its noise and dimensions does not fit this one.
  restore({ digit, example, drawing, epsilon = [], step = 0, dimension = 1 }) {
    this.epsilon = epsilon.length === this.dimensions ? Float64Array.from(epsilon) : new Float64Array(this.dimensions);
    this.pad.takePicture({ digit, example, drawing });
    this.pad.past.length = 0;
    this.pad.show();
    this.choose(Math.min(dimension, this.dimensions) - 1);
    this.setStep(step - 1);
  }

  // Layers with their sizes and numbers of parameters, and a bar for each dimension.
  buildBoxes() {
    const { header, dimensions } = this;
    const { encoder, parameters, image } = header;
    const size = image.height * image.width;
    const decoder = header.layers.slice(header.plane_layers);
    showLayers(this.find("[data-box=trunk]"), encoder.trunk, parameters.trunk, [size]);
    showLayers(this.find("[data-box=decoder]"), decoder, parameters.decoder, [dimensions]);
    for (const [name, { in: taken, out }] of [["mean", encoder.mean[0]], ["sigma", encoder.log_var[0]]]) {
      this.find(`[data-box=${name}] .layer`).textContent = `${name === "sigma" ? "log σ²: " : ""}${taken} → ${out}`;
    }
    const choose = (index) => this.choose(index);
    const bars = (name, options) => new Bars(this.find(`[data-box=${name}] .bars`), dimensions, { choose, ...options });
    const twoSided = { end: VALUE_END, twoSided: true };
    this.bars = {
      mean: bars("mean", twoSided), sigma: bars("sigma", { end: SIGMA_END, twoSided: false }),
      epsilon: bars("epsilon", twoSided), z: bars("z", twoSided),
      kl: new Bars(this.find(".divergence .bars"), dimensions, { choose, end: 5, twoSided: false }),
    };
  }

  // ---- what follows the pen ---------------------------------------------------------------------------------------

  update() {
    const began = performance.now();
    if (!this.frozen) this.epsilon = normals(this.dimensions);
    this.passage = this.network.run(this.pad.pixels(), this.epsilon);
    this.show();
    this.moves.note(began);
  }

  show() {
    const { passage: p, bars } = this;
    this.seen.show(p.pixels);
    this.rebuilt.show(p.xhat);
    for (const name of ["mean", "sigma", "epsilon", "z", "kl"]) bars[name].show(p[name]);
    this.losses.show(p);
    this.showDimension();
    this.find("[data-box=epsilon] .layer").textContent = this.atMean ? "0: at the mean" : "from N(0, I)";
    this.find(".nothing").hidden = p.pixels.some((value) => value > 0);
    if (this.step >= 0) this.saySentence();
    now.publish(this);
  }

  showDimension() {
    const { passage: p, chosen: i } = this;
    const sigma = Math.fround(p.sigma[i]) === 0 ? "0: too small for a single-precision number" : brief(p.sigma[i]);
    this.find(".dimension .read").textContent = `dimension ${i + 1}: μ ${brief(p.mean[i])}, log σ² ${brief(p.logVar[i])}, σ ${sigma}, `
      + `ε ${brief(p.epsilon[i])}, z ${brief(p.z[i])}, KL ${brief(p.kl[i])} nats`;
  }

  // The pen is up: what takes longer, and what only those need who do not see it.
  rest() {
    const { passage: p, bars, pad: { presets, preset, touched } } = this;
    for (const [name, text] of [["mean", "μ"], ["sigma", "σ"], ["epsilon", "ε"], ["z", "z"], ["kl", "KL in nats"]]) bars[name].tell(text, p[name]);
    this.inWords = drawingInWords(p.pixels, this.header.image.width, { label: preset < 0 ? null : presets.labels[presets.classes[preset]], touched });
    const decoded = decodedInWords(p.xhat, this.header.image.width, presets);
    this.find("canvas.seen").setAttribute("aria-label", `x, what the encoder sees: ${this.inWords}`);
    this.find("canvas.rebuilt").setAttribute("aria-label", `x̂, what the decoder makes of z: ${decoded}`);
    this.find("canvas.nats").setAttribute("aria-label", `Reconstruction by pixel: ${signed(p.reconstruction, 1)} nats in all, ${natsInWords(p.nats, this.header.image.width)}`);
    this.find(".told").textContent = `Drawn: ${this.inWords}. Decoded: ${decoded}. Reconstruction ${signed(p.reconstruction, 1)} nats, KL ${signed(p.klSum, 1)} nats.`;
    this.noteChange();
    this.find(".too-long").hidden = this.pad.drawing().length <= LONGEST;
    if (this.linking) kept.write(this.pad.picture());
    now.publish(this, true);
  }

  // ---- ε, dimensions, steps ---------------------------------------------------------------------------------------

  // This noise is to be seen, also where every move of the pen would sample another.
  setNoise(epsilon) {
    this.epsilon = epsilon;
    const { frozen } = this;
    this.frozen = true;
    this.update();
    this.frozen = frozen;
    this.rest();
  }

  setFrozen(frozen) {
    this.frozen = frozen;
    this.find(".freeze").setAttribute("aria-pressed", String(frozen));
  }

  choose(index) {
    this.chosen = index;
    this.noteChange();
    for (const bars of Object.values(this.bars)) bars.choose(index);
    if (!this.passage) return;
    this.showDimension();
    if (this.step >= 0) this.saySentence();
  }

  nextStep() {
    this.setStep(this.step + 1 < STEPS.length ? this.step + 1 : -1);
    this.find(".told").textContent = this.find(".sentence").textContent;
  }

  setStep(step) {
    this.step = step;
    const { boxes, wires, back, terms } = STEPS[step] ?? {};
    for (const box of this.root.querySelectorAll("[data-box]")) {
      box.classList.toggle("dim", step >= 0 && !boxes.includes(box.dataset.box));
      box.classList.toggle("lit", step >= 0 && boxes.includes(box.dataset.box));
    }
    this.find(".terms").classList.toggle("dim", step >= 0 && !terms);
    this.wires.light(step >= 0 ? new Set(wires) : null, new Set(back));
    this.find(".step").textContent = step + 1 < STEPS.length ? "One step" : "All of it";
    this.saySentence();
    this.choose(this.chosen);
  }

  saySentence() {
    const entry = STEPS[this.step];
    if (!entry) { this.find(".sentence").textContent = "Draw: everything below follows your pen. Or look at it one step at a time."; return; }
    if (!this.passage) return;
    this.find(".sentence").replaceChildren(element("b", { textContent: `${this.step + 1} of 4, ${entry.name}. ` }), entry.say(this));
  }

  // For tests and benchmarks: what is on screen, in numbers.
  state() {
    const { passage: p, moves } = this;
    const list = (name) => Array.from(p[name]);
    return {
      pixels: list("pixels"), mean: list("mean"), log_var: list("logVar"), epsilon: list("epsilon"), z: list("z"),
      xhat: list("xhat"), nats: list("nats"), kl: list("kl"), reconstruction: p.reconstruction, floor: p.floor,
      gradient: Array.from(p.z, (_, index) => this.network.gradient(p, index)),
      preset: this.pad.preset, touched: this.pad.touched, drawing: this.pad.drawing(), words: this.inWords,
      ink: Array.from(this.pad.ink.ink), step: this.step, chosen: this.chosen, past: this.pad.past.length,
      moveMilliseconds: moves.list(),
    };
  }

  remove() {
    pageLink.leave(this);
    now.end();
    this.wires.end();
    this.root.remove();
  }
}

export default function (component) {
  const { parentElement } = component;
  return withPayload(component, "network", (payload) => {
    let inside = insides.get(parentElement);
    if (!inside) insides.set(parentElement, (inside = new Inside(parentElement)));
    inside.receive(payload);
  }, () => {
    insides.get(parentElement)?.remove();
    insides.delete(parentElement);
  });
}
