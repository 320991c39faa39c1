// M1+M2, see vae_core/models/semi_supervised.py: what class an image has, and its handwriting in every class. Knows no screen.

import { Network } from "../engine/interpreter.js";

export class Conditional {
  // payload: what parsePayload returned.
  constructor({ header, tensor }) {
    const { programs, image, features, style, labels } = header;
    this.style = style;
    this.classes = labels.length;
    this.features = new Network(programs.features, image.channels * image.height * image.width, tensor);
    this.classify = new Network(programs.classify, features, tensor);
    this.posterior = new Network(programs.posterior, features + this.classes, tensor);
    this.conditional = new Network(programs.conditional, style + this.classes, tensor);
  }

  // An image -> {u, probabilities: q(y|x), likeliest}, in arrays of their own.
  read(image) {
    const u = this.features.run(image).slice();
    const probabilities = softmax(this.classify.run(u));
    return { u, probabilities, likeliest: probabilities.indexOf(Math.max(...probabilities)) };
  }

  // The mean of q(z|x, y), where y is said to be `label`.
  handwriting({ u }, label) { return this.posterior.run([...u, ...oneHot(label, this.classes)]).slice(0, this.style); }

  // The expected pixels of every class in a handwriting, one image after the other; reused by the next call.
  write(z) { return this.conditional.run(Array.from({ length: this.classes }, (_, label) => [...z, ...oneHot(label, this.classes)]).flat()); }
}

const oneHot = (label, classes) => Array.from({ length: classes }, (_, k) => Number(k === label));

function softmax(logits) {
  const most = Math.max(...logits);
  const powers = Array.from(logits, (value) => Math.exp(value - most));
  const total = powers.reduce((sum, value) => sum + value, 0);
  return powers.map((value) => value / total);
}
