// The two parts of a Gaussian's KL to N(0, I), and the KL estimated by sampling. Knows no screen.

import { sampleOf } from "../engine/gaussian.js";

// By dimension, in nats: {mean: ½ μ², variance: ½ (σ² − 1 − log σ²)}. They add up to the KL, and neither is below 0.
export function klParts(mean, logVar) {
  return {
    mean: Float64Array.from(mean, (value) => (value * value) / 2),
    variance: Float64Array.from(logVar, (value) => (Math.expm1(value) - value) / 2),
  };
}

// The mean of log q(z|x) − log p(z) over the first n samples z = μ + σ ε, for some n in ascending order, all at least 2.
// noise: standard normal, as many numbers for each sample as there are dimensions. Gives [{n, value, error}], error the
// standard error.
export function klEstimates(mean, logVar, noise, counts) {
  const dimensions = mean.length;
  const sigma = Float64Array.from(logVar, (value) => Math.exp(value / 2));
  const found = [];
  let [average, squares] = [0, 0]; // of the samples so far; squares of their distances from the average (Welford 1962)
  for (let k = 0; k < counts.at(-1); k++) {
    let ratio = 0;
    for (let i = 0; i < dimensions; i++) {
      const epsilon = noise[k * dimensions + i];
      const z = sampleOf(mean[i], sigma[i], epsilon);
      ratio += (z * z - epsilon * epsilon - logVar[i]) / 2; // the constants of both Gaussians cancel
    }
    const away = ratio - average;
    average += away / (k + 1);
    squares += away * (ratio - average);
    if (k + 1 === counts[found.length]) found.push({ n: k + 1, value: average, error: Math.sqrt(squares / k / (k + 1)) });
  }
  return found;
}
