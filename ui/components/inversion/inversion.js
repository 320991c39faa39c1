// A GAN has no encoder: the code of an image has to be searched for. Here it is, step by step.

import { FONT, PLANE } from "../engine/drawing.js";
import { normals } from "../engine/gaussian.js";
import { Decoder, Network } from "../engine/interpreter.js";
import { element, mounting, named, showComponent, still } from "../engine/page.js";
import { Picture } from "../engine/pictures.js";
import { fitted } from "../engine/sharp.js";
import { Search } from "./search.js";

const MOST_STEPS = 60;
const COLOUR = "#66ccee";

class Inversion {
  constructor(parent) {
    parent.append(parent.querySelector("template").content.cloneNode(true));
    this.root = parent.querySelector(".inversion");
    this.find = (selector) => this.root.querySelector(selector);
    this.find(".play").onclick = () => this.play(!this.playing);
    this.find(".one").onclick = () => { this.play(false); this.step(); };
    this.find(".guess").onclick = () => this.begin("guess");
    this.find(".random").onclick = () => this.begin("random");
    this.find(".another").onclick = () => this.choose(this.label, this.turn + 1);
    this.find(".digit").onchange = (event) => this.choose(event.target.value, 0);
    this.resized = new ResizeObserver(() => this.drawErrors());
    this.resized.observe(this.find(".errors"));
    this.root.inversion = this; // for tests and the browser console
  }

  prepare(header) {
    if (this.decoder) return;
    this.find(".title").textContent = header.title ?? "";
    this.find(".subtitle").textContent = header.subtitle ?? "";
    showComponent(this.root, true);
  }

  update(payload) {
    if (payload.headerText === this.headerText) return;
    this.headerText = payload.headerText;
    const { header, tensor } = payload;
    this.find(".title").textContent = header.title ?? "";
    this.find(".subtitle").textContent = header.subtitle ?? "";
    this.decoder = Decoder.ofCodes(payload);
    this.encoder = new Network(header.encoder.encoder, this.decoder.size, tensor);
    this.presets = tensor("presets");
    this.classes = Array.from(tensor("preset_classes"));
    this.pictures = Object.fromEntries(["wanted", "guessed", "found"].map((name) => [name, new Picture(this.find(`.${name}`), header.image)]));
    const names = [...new Set(this.classes)].map((label) => element("option", { value: String(label), textContent: header.labels[label] ?? String(label) }));
    this.find(".digit").replaceChildren(...names);
    this.choose(String(header.options?.start ?? this.classes[0]), 0);
    showComponent(this.root);
  }

  // The turn-th image of a class, from the start again after the last.
  choose(label, turn) {
    const of = this.classes.flatMap((one, index) => (String(one) === label ? [index] : []));
    this.label = label;
    this.turn = turn % of.length;
    this.find(".digit").value = label;
    const { size } = this.decoder;
    const start = of[this.turn] * size;
    this.target = Float32Array.from(this.presets.subarray(start, start + size), (value) => value / 255);
    this.pictures.wanted.show(this.target);
    named(this.find(".wanted"), `A held-out image of the class ${this.find(".digit").selectedOptions[0]?.textContent}`);
    this.begin("guess");
  }

  begin(from) {
    this.play(false);
    this.from = from;
    const dimensions = this.decoder.inputs;
    const start = from === "guess" ? this.encoder.run(this.target) : Float32Array.from(normals(dimensions));
    this.search = new Search(this.decoder, this.target, start);
    this.pictures.guessed.show(this.search.pixels);
    named(this.find(".guessed"), "The image with which the search began");
    this.find(".play").disabled = this.find(".one").disabled = false;
    this.show();
  }

  step() {
    const goes = this.search.step() && this.search.steps < MOST_STEPS;
    if (!goes) {
      this.play(false);
      const at = /** @type {ShadowRoot} */ (this.root.getRootNode()).activeElement;
      for (const button of [this.find(".play"), this.find(".one")]) {
        button.disabled = true;
        if (button === at) this.find(".random").focus(); // a button that is off loses the focus
      }
      this.find(".live").textContent = `The search has ended. ${this.told()}`;
    }
    this.show();
    return goes;
  }

  // In turn with the screen; with reduced motion all steps at once.
  play(on) {
    this.playing = on;
    cancelAnimationFrame(this.frame);
    this.find(".play").textContent = on ? "Pause" : "Search";
    if (!on) return;
    if (still()) {
      while (this.step());
      return;
    }
    const next = () => { if (this.playing && this.step()) this.frame = requestAnimationFrame(next); };
    this.frame = requestAnimationFrame(next);
  }

  told() {
    const { steps, errors, error, z } = this.search;
    const length = Math.sqrt(z.reduce((sum, value) => sum + value * value, 0));
    const begun = errors[0].toFixed(4);
    const usual = Math.sqrt(z.length).toFixed(1);
    return `${steps} step${steps === 1 ? "" : "s"}: squared error per pixel ${begun} → ${error.toFixed(4)}. |z| = ${length.toFixed(1)} (draws from N(0, I): about ${usual}).`;
  }

  show() {
    this.pictures.found.show(this.search.pixels);
    named(this.find(".found"), `The image of the best code so far, error per pixel ${this.search.error.toFixed(4)}`);
    this.find(".result").textContent = this.told();
    this.drawErrors();
  }

  // The error by steps, from 0 up.
  drawErrors() {
    if (!this.search) return;
    const canvas = this.find(".errors");
    const drawn = fitted(canvas);
    if (!drawn) return;
    const { context, width, height } = drawn;
    const { errors } = this.search;
    const [left, right, top, bottom] = [8, width - 8, 22, height - 18];
    const most = errors[0] || 1;
    const x = (step) => left + (right - left) * (step / MOST_STEPS);
    const y = (error) => bottom - (bottom - top) * (error / most);
    context.font = `11px ${FONT}`;
    context.fillStyle = PLANE.text;
    context.fillText("squared error per pixel, by steps", left, 14);
    context.textAlign = "right";
    context.fillText(String(MOST_STEPS), right, height - 5);
    context.textAlign = "left";
    context.fillText("0", left, height - 5);
    context.strokeStyle = PLANE.faint;
    context.beginPath();
    context.moveTo(left, bottom);
    context.lineTo(right, bottom);
    context.stroke();
    context.strokeStyle = COLOUR;
    context.lineWidth = 2;
    context.beginPath();
    errors.forEach((error, step) => (step ? context.lineTo(x(step), y(error)) : context.moveTo(x(step), y(error))));
    context.stroke();
    context.fillStyle = context.strokeStyle;
    context.beginPath();
    context.arc(x(errors.length - 1), y(errors.at(-1)), 3, 0, 2 * Math.PI);
    context.fill();
    named(canvas, `The error by steps. ${this.told()}`);
  }

  remove() {
    this.play(false);
    this.resized.disconnect();
    this.root.remove();
  }
}

export default mounting(Inversion, "search");
