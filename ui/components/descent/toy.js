// One latent number, one observed number: exact posterior, ELBO, descent. vae_core/toy.py says what is what and is what
// this is tested against. Knows no screen.

const LOG_TWO_PI = Math.log(2 * Math.PI);

export const logNormal = (z, mean, deviation) => -0.5 * (((z - mean) / deviation) ** 2 + LOG_TWO_PI) - Math.log(deviation);

export class Toy {
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

  logLikelihood(z) { return -0.5 * ((this.x - this.f(z)) ** 2 / this.c + Math.log(this.c) + LOG_TWO_PI); }

  logJoint(z) { return this.logLikelihood(z) + logNormal(z, 0, 1); }

  // Sum of of(z, k) over the places z of the grid, by the trapezoidal rule.
  integral(of) {
    const { grid_end: end, grid_steps: steps } = this.rules;
    const width = (2 * end) / steps;
    let sum = 0;
    for (let k = 0; k <= steps; k++) sum += (k === 0 || k === steps ? 0.5 : 1) * of(k * width - end, k);
    return sum * width;
  }

  // The joint density at the places of the grid, its logarithm.
  get logJoints() {
    const { grid_end: end, grid_steps: steps } = this.rules;
    return (this.joints ??= Float64Array.from({ length: steps + 1 }, (_, k) => this.logJoint((2 * end * k) / steps - end)));
  }

  // The evidence and the posterior; the same object every time.
  exact() {
    if (this.known) return this.known;
    const joints = this.logJoints;
    const highest = joints.reduce((most, one) => Math.max(most, one), -Infinity);
    const logEvidence = highest + Math.log(this.integral((_, k) => Math.exp(joints[k] - highest)));
    const densities = joints.map((one) => Math.exp(one - logEvidence));
    const mean = this.integral((z, k) => densities[k] * z);
    const deviation = Math.sqrt(this.integral((z, k) => densities[k] * (z - mean) ** 2));
    const density = (z) => Math.exp(this.logJoint(z) - logEvidence);
    return (this.known = { logEvidence, density, mean, deviation });
  }

  // The ELBO of N(mean, sigma^2), its terms, and its gradient through z = mean + sigma * eps.
  bound(mean, logSigma) {
    const { nodes, weights } = this.rules;
    const sigma = Math.exp(logSigma);
    let [expected, byMean, bySigma] = [0, 0, 0];
    nodes.forEach((eps, k) => {
      const z = mean + sigma * eps;
      const rise = (weights[k] * (this.x - this.f(z)) * this.slope(z)) / this.c;
      expected += weights[k] * this.logLikelihood(z);
      byMean += rise;
      bySigma += rise * eps;
    });
    const klToPrior = 0.5 * (mean * mean + sigma * sigma - 1) - logSigma;
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

// ---- two dimensions: see vae_core/diagonal.py -----------------------------------------------------------------------

// KL of N(0, sigma^2 I) to two unit variances with a correlation.
export const klOfWidth = (sigma, rho) => {
  const left = 1 - rho * rho;
  return (sigma * sigma) / left - 1 + 0.5 * Math.log(left) - 2 * Math.log(sigma);
};
export const bestWidth = (rho) => Math.sqrt(1 - rho * rho);
export const leastKl = (rho) => -0.5 * Math.log1p(-rho * rho);

// ---- chance ---------------------------------------------------------------------------------------------------------

// `count` standard normal numbers, the same for the same seed (mulberry32, Box and Muller 1958).
export function normals(seed, count) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (((mixed ^ (mixed >>> 14)) >>> 0) + 0.5) / 4294967296; // never 0
  };
  const drawn = new Float64Array(count);
  for (let i = 0; i < count; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(uniform()));
    const angle = 2 * Math.PI * uniform();
    drawn[i] = radius * Math.cos(angle);
    if (i + 1 < count) drawn[i + 1] = radius * Math.sin(angle);
  }
  return drawn;
}

export const klToStandardNormal = (mean, sigma) => 0.5 * (mean * mean + sigma * sigma - 1) - Math.log(sigma);

// Mean and standard error of log q(z) - log p(z) over z = mean + sigma * eps, for eps from `start` to `end`.
export function sampledKl(mean, sigma, eps, start, end) {
  let [sum, squares] = [0, 0];
  const count = end - start;
  const shift = klToStandardNormal(mean, sigma); // keeps the sum of squares exact
  for (let i = start; i < end; i++) {
    const z = mean + sigma * eps[i];
    const ratio = -Math.log(sigma) - 0.5 * eps[i] * eps[i] + 0.5 * z * z - shift;
    sum += ratio;
    squares += ratio * ratio;
  }
  const variance = Math.max(0, (squares - (sum * sum) / count) / (count - 1));
  return { estimate: shift + sum / count, error: Math.sqrt(variance / count) };
}
