// An image that a prior writes: its codes, cell by cell, and what each of them costs. Knows no screen.

import { Sequence } from "../engine/interpreter.js";
import { Quantiser } from "./quantiser.js";

export class Writing {
  // payload: of a run with a prior, see vae_core/payloads/codes.py.
  constructor(payload) {
    const { header, tensor } = payload;
    this.model = new Quantiser(payload);
    this.sequence = new Sequence(header.prior, this.model.cells, tensor);
    this.background = header.uses.indexOf(Math.max(...header.uses)); // stands in what is not written yet
    this.classes = header.classes;
    this.begin(0);
  }

  get cells() { return this.model.cells; }
  get whole() { return this.codes.length === this.cells; }

  // An empty grid; told: the class, where the prior is told it.
  begin(told) {
    this.told = told;
    this.codes = [];
    this.bits = []; // of each cell that is written
    this.logits = []; // of each cell that is written, and of the next
    this.sequence.back(0);
    this.ask();
  }

  // What is expected in the next cell.
  ask() {
    if (this.whole) return;
    const last = this.codes.length ? this.codes.at(-1) : this.model.entries + (this.classes ? this.told : 0);
    this.logits.push(Float64Array.from(this.sequence.next(last)));
  }

  // Probabilities of the entries in a cell given those before it, at a temperature above 0: Float64Array (K,), which sums
  // to 1. The cell is written, or the next.
  shares(temperature = 1, cell = this.codes.length) { return softmax(this.logits[cell], temperature); }

  // Write an entry into the next cell. Its bits are the prior's own, at temperature 1.
  put(code) {
    this.bits.push(-Math.log2(Math.max(this.shares()[code], 1e-300)));
    this.codes.push(code);
    this.ask();
  }

  // Draw the next cell's entry; uniform: a number in (0, 1).
  draw(temperature, uniform) { this.put(drawn(this.shares(temperature), uniform)); }

  // Forget a cell and all after it.
  back(cell) {
    if (cell >= this.codes.length) return;
    this.codes.length = this.bits.length = this.logits.length = cell;
    this.sequence.back(cell);
    this.ask();
  }

  // All cells, those that are not written yet with the commonest entry.
  filled() { return Array.from({ length: this.cells }, (_, cell) => this.codes[cell] ?? this.background); }

  image() { return this.model.decode(this.filled()); }
}

// Probabilities of logits divided by a temperature, without overflow.
export function softmax(logits, temperature) {
  let largest = -Infinity;
  for (const logit of logits) largest = Math.max(largest, logit);
  const shares = logits.map((logit) => Math.exp((logit - largest) / temperature));
  const total = shares.reduce((sum, share) => sum + share, 0);
  return shares.map((share) => share / total);
}

// The index in whose part of (0, 1) a uniform number lies.
export function drawn(shares, uniform) {
  let left = uniform;
  for (let index = 0; index < shares.length; index++) {
    left -= shares[index];
    if (left < 0) return index;
  }
  return shares.findLastIndex((share) => share > 0); // rounding: the parts sum to a little less than 1
}
