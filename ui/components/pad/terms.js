// One image on its way through a VAE: posterior, sample, reconstruction, both terms of the loss. Knows no screen.

import { sum } from "../engine/arrays.js";
import { klToStandardNormal, sampleOf } from "../engine/gaussian.js";
import { Encoder, Network } from "../engine/interpreter.js";
import { bernoulliEntropy, bernoulliNats, sigmoid } from "../engine/likelihood.js";

export class Passage {
  // payload: what parsePayload returned.
  constructor(payload) {
    const { header, tensor } = payload;
    this.dimensions = header.prior_dimension;
    this.encoder = new Encoder(payload);
    // Without the last sigmoid: from the logits the cross-entropy is exact, however sure the decoder is.
    this.decoder = new Network(header.layers.slice(header.plane_layers, -1), this.dimensions, tensor);
    this.xhat = new Float32Array(this.decoder.outputs);
    this.nats = new Float32Array(this.decoder.outputs);
  }

  // Cross-entropy of the pixels for a code, summed: -log p(x|z) in nats. Leaves x̂ and the nats of each pixel.
  reconstruct(pixels, z) {
    const logits = this.decoder.run(z);
    let total = 0;
    for (let i = 0; i < logits.length; i++) {
      const logit = logits[i];
      const nats = bernoulliNats(logit, pixels[i]);
      this.xhat[i] = sigmoid(logit);
      this.nats[i] = nats;
      total += nats;
    }
    return total;
  }

  // All of it for an image and a noise. The arrays are reused by the next call.
  run(pixels, epsilon) {
    const { mean, logVar } = this.encoder.encode(pixels);
    const sigma = Float64Array.from(logVar, (value) => Math.exp(value / 2));
    const z = Float64Array.from(mean, (value, i) => sampleOf(value, sigma[i], epsilon[i]));
    const kl = Float64Array.from(mean, (value, i) => klToStandardNormal(value, Math.exp(logVar[i]), logVar[i]));
    const reconstruction = this.reconstruct(pixels, z);
    let floor = 0;
    for (const value of pixels) floor += bernoulliEntropy(value);
    return { pixels, mean, logVar, sigma, epsilon, z, xhat: this.xhat, nats: this.nats, reconstruction, kl, klSum: sum(kl), floor };
  }

  // The expected pixels for another code, in an array of their own.
  decoded(z) { return Float32Array.from(this.decoder.run(z), sigmoid); }

  // Gradient of the loss with respect to one dimension's z (of the reconstruction alone), μ and σ, in nats per unit.
  gradient({ pixels, mean, sigma, epsilon, z, xhat }, dimension) {
    const direction = Float64Array.from(z, (_, i) => (i === dimension ? 1 : 0));
    const slopes = this.decoder.slopes(z, direction); // of the logits
    let dz = 0;
    for (let i = 0; i < slopes.length; i++) dz += (xhat[i] - pixels[i]) * slopes[i];
    const deviation = sigma[dimension];
    return { z: dz, mean: dz + mean[dimension], sigma: dz * epsilon[dimension] + deviation - 1 / deviation };
  }
}
