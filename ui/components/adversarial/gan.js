// A generator and a discriminator that learn from each other (Goodfellow et al. 2014). Knows no screen.

import { Adam } from "./adam.js";
import { Mlp } from "./network.js";

const softplus = (s) => Math.max(s, 0) + Math.log1p(Math.exp(-Math.abs(s)));
export const sigmoid = (s) => 1 / (1 + Math.exp(-s));

// The generator's loss of one sample to which the discriminator gives the logit s, in nats, and its slope by s.
export const LOSSES = {
  "non-saturating": { value: (s) => softplus(-s), slope: (s) => -sigmoid(-s) }, // -ln D(G(z))
  minimax: { value: (s) => -softplus(s), slope: (s) => -sigmoid(s) }, // ln(1 - D(G(z)))
};

export class Gan {
  /**
   * latent: dimensions of z. hidden: units of the hidden layers. betas: of Adam.
   * @param {{latent: number, hidden: number[], betas: number[]}} shape
   */
  constructor({ latent, hidden, betas }) {
    this.latent = latent;
    this.generator = new Mlp([latent, ...hidden, 2]);
    this.discriminator = new Mlp([2, ...hidden, 1]);
    this.optimisers = [this.generator, this.discriminator].map((network) => new Adam(network, betas));
    this.average = new Mlp([latent, ...hidden, 2]);
    this.steps = 0;
  }

  initialise(uniform) {
    this.generator.initialise(uniform);
    this.discriminator.initialise(uniform);
    this.average.parameters.set(this.generator.parameters);
  }

  // One step of the discriminator on real points and on G(z); gives its loss in nats, and what R1 adds to it.
  stepDiscriminator(real, z, { rate, r1 }) {
    const batch = real.length / 2;
    const { discriminator } = this;
    const slopes = new Float64Array(batch);
    const fake = Float64Array.from(this.generator.forward(z, batch).subarray(0, 2 * batch));
    let loss = 0;
    const logits = discriminator.forward(real, batch);
    for (let b = 0; b < batch; b++) {
      loss += softplus(-logits[b]) / batch;
      slopes[b] = -sigmoid(-logits[b]) / batch;
    }
    discriminator.backward(slopes);
    const penalty = r1 ? discriminator.addSlopePenalty(r1) : 0;
    const others = discriminator.forward(fake, batch);
    for (let b = 0; b < batch; b++) {
      loss += softplus(others[b]) / batch;
      slopes[b] = sigmoid(others[b]) / batch;
    }
    discriminator.backward(slopes);
    this.optimisers[1].step(rate);
    return { loss, penalty };
  }

  // One step of the generator; gives its loss in nats. keep: how much of the average of its weights stays at each step.
  stepGenerator(z, { rate, loss: name, keep }) {
    const batch = z.length / this.latent;
    const { value, slope } = LOSSES[name];
    const logits = this.discriminator.forward(this.generator.forward(z, batch), batch);
    const slopes = Float64Array.from(logits.subarray(0, batch), (s) => slope(s) / batch);
    let loss = 0;
    for (let b = 0; b < batch; b++) loss += value(logits[b]) / batch;
    this.generator.backward(this.discriminator.backward(slopes, false));
    this.optimisers[0].step(rate);
    this.steps++;
    this.follow(Math.min(keep, this.steps / (this.steps + 10))); // the first weights are soon forgotten
    return loss;
  }

  follow(keep) {
    const [average, now] = [this.average.parameters, this.generator.parameters];
    for (let i = 0; i < now.length; i++) average[i] = keep * average[i] + (1 - keep) * now[i];
  }

  // G(z) of some rows, by its weights or by their average.
  samples(z, averaged = false) {
    const count = z.length / this.latent;
    return (averaged ? this.average : this.generator).forward(z, count).slice(0, 2 * count);
  }

  // D at some points: the probability of being real that it gives each.
  judge(points) {
    const count = points.length / 2;
    return this.discriminator.forward(points, count).slice(0, count).map(sigmoid);
  }

  // Where the generator's loss asks each point to go: -dL/dx, one pair per point.
  pulls(points, name) {
    const count = points.length / 2;
    const logits = this.discriminator.forward(points, count);
    const slopes = Float64Array.from(logits.subarray(0, count), (s) => -LOSSES[name].slope(s));
    return this.discriminator.backward(slopes, false).slice(0, 2 * count);
  }
}
