// The Bernoulli likelihood and log-sum-exp against their definitions, and where the definitions overflow.

import assert from "node:assert/strict";
import test from "node:test";

import {
  bernoulliEntropy, bernoulliNats, continuousBernoulliMean, continuousBernoulliSlope, logSumExp, sigmoid,
} from "../../ui/components/engine/likelihood.js";

const near = (found, expected, within = 1e-12) => assert.ok(Math.abs(found - expected) <= within, `${found}, not ${expected}`);

test("nats of a pixel are its cross-entropy with the sigmoid of the logit", () => {
  for (const logit of [-5, -0.3, 0, 2, 7]) {
    for (const x of [0, 0.25, 1]) {
      const p = sigmoid(logit);
      near(bernoulliNats(logit, x), -x * Math.log(p) - (1 - x) * Math.log(1 - p));
    }
  }
});

test("a sure decoder that is wrong pays its logit, not infinity", () => {
  near(bernoulliNats(1000, 0), 1000);
  near(bernoulliNats(-1000, 1), 1000);
  assert.equal(bernoulliNats(1000, 1), 0);
});

test("no prediction costs less than a grey pixel's entropy", () => {
  near(bernoulliEntropy(0.25), bernoulliNats(Math.log(0.25 / 0.75), 0.25));
  for (const logit of [-3, -1, 0, 1]) assert.ok(bernoulliNats(logit, 0.25) > bernoulliEntropy(0.25) - 1e-15);
  assert.deepEqual([0, 1].map(bernoulliEntropy), [0, 0]);
});

test("the mean of a continuous Bernoulli pixel is the integral of its density, and its slope the derivative", () => {
  const steps = 20_000; // of the midpoint rule
  for (const output of [-300, -30, -1.5, -1, -0.999, -1e-9, 0, 0.4, 1, 6, 1e6]) {
    const logit = 16 * Math.tanh(output / 16);
    const weight = (x) => Math.exp(logit * (x - 0.5));
    let [area, first] = [0, 0];
    for (let k = 0; k < steps; k++) {
      const x = (k + 0.5) / steps;
      area += weight(x);
      first += x * weight(x);
    }
    near(continuousBernoulliMean(output), first / area, 1e-6);
    const change = continuousBernoulliMean(output + 1e-3) - continuousBernoulliMean(output - 1e-3);
    near(continuousBernoulliSlope(output), change / 2e-3, 1e-6);
  }
});

test("log-sum-exp neither overflows nor vanishes", () => {
  near(logSumExp([0, Math.log(3)]), Math.log(4));
  near(logSumExp([1000, 1000]), 1000 + Math.log(2));
  near(logSumExp([-1000, -1001]), -1000 + Math.log1p(Math.exp(-1)));
  near(logSumExp([0, 0, 0], (k) => [0.5, 1, 0.5][k]), Math.log(2));
  assert.equal(logSumExp([-Infinity, -Infinity]), -Infinity);
});
