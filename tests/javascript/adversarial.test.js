// The toy's parts against cases computed by hand, and its gradients against small steps.

import assert from "node:assert/strict";
import test from "node:test";

import { Data } from "../../ui/components/adversarial/data.js";
import { Gan, LOSSES } from "../../ui/components/adversarial/gan.js";
import { coverageOf, modesOf } from "../../ui/components/adversarial/measures.js";
import { Mlp } from "../../ui/components/adversarial/network.js";
import { Training } from "../../ui/components/adversarial/training.js";
import { normals, seeded } from "../../ui/components/engine/gaussian.js";

const near = (found, expected, within = 1e-9) => assert.ok(Math.abs(found - expected) <= within, `${found}, not ${expected}`);
const RULES = {
  hidden: [8, 8], batch: 16, samples: 60, points: 20, rate: 0.01, betas: [0.5, 0.9], vae_rate: 0.01, vae_betas: [0.9, 0.999], keep: 0.9, r1: 1, reach: 3,
};
const USUAL = { loss: "non-saturating", ratio: 1, r1: true, per: 1, c: 0.05 };

function network(sizes, seed = 1) {
  const made = new Mlp(sizes);
  made.initialise(seeded(seed));
  return made;
}

test("the gradient of the slope penalty is what small steps of each weight give", () => {
  const one = network([2, 5, 4, 1]);
  const x = normals(16, seeded(3));
  const penalty = () => {
    one.forward(x, 8);
    one.gradient.fill(0);
    return one.addSlopePenalty(0.7);
  };
  penalty();
  const gradient = Float64Array.from(one.gradient);
  const h = 1e-5;
  one.parameters.forEach((value, k) => {
    one.parameters[k] = value + h;
    const above = penalty();
    one.parameters[k] = value - h;
    const below = penalty();
    one.parameters[k] = value;
    near(gradient[k], (above - below) / (2 * h), 1e-8);
  });
});

test("a batch that is no whole number of blocks is run as its rows are", () => {
  const one = network([2, 5, 3]);
  const x = normals(14, seeded(2));
  const all = one.forward(x, 7).slice(0, 21);
  for (let b = 0; b < 7; b++) Array.from(one.forward(x.slice(2 * b, 2 * b + 2), 1).slice(0, 3)).forEach((value, k) => near(all[3 * b + k], value, 1e-14));
});

test("the generator's losses are those of the discriminator's probability", () => {
  for (const s of [-3, -0.2, 0, 1.7]) {
    const d = 1 / (1 + Math.exp(-s));
    near(LOSSES["non-saturating"].value(s), -Math.log(d));
    near(LOSSES.minimax.value(s), Math.log(1 - d));
    near(LOSSES["non-saturating"].slope(s), d - 1);
    near(LOSSES.minimax.slope(s), -d);
  }
  near(LOSSES["non-saturating"].value(-800), 800); // no infinity
});

test("a discriminator that learns from two densities ends at their log ratio", () => {
  const gan = new Gan({ latent: 2, hidden: [16, 16], betas: [0.5, 0.9] });
  gan.initialise(seeded(4));
  // A generator that gives N(0, 1) around (-0.8, 0) instead: only its samples matter here.
  const uniform = seeded(5);
  gan.generator.forward = (_z, batch) => normals(2 * batch, uniform).map((value, i) => value + (i % 2 ? 0 : -0.8));
  for (let k = 0; k < 1500; k++) {
    const real = normals(256, uniform).map((value, i) => value + (i % 2 ? 0 : 0.8));
    gan.stepDiscriminator(real, new Float64Array(256), { rate: 0.01 * (1 - k / 1500), r1: 0 });
  }
  // ln p(x) - ln g(x) = 1.6 x for these two.
  for (const x of [-1, -0.4, 0, 0.6, 1.2]) near(gan.judge(Float64Array.from([x, 0]))[0], 1 / (1 + Math.exp(-1.6 * x)), 0.06);
});

test("points lie along strokes by their length, and single places are modes", () => {
  const line = new Data([[[-2, 0], [2, 0]], [[0, 1], [0, 2]]], 0);
  assert.equal(line.modes, null);
  const uniform = seeded(6);
  const drawn = line.draw(4000, uniform, () => 0);
  let on = 0;
  let sum = 0;
  for (let i = 0; i < drawn.length; i += 2) if (drawn[i + 1] === 0) { on++; sum += drawn[i]; }
  near(on / 4000, 0.8, 0.03);
  near(sum / on, 0, 0.1);
  const dots = new Data([[[1, 1]], [[-1, -1]]], 0.1);
  assert.deepEqual(dots.modes, [[1, 1], [-1, -1]]);
  const normal = () => normals(1, uniform)[0];
  const around = dots.draw(4000, uniform, normal);
  let squares = 0;
  for (let i = 0; i < around.length; i += 2) squares += (Math.abs(around[i]) - 1) ** 2;
  near(Math.sqrt(squares / 4000), 0.1, 0.01);
  assert.ok(new Data([], 0.1).empty);
  assert.equal(new Data([], 0.1).modes, null);
});

test("modes are counted, their balance is a KL in nats, and what is near none is said", () => {
  const modes = [[0, 0], [2, 0], [0, 2], [2, 2]];
  const at = (places) => Float64Array.from(places.flat());
  const even = modesOf(at([...modes, ...modes]), modes, 0.1);
  assert.deepEqual([even.modes, even.imbalance, even.stray], [4, 0, 0]);
  const one = modesOf(at(Array(8).fill([2, 0.29])), modes, 0.1);
  assert.equal(one.modes, 1);
  near(one.imbalance, Math.log(4));
  assert.deepEqual(one.found, [false, true, false, false]);
  const none = modesOf(at([[1, 1], [0, 0.31]]), modes, 0.1);
  assert.deepEqual([none.modes, none.imbalance, none.stray], [0, null, 1]);
  // A mode with less than a quarter of its fair share is not found.
  const few = modesOf(at([...Array(19).fill([0, 0]), [2, 0]]), modes, 0.1);
  assert.deepEqual(few.found, [true, false, false, false]);
});

test("coverage counts points with a sample near, and samples without a point near", () => {
  const points = Float64Array.from([0, 0, 1, 0, 5, 5]);
  const found = coverageOf(Float64Array.from([0.1, 0, 9, 9]), points, 0.2);
  near(found.covered, 1 / 3);
  near(found.stray, 1 / 2);
});

test("a seed repeats a run, another gives another, and a switch of one model leaves the other", () => {
  const data = new Data([[[1, 0]], [[-1, 0]]], 0.1);
  const run = (seed, switches = {}) => {
    const training = new Training(RULES, data, { latent: 2, seed });
    for (let k = 0; k < 20; k++) training.step({ ...USUAL, ...switches });
    assert.ok(training.finite);
    return training;
  };
  const [first, again, other, switched] = [run(3), run(3), run(4), run(3, { ratio: 0.1 })];
  const weights = (training, model, name) => training[model][name].parameters;
  assert.deepEqual(weights(first, "gan", "generator"), weights(again, "gan", "generator"));
  assert.notDeepEqual(weights(first, "gan", "generator"), weights(other, "gan", "generator"));
  assert.notDeepEqual(weights(first, "gan", "generator"), weights(switched, "gan", "generator"));
  assert.deepEqual(weights(first, "vae", "decoder"), weights(switched, "vae", "decoder"));
});

test("a number that is none ends the run", () => {
  const training = new Training(RULES, new Data([[[1, 0]]], 0.1), { latent: 2, seed: 1 });
  training.step(USUAL);
  assert.ok(training.finite);
  training.gan.generator.parameters[0] = NaN;
  training.step(USUAL);
  assert.ok(!training.finite);
});
