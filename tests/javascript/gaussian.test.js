// The Gaussian's formulas against integrals and chance.

import assert from "node:assert/strict";
import test from "node:test";

import { klToStandardNormal, logNormal, normals, sampleOf, seeded, standardNormal } from "../../ui/components/engine/gaussian.js";

const near = (found, expected, within) => assert.ok(Math.abs(found - expected) <= within, `${found}, not ${expected}`);

// By the trapezoidal rule, which for smooth functions that vanish at both ends is exact to rounding.
function integral(of, low, high, steps = 4000) {
  const width = (high - low) / steps;
  let total = 0;
  for (let k = 0; k <= steps; k++) total += (k === 0 || k === steps ? 0.5 : 1) * of(low + k * width);
  return total * width;
}

for (const [mean, deviation] of [[0, 1], [1.5, 0.3], [-2, 1.7], [0.2, 0.05]]) {
  test(`KL of N(${mean}, ${deviation}²) to N(0, 1) is the integral of q log q/p, and the density has mass one`, () => {
    const [low, high] = [mean - 12 * deviation, mean + 12 * deviation];
    near(integral((z) => Math.exp(logNormal(z, mean, deviation)), low, high), 1, 1e-12);
    const kl = integral((z) => {
      const logQ = logNormal(z, mean, deviation);
      return Math.exp(logQ) * (logQ - logNormal(z, 0, 1));
    }, low, high);
    near(klToStandardNormal(mean, deviation ** 2), kl, 1e-10);
    near(klToStandardNormal(mean, deviation ** 2, 2 * Math.log(deviation)), kl, 1e-10);
  });
}

test("KL is the mean of log q - log p over samples of q", () => {
  const [mean, deviation, count] = [0.8, 0.4, 200000];
  const noise = normals(count, seeded(3));
  let total = 0;
  for (const eps of noise) {
    const z = sampleOf(mean, deviation, eps);
    total += logNormal(z, mean, deviation) - logNormal(z, 0, 1);
  }
  near(total / count, klToStandardNormal(mean, deviation ** 2), 0.01);
});

test("the prior's density and its share of the peak", () => {
  near(standardNormal(0, 2).density, 1 / (2 * Math.PI), 1e-15);
  near(Math.log(standardNormal(2.5, 1).density), logNormal(Math.sqrt(2.5), 0, 1), 1e-12);
  near(standardNormal(2.5, 7).share, Math.exp(-1.25), 1e-15);
});

test("seeded noise repeats itself, another seed's does not, and it is standard normal", () => {
  const [one, again, other] = [1, 1, 2].map((seed) => normals(20001, seeded(seed)));
  assert.deepEqual(one, again);
  assert.notDeepEqual(one, other);
  const mean = one.reduce((total, value) => total + value, 0) / one.length;
  const variance = one.reduce((total, value) => total + (value - mean) ** 2, 0) / one.length;
  near(mean, 0, 0.03);
  near(variance, 1, 0.05);
  near(one.filter((value) => Math.abs(value) < 1.959964).length / one.length, 0.95, 0.01);
});
