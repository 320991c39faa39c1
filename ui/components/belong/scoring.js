// How odd an image is, by several scores: what vae_core/evaluation/left_out.py and vae_core/metrics/anomaly.py compute, with the
// same draws. Knows no screen.

import { expectLength } from "../engine/arrays.js";
import { klToStandardNormal } from "../engine/gaussian.js";
import { Encoder, Network } from "../engine/interpreter.js";
import { bernoulliEntropy, bernoulliNats, logSumExp, sigmoid } from "../engine/likelihood.js";

export class Scorer {
  // payload: of vae_core/payloads/belong.py.
  constructor({ header, tensor }) {
    const { dimensions, components, image: { height, width }, layers } = header;
    this.size = height * width;
    this.dimensions = dimensions;
    this.encoder = new Encoder({ header, tensor });
    this.decoder = new Network(layers, dimensions, tensor);
    this.noise = tensor("noise");
    this.draws = this.noise.length / dimensions;
    this.centre = expectLength("cloud_mean", tensor("cloud_mean"), dimensions);
    this.precision = expectLength("cloud_precision", tensor("cloud_precision"), dimensions * dimensions);
    this.mean = expectLength("pca_mean", tensor("pca_mean"), this.size);
    this.components = expectLength("pca_components", tensor("pca_components"), components * this.size);
  }

  // A flat image in [0, 1] -> {name of a score: its value}, without those that need the training images; and the image at the
  // mean code, as ``rebuilt``.
  run(pixels) {
    const { size, dimensions, draws, noise } = this;
    const code = this.encoder.encode(pixels);
    const [mean, logVar] = [code.mean.slice(), code.logVar.slice()];
    const logits = this.decoder.run(mean);
    const rebuilt = Float32Array.from(logits, sigmoid);
    const [squared, reconstruction] = [meanSquared(pixels, rebuilt), this.nats(logits, 0, pixels)];
    const floor = pixels.reduce((total, value) => total + bernoulliEntropy(value), 0);
    const z = new Float32Array(draws * dimensions);
    const ratio = new Float64Array(draws); // log q(z|x) - log p(z)
    for (let i = 0; i < z.length; i++) {
      const [draw, k] = [Math.floor(i / dimensions), i % dimensions];
      z[i] = mean[k] + Math.exp(logVar[k] / 2) * noise[i];
      ratio[draw] += (z[i] * z[i] - noise[i] * noise[i] - logVar[k]) / 2;
    }
    const outputs = this.decoder.run(z);
    const costs = Array.from({ length: draws }, (_, draw) => this.nats(outputs, draw * size, pixels));
    const kl = mean.reduce((total, value, k) => total + klToStandardNormal(value, Math.exp(logVar[k]), logVar[k]), 0);
    return {
      rebuilt,
      "vae squared_error": squared,
      "vae reconstruction": reconstruction,
      "vae above_floor": reconstruction - floor,
      "vae negative_elbo": costs.reduce((total, cost) => total + cost, 0) / draws + kl,
      "vae importance_weighted": Math.log(draws) - logSumExp(costs.map((cost, draw) => -cost - ratio[draw])),
      "vae mahalanobis": this.distance(mean),
      pca: this.left(pixels),
    };
  }

  nats(logits, start, pixels) {
    let total = 0;
    for (let i = 0; i < this.size; i++) total += bernoulliNats(logits[start + i], pixels[i]);
    return total;
  }

  // Of a code to the middle of all codes, in their standard deviations.
  distance(mean) {
    const away = mean.map((value, k) => value - this.centre[k]);
    let total = 0;
    for (let row = 0; row < away.length; row++) {
      for (let column = 0; column < away.length; column++) total += away[row] * this.precision[row * away.length + column] * away[column];
    }
    return Math.sqrt(Math.max(total, 0));
  }

  // The squared distance to the subspace of PCA, mean over pixels.
  left(pixels) {
    const centred = pixels.map((value, i) => value - this.mean[i]);
    let total = centred.reduce((sum, value) => sum + value * value, 0);
    for (let start = 0; start < this.components.length; start += this.size) {
      let along = 0;
      for (let i = 0; i < this.size; i++) along += centred[i] * this.components[start + i];
      total -= along * along;
    }
    return Math.max(total, 0) / this.size;
  }
}

function meanSquared(pixels, others) {
  let total = 0;
  for (let i = 0; i < pixels.length; i++) total += (pixels[i] - others[i]) ** 2;
  return total / pixels.length;
}
