// One latent number, one observed number: exact posterior, ELBO, descent. vae_core/lessons/exact_posterior.py says what is what and is what
// this is tested against. Knows no screen.

import { klToStandardNormal, logNormal, sampleOf } from "../engine/gaussian.js";
import { logSumExp } from "../engine/likelihood.js";

export class Toy {
  coefficients;
  x;
  c;
  rules;
  joints;

  // rules: {grid_end, grid_steps, nodes, weights, largest_step}; coefficients of f; x observed; c, the variance.
  constructor(rules, coefficients, x, c) { Object.assign(this, { rules, coefficients, x, c }); }

  f(z) {
    const [a, b, c, d] = this.coefficients;
    return a + b * z + c * z * z + d * Math.exp(0.5 * z);
  }

  slope(z) {
    const [, b, c, d] = this.coefficients;
    return b + 2 * c * z + 0.5 * d * Math.exp(0.5 * z);
  }

  logLikelihood(z) { return logNormal(this.x, this.f(z), Math.sqrt(this.c)); }

  logJoint(z) { return this.logLikelihood(z) + logNormal(z, 0, 1); }

  // Sum of of(z, k) over the places z of the grid, by the trapezoidal rule.
  integral(of) {
    const { grid_end: end, grid_steps: steps } = this.rules;
    let total = 0;
    for (let k = 0; k <= steps; k++) total += this.weight(k) * of(k * this.width - end, k);
    return total * this.width;
  }

  // Of the trapezoidal rule: how far apart the places are, and how much each counts.
  get width() { return (2 * this.rules.grid_end) / this.rules.grid_steps; }
  weight(k) { return k === 0 || k === this.rules.grid_steps ? 0.5 : 1; }

  // The joint density at the places of the grid, its logarithm.
  get logJoints() {
    const { grid_end: end, grid_steps: steps } = this.rules;
    return (this.joints ??= Float64Array.from({ length: steps + 1 }, (_, k) => this.logJoint((2 * end * k) / steps - end)));
  }

  // The evidence and the posterior; the same object every time.
  exact() {
    if (this.known) return this.known;
    const joints = this.logJoints;
    const logEvidence = Math.log(this.width) + logSumExp(joints, (k) => this.weight(k));
    const densities = joints.map((one) => Math.exp(one - logEvidence));
    const mean = this.integral((z, k) => densities[k] * z);
    const deviation = Math.sqrt(this.integral((z, k) => densities[k] * (z - mean) ** 2));
    const density = (z) => Math.exp(this.logJoint(z) - logEvidence);
    return (this.known = { logEvidence, density, mean, deviation });
  }

  // What the mode at a place holds of the posterior: all on its side of the lowest place between the highest one left of
  // the posterior's mean and the highest one right of it. 1 where no valley lies between them.
  shareOfMode(place) {
    const { logEvidence, mean } = this.exact();
    const joints = this.logJoints;
    const z = (k) => k * this.width - this.rules.grid_end;
    const highest = (side) => joints.reduce((best, one, k) => (side(z(k)) && (best < 0 || one > joints[best]) ? k : best), -1);
    const [left, right] = [highest((at) => at <= mean), highest((at) => at > mean)];
    let valley = left;
    for (let k = left; k <= right; k++) if (joints[k] < joints[valley]) valley = k;
    if (valley === left || valley === right) return 1;
    const beyond = place > z(valley);
    return this.integral((at, k) => (at > z(valley) === beyond ? Math.exp(joints[k] - logEvidence) : 0));
  }

  // The ELBO of N(mean, sigma^2), its terms, and its gradient through z = mean + sigma * eps.
  bound(mean, logSigma) {
    const { nodes, weights } = this.rules;
    const sigma = Math.exp(logSigma);
    let [expected, byMean, bySigma] = [0, 0, 0];
    nodes.forEach((eps, k) => {
      const z = sampleOf(mean, sigma, eps);
      const rise = (weights[k] * (this.x - this.f(z)) * this.slope(z)) / this.c;
      expected += weights[k] * this.logLikelihood(z);
      byMean += rise;
      bySigma += rise * eps;
    });
    const klToPrior = klToStandardNormal(mean, sigma * sigma, 2 * logSigma);
    return { elbo: expected - klToPrior, expected, klToPrior, gradient: [byMean - mean, bySigma * sigma - sigma * sigma + 1] };
  }

  klToPosterior(logEvidence, mean, logSigma) {
    const sigma = Math.exp(logSigma);
    const joints = this.logJoints;
    return this.integral((z, k) => {
      const logQ = logNormal(z, mean, sigma);
      const q = Math.exp(logQ);
      return q === 0 ? 0 : q * (logQ - joints[k] + logEvidence);
    });
  }

  // Every step of the descent, the start included: [{mean, logSigma, elbo, expected, klToPrior}].
  descend(mean, sigma, learningRate, steps) {
    const way = [];
    let logSigma = Math.log(sigma);
    for (let step = 0; step <= steps; step++) {
      const { gradient, ...terms } = this.bound(mean, logSigma);
      way.push({ mean, logSigma, ...terms });
      const length = learningRate * Math.hypot(...gradient);
      const factor = learningRate * Math.min(1, this.rules.largest_step / Math.max(length, 1e-300));
      mean += factor * gradient[0];
      logSigma += factor * gradient[1];
    }
    return way;
  }
}

// ---- two dimensions: see vae_core/lessons/mean_field.py -----------------------------------------------------------------------

// KL of N(0, sigma^2 I) to two unit variances with a correlation.
export const klOfWidth = (sigma, rho) => {
  const left = 1 - rho * rho;
  return (sigma * sigma) / left - 1 + 0.5 * Math.log(left) - 2 * Math.log(sigma);
};
export const bestWidth = (rho) => Math.sqrt(1 - rho * rho);
export const leastKl = (rho) => -0.5 * Math.log1p(-rho * rho);

// Mean and standard error of log q(z) - log p(z) over z = mean + sigma * eps, for eps from `start` to `end`.
export function sampledKl(mean, sigma, eps, start, end) {
  let [sum, squares] = [0, 0];
  const count = end - start;
  const shift = klToStandardNormal(mean, sigma * sigma); // keeps the sum of squares exact
  for (let i = start; i < end; i++) {
    const z = sampleOf(mean, sigma, eps[i]);
    const ratio = logNormal(z, mean, sigma) - logNormal(z, 0, 1) - shift;
    sum += ratio;
    squares += ratio * ratio;
  }
  const variance = Math.max(0, (squares - (sum * sum) / count) / (count - 1));
  return { estimate: shift + sum / count, error: Math.sqrt(variance / count) };
}
