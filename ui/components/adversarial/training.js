// Both models on the same data, step by step. Everything random comes from one seed: the same seed and the same settings give
// the same run, at whatever speed it is watched. Knows no screen.

import { Gan } from "./gan.js";
import { coverageOf, modesOf } from "./measures.js";
import { Vae } from "./vae.js";
import { normals, seeded } from "../engine/gaussian.js";

export class Training {
  rules;
  latent;
  data;
  points;

  /**
   * rules: of vae_core/lessons/adversarial_rules.py. settings: {latent, seed}, which stay for the whole run.
   */
  constructor(rules, data, { latent, seed }) {
    Object.assign(this, { rules, latent });
    this.gan = new Gan({ latent, hidden: rules.hidden, betas: rules.betas });
    this.vae = new Vae({ latent, hidden: rules.hidden, betas: rules.vae_betas });
    // Each has its own stream, so that neither model changes what the other sees.
    const stream = (number) => seeded(Math.imul(seed + 1, 0x9e3779b1) + Math.imul(number, 0x85ebca6b));
    this.gan.initialise(stream(1));
    this.vae.initialise(stream(2));
    this.uniform = { gan: stream(3), vae: stream(4) };
    const shown = stream(5);
    this.z = normals(rules.samples * latent, shown);
    this.noise = normals(rules.samples * 2, shown);
    this.seeing = () => stream(6);
    this.setData(data);
    this.steps = 0;
    this.losses = null;
  }

  // Goes on with other data.
  setData(data) {
    const uniform = this.seeing();
    this.data = data;
    this.points = data.empty ? new Float64Array(0) : data.draw(this.rules.points, uniform, () => normals(1, uniform)[0]);
  }

  batch(stream) {
    const uniform = this.uniform[stream];
    const spare = normals(2 * this.rules.batch, uniform);
    let used = 0;
    return this.data.draw(this.rules.batch, uniform, () => spare[used++]);
  }

  // One step of both models. switches may change from step to step: loss of the generator, ratio of the learning rates, r1
  // whether its penalty is on, per: steps of the discriminator for one of the generator, c of the VAE.
  step(switches) {
    this.losses = { ...this.stepGan(switches), ...this.stepVae(switches) };
    this.steps++;
    return this.losses;
  }

  stepGan({ loss, ratio, r1, per }) {
    const { rules, gan } = this;
    const z = () => normals(rules.batch * this.latent, this.uniform.gan);
    let judged;
    for (let k = 0; k < per; k++) {
      judged = gan.stepDiscriminator(this.batch("gan"), z(), { rate: rules.rate * ratio, r1: r1 ? rules.r1 : 0 });
    }
    const generator = gan.stepGenerator(z(), { rate: rules.rate, loss, keep: rules.keep });
    return { discriminator: judged.loss, penalty: judged.penalty, generator };
  }

  stepVae({ c }) {
    const { rules, latent } = this;
    return this.vae.step(this.batch("vae"), normals(rules.batch * latent, this.uniform.vae), { rate: rules.vae_rate, c });
  }

  // Whether every number is still one.
  get finite() { return this.losses === null || Object.values(this.losses).every(Number.isFinite); }

  // What one model, "gan" or "vae", draws from the prior, so many; the VAE's with the noise of p(x|z), or as means.
  drawn(half, { average, noisy, c }, count) {
    const z = this.z.subarray(0, count * this.latent);
    if (half === "gan") return this.gan.samples(z, average);
    const means = this.vae.samples(z);
    const deviation = Math.sqrt(c);
    return noisy ? means.map((value, i) => value + deviation * this.noise[i]) : means;
  }

  measure(samples) {
    const { data, rules, points } = this;
    return data.modes ? modesOf(samples, data.modes, data.spread) : coverageOf(samples, points, rules.reach * data.spread);
  }
}
