// What a digit's codes cost under their prior: chosen cell by cell, as vae_core/coding/grid.py chooses them. Knows no screen.

import { Sequence } from "../engine/interpreter.js";
import { Quantiser, squaredDistance } from "../codes/quantiser.js";

export class Coder {
  // payload: of a run with a prior that is told no class, see vae_core/payloads/codes.py. penalty: squared latent units per bit.
  constructor(payload, penalty) {
    this.model = new Quantiser(payload);
    this.sequence = new Sequence(payload.header.prior, this.model.cells, payload.tensor);
    this.penalty = penalty;
    this.entries = Array.from({ length: this.model.entries }, (_, code) => this.model.entry(code));
  }

  // An image -> {codes, bits}: the entry of each cell, and -log2 of what the prior gave it.
  code(pixels) {
    const { model, entries, penalty } = this;
    const passage = model.encode(pixels);
    const codes = [];
    const bits = [];
    this.sequence.back(0);
    let number = model.entries; // how every sequence begins
    for (let cell = 0; cell < model.cells; cell++) {
      const costs = bitsOf(this.sequence.next(number));
      number = passage.codes[cell];
      if (penalty > 0) {
        const vector = model.vector(passage, cell);
        let least = Infinity;
        entries.forEach((entry, code) => {
          const cost = squaredDistance(vector, entry) + penalty * costs[code];
          if (cost < least) [least, number] = [cost, code];
        });
      }
      codes.push(number);
      bits.push(costs[number]);
    }
    return { codes, bits };
  }

  decode(codes) { return this.model.decode(codes); }
}

// -log2 of the probabilities that logits stand for.
export function bitsOf(logits) {
  const largest = logits.reduce((most, logit) => Math.max(most, logit), -Infinity);
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit - largest), 0);
  return Float64Array.from(logits, (logit) => (largest - logit + Math.log(total)) / Math.LN2);
}
