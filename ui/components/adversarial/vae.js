// A VAE of points in the plane: p(x|z) = N(f(z), cI), q(z|x) = N(μ(x), diag σ²(x)) (Kingma and Welling 2014). Knows no screen.

import { Adam } from "./adam.js";
import { Mlp } from "./network.js";
import { klToStandardNormal } from "../engine/gaussian.js";

export class Vae {
  /**
   * latent: dimensions of z. hidden: units of the hidden layers. betas: of Adam.
   * @param {{latent: number, hidden: number[], betas: number[]}} shape
   */
  constructor({ latent, hidden, betas }) {
    this.latent = latent;
    this.encoder = new Mlp([2, ...hidden, 2 * latent]); // means, then log-variances
    this.decoder = new Mlp([latent, ...hidden, 2]);
    this.optimisers = [this.encoder, this.decoder].map((network) => new Adam(network, betas));
  }

  initialise(uniform) {
    this.encoder.initialise(uniform);
    this.decoder.initialise(uniform);
  }

  // One step on points with one sample of z each; gives both terms of the loss, in nats per point. c: the variance of p(x|z).
  step(x, noise, { rate, c }) {
    const batch = x.length / 2;
    const { latent } = this;
    const codes = this.encoder.forward(x, batch);
    const z = new Float64Array(batch * latent);
    const slopes = new Float64Array(2 * batch * latent);
    let kl = 0;
    for (let b = 0; b < batch; b++) {
      for (let i = 0; i < latent; i++) {
        const [mean, logVariance] = [codes[2 * latent * b + i], codes[2 * latent * b + latent + i]];
        z[latent * b + i] = mean + Math.exp(logVariance / 2) * noise[latent * b + i];
        kl += klToStandardNormal(mean, Math.exp(logVariance), logVariance) / batch;
        slopes[2 * latent * b + i] = mean / batch;
        slopes[2 * latent * b + latent + i] = (Math.exp(logVariance) - 1) / (2 * batch);
      }
    }
    const rebuilt = this.decoder.forward(z, batch);
    const pulls = new Float64Array(2 * batch);
    let reconstruction = Math.log(2 * Math.PI * c);
    for (let i = 0; i < 2 * batch; i++) {
      const off = rebuilt[i] - x[i];
      reconstruction += (off * off) / (2 * c * batch);
      pulls[i] = off / (c * batch);
    }
    const asked = this.decoder.backward(pulls);
    for (let b = 0; b < batch; b++) {
      for (let i = 0; i < latent; i++) {
        const at = latent * b + i;
        slopes[2 * latent * b + i] += asked[at];
        slopes[2 * latent * b + latent + i] += 0.5 * asked[at] * (z[at] - codes[2 * latent * b + i]);
      }
    }
    this.encoder.backward(slopes);
    for (const optimiser of this.optimisers) optimiser.step(rate);
    return { reconstruction, kl };
  }

  // f(z) of some rows: the means of p(x|z).
  samples(z) {
    const count = z.length / this.latent;
    return this.decoder.forward(z, count).slice(0, 2 * count);
  }

  // Points through the mean of their codes.
  rebuild(points) {
    const count = points.length / 2;
    const codes = this.encoder.forward(points, count);
    const means = new Float64Array(count * this.latent);
    for (let b = 0; b < count; b++) for (let i = 0; i < this.latent; i++) means[b * this.latent + i] = codes[2 * this.latent * b + i];
    return this.samples(means);
  }
}
