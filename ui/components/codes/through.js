// A panel: the straight-through gradient at the chosen cell. The encoder's vector, the entry in its place, the gradient of
// the reconstruction at that entry, which the encoder gets as it is, and what the other two terms say of this cell.

import { slices } from "../engine/slices.js";
import { signed } from "../engine/view.js";
import { Bars, brief } from "../pad/bars.js";
import { Panel, panel } from "./panels.js";
import { squaredDistance } from "./quantiser.js";

class Through extends Panel {
  constructor(parent) {
    super(parent, "through");
    this.version = 0;
    this.follow();
  }

  /** @override */
  build({ model, header }) {
    this.chosen = 0;
    const choose = (index) => this.choose(index);
    const bars = (name) => new Bars(this.find(`[data-row=${name}] .bars`), model.dimensions, { end: 1, twoSided: true, choose });
    this.bars = { vector: bars("vector"), entry: bars("entry"), gradient: bars("gradient"), copied: bars("copied") };
    this.root.classList.toggle("learns", header.commitment !== null);
  }

  choose(index) {
    this.chosen = index;
    for (const bars of Object.values(this.bars)) bars.choose(index);
    this.tell();
  }

  /** @override */
  show({ passage, model, cell }, rested) {
    this.grid.show(passage.codes);
    this.vector = model.vector(passage, cell);
    this.entry = model.entry(passage.codes[cell]);
    const reach = largest([...this.vector, ...this.entry]);
    for (const name of ["vector", "entry"]) {
      this.bars[name].end = reach;
      this.bars[name].show(this[name]);
    }
    this.find("[data-row=entry] .what").textContent = `entry ${passage.codes[cell]}`;
    this.showTerms();
    this.version++;
    this.gradient = null;
    this.root.classList.add("computing");
    if (rested !== false) this.compute(this.version);
  }

  // One direction at a time, so that nothing waits for it.
  compute(version) {
    const { passage, model, cell } = this.shown;
    const found = [];
    slices.add(() => {
      if (version !== this.version) return false;
      found.push(model.slope(passage, cell, found.length));
      if (found.length < model.dimensions) return true;
      this.showGradient(found);
      return false;
    });
  }

  showGradient(found) {
    this.gradient = found;
    this.root.classList.remove("computing");
    const most = largest(found);
    for (const name of ["gradient", "copied"]) {
      this.bars[name].end = most;
      this.bars[name].show(found);
      this.bars[name].tell(name === "gradient" ? "Gradient at the entry" : "Gradient that the encoder gets", found);
    }
    this.bars.vector.tell("The encoder's vector", this.vector);
    this.bars.entry.tell("The entry", this.entry);
    this.choose(this.chosen);
  }

  showTerms() {
    const { header: { commitment, learn_by: by } } = this.shown;
    const squared = squaredDistance(this.vector, this.entry);
    this.find(".commitment").textContent = commitment === null
      ? "No commitment term: a tanh keeps the vectors between −1 and 1."
      : `Commitment: ${brief(commitment)} · ‖z − e‖² = ${brief(commitment * squared)}. It moves the encoder's vector towards the entry.`;
    this.find(".codebook-term").textContent = by === null
      ? "No codebook term: the levels do not learn."
      : `Codebook: ‖z − e‖² = ${brief(squared)}. ${by === "loss" ? "It moves the entry towards the vector." : "It would move the entry towards the vector; here moving averages do that instead, so its weight is 0."}`;
  }

  tell() {
    if (!this.gradient) return;
    const i = this.chosen;
    this.find(".read").textContent = `Number ${i + 1}: z ${brief(this.vector[i])}, e ${brief(this.entry[i])}, gradient ${brief(this.gradient[i])} nats per unit. `
      + `Length of the gradient: ${signed(Math.hypot(...this.gradient), 2)}.`;
  }

  // For tests: what is on screen, in numbers.
  state() {
    return { cell: this.shown.cell, vector: Array.from(this.vector), entry: Array.from(this.entry), gradient: this.gradient };
  }

  /** @override */
  end() {
    this.version++;
    super.end();
  }
}

const largest = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-12);

export default panel(Through);
