// Sliders, choices and numbers of an instrument: native inputs, so that keyboard, touch and screen readers work.

import { Toy } from "./toy.js";
import { pageLink } from "../engine/link.js";
import { element } from "../engine/page.js";
import { signed } from "../engine/view.js";

// A slider with its label and its value. It goes over `values`, or from `low` to `high` in steps of `step`.
export class Knob {
  values;
  text;

  /**
   * text(value): what is shown and read. moved(value): the visitor has moved it.
   * @param {{label: string, values?: number[], low?: number, high?: number, step?: number,
   *   text?: (value: number) => string, moved: (value: number) => void}} options
   */
  constructor({ label, values = null, low, high, step, text = (value) => signed(value, 2), moved }) {
    Object.assign(this, { values, text });
    const range = values ? { min: 0, max: values.length - 1, step: 1 } : { min: low, max: high, step };
    this.input = element("input", { type: "range", ...range });
    this.input.setAttribute("aria-label", label);
    this.output = element("output");
    this.box = element("label", { className: "knob" }, element("span", { textContent: label }), this.output, this.input);
    this.input.addEventListener("input", () => {
      this.tell();
      moved(this.value);
    });
  }

  get value() { return this.values ? this.values[this.input.valueAsNumber] : this.input.valueAsNumber; }

  // Shows a value that came from elsewhere: of a list, the nearest of its values.
  set(value) {
    const distance = (k) => Math.abs(this.values[k] - value);
    this.input.value = this.values ? this.values.reduce((best, _, k) => (distance(k) < distance(best) ? k : best), 0) : value;
    this.tell();
  }

  tell() {
    const said = this.text(this.value);
    this.output.textContent = said;
    this.input.setAttribute("aria-valuetext", said);
  }
}

// A few options, one chosen: radio buttons. options: [{value, title}].
export class Choice {
  constructor({ label, name, options, moved }) {
    this.inputs = options.map(({ value }) => {
      const input = element("input", { type: "radio", name, value });
      input.addEventListener("change", () => moved(value));
      return input;
    });
    const segments = options.map(({ title }, k) => element("label", {}, this.inputs[k], element("span", { textContent: title })));
    this.box = element("fieldset", { className: "choice" }, element("legend", { textContent: label }), ...segments);
  }

  set(value) { for (const input of this.inputs) input.checked = input.value === String(value); }
}

export const nats = (value) => signed(value, Math.abs(value) < 99.95 ? 3 : 1);

// What both parts of the story have in common: decoder, observation, variance. Moving one moves the other.
class Story {
  listeners;
  decoders;
  decoder;
  x;
  c;

  constructor({ decoders, start }) {
    Object.assign(this, { decoders, ...start, listeners: new Set() });
  }

  set(changes) {
    Object.assign(this, changes);
    this.made = null;
    for (const listener of this.listeners) listener();
    pageLink.changed();
  }

  // The model where the story is: one for all that ask.
  toy(rules) { return (this.made ??= new Toy(rules, this.decoders[this.decoder].coefficients, this.x, this.c)); }

  // The three controls of an instrument, and what keeps them where the story is.
  controls(kind, { x, variances }) {
    const options = Object.entries(this.decoders).map(([value, { title }]) => ({ value, title }));
    const choice = new Choice({ label: "decoder f", name: `decoder-${kind}`, options, moved: (decoder) => this.set({ decoder }) });
    const observation = new Knob({ label: "observation x", low: x[0], high: x[1], step: 0.05, moved: (value) => this.set({ x: value }) });
    const variance = new Knob({ label: "variance c", values: variances, moved: (value) => this.set({ c: value }) });
    const show = () => { choice.set(this.decoder); observation.set(this.x); variance.set(this.c); };
    return { boxes: [choice.box, observation.box, variance.box], show };
  }
}

let story = null;
export const storyOf = (header) => (story ??= new Story(header));
