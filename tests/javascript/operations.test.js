// The operations that no shipped run has, against small cases computed by hand.

import assert from "node:assert/strict";
import test from "node:test";

import { Network, Sequence } from "../../ui/components/engine/interpreter.js";

// Reads tensors from an object of plain lists.
const from = (tensors) => (name) => Float32Array.from(tensors[name]);
const near = (found, expected, within = 1e-6) => {
  assert.equal(found.length, expected.length);
  expected.forEach((value, i) => assert.ok(Math.abs(found[i] - value) <= within, `${found[i]} at ${i}, not ${value}`));
};

// The derivative along a direction is what a small step gives, and is none too small to tell.
function holdsToSmallSteps(network, at, way) {
  const step = 1e-2;
  const moved = (sign) => Array.from(network.run(at.map((value, i) => value + sign * step * way[i])));
  const [up, down] = [moved(1), moved(-1)];
  const expected = up.map((value, i) => (value - down[i]) / (2 * step));
  assert.ok(expected.some((value) => Math.abs(value) > 0.05));
  near(network.slopes(at, way), expected, 1e-3);
}

test("a permute moves axes, for every example of a batch", () => {
  const network = new Network([{ op: "permute", axes: [2, 0, 1] }], [1, 2, 3], from({}));
  near(network.run([1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60]), [1, 4, 2, 5, 3, 6, 10, 40, 20, 50, 30, 60]);
  // Axis i of the output is axis axes[i] of the input, which is not the way back: 2 x 1 x 3 here, 3 x 1 x 2 there.
  const cycle = new Network([{ op: "permute", axes: [1, 2, 0] }], [2, 1, 3], from({}));
  near(cycle.run([1, 2, 3, 4, 5, 6]), [1, 4, 2, 5, 3, 6]);
  near(cycle.slopes([1, 2, 3, 4, 5, 6], [0, 0, 7, 8, 0, 0]), [0, 8, 0, 0, 7, 0]);
});

const MASKED = {
  op: "masked_conv2d", in: 1, out: 1, kernel_size: [3, 3], stride: [1, 1], padding: [1, 1], weight: "w", bias: "b",
};
const TAPS = { w: [1, 10, 100, 1000, 1e4, 5, 5, 5, 5], b: [0.5] };

test("a masked convolution sees what comes before a pixel; with B the pixel itself, too", () => {
  const run = (mask) => new Network([{ ...MASKED, mask }], [1, 2, 3], from(TAPS)).run([1, 2, 3, 4, 5, 6]);
  near(run("A"), [0.5, 1000.5, 2000.5, 210.5, 4321.5, 5032.5]);
  near(run("B"), [10000.5, 21000.5, 32000.5, 40210.5, 54321.5, 65032.5]);
});

test("a masked convolution's derivative is that of what it sees", () => {
  const tensors = from({ w: [0.3, -0.2, 0.5, 0.1, -0.4, 9, 9, 9, 9], b: [0.1] });
  for (const mask of ["A", "B"]) {
    const network = new Network([{ op: "tanh" }, { ...MASKED, mask }, { op: "sigmoid" }], [1, 2, 2], tensors);
    holdsToSmallSteps(network, [0.4, -0.7, 0.2, 1], [1, 2, -1, 0.5]);
  }
});

test("a mask leaves the payload's own tensor as it came", () => {
  const tensors = { w: Float32Array.from(TAPS.w), b: Float32Array.from(TAPS.b) };
  new Network([{ ...MASKED, mask: "A" }], [1, 2, 3], (name) => tensors[name]).run([1, 2, 3, 4, 5, 6]);
  assert.deepEqual(Array.from(tensors.w), TAPS.w);
});

test("a later code moves no earlier output of masked convolutions", () => {
  const positive = Array.from({ length: 18 }, (_none, i) => 0.1 + 0.01 * i); // no ReLU hides a change
  const first = { ...MASKED, out: 2, mask: "A", weight: "first", bias: null };
  const second = { ...MASKED, in: 2, mask: "B", weight: "second", bias: null };
  for (const [layers, sees] of [[[first, { op: "relu" }, second], 0], [[{ ...first, mask: "B" }, second], 1]]) {
    const network = new Network(layers, [1, 3, 3], from({ first: positive, second: positive }));
    const codes = [1, 2, 3, 4, 5, 6, 7, 8, 9];
    const before = Array.from(network.run(codes));
    for (let place = 0; place < 9; place++) {
      const after = network.run(codes.map((code, i) => (i === place ? code + 1 : code)));
      for (let i = 0; i < place; i++) assert.equal(after[i], before[i]);
      assert.equal(after[place] !== before[place], Boolean(sees));
      if (place % 3 < 2) assert.notEqual(after[place + 1], before[place + 1]); // the next in its row does see it
    }
  }
});

// Numbers that look random and are the same each time.
const scattered = (count, from = 0) => Array.from({ length: count }, (_none, i) => Math.sin(12.9898 * (i + from + 1)) * 0.8);
const PRIOR = [
  { op: "embedding", count: 5, width: 6, weight: "e" },
  { op: "places", count: 4, width: 6, weight: "p" },
  {
    op: "residual",
    program: [
      { op: "layer_norm", shape: [6], eps: 1e-5 },
      { op: "pointwise", in: 6, out: 18, weight: "w", bias: "b" },
      { op: "causal_attention", heads: 2 },
      { op: "pointwise", in: 6, out: 6, weight: "v" },
    ],
  },
  { op: "pointwise", in: 6, out: 3, weight: "o" },
];
const OF_PRIOR = from({
  e: scattered(30), p: scattered(24, 30), w: scattered(108, 54), b: scattered(18, 162), v: scattered(36, 180), o: scattered(18, 216),
});

test("attention of one head is the weighted mean of what came before, by hand", () => {
  const network = new Network([{ op: "causal_attention", heads: 1 }], [2, 3], from({})); // query, key, value of one number
  const [first, second] = [Math.exp(2 * 1), Math.exp(2 * 3)]; // the second row's query, 2, times both keys
  near(network.run([5, 1, 10, 2, 3, 20]), [10, (10 * first + 20 * second) / (first + second)], 1e-5);
});

test("a sequence gives row by row what the network gives at once, again after going back", () => {
  const network = new Network(PRIOR, [4], OF_PRIOR);
  const sequence = new Sequence(PRIOR, 4, OF_PRIOR);
  const numbers = [4, 0, 2, 1];
  const whole = Array.from(network.run(numbers));
  assert.equal(new Set(whole.map((value) => value.toFixed(4))).size, 12);
  const rows = (from) => numbers.slice(from).flatMap((number) => Array.from(sequence.next(number)));
  near(rows(0), whole, 1e-6);
  sequence.back(2);
  near(rows(2), whole.slice(6), 1e-6);
  assert.throws(() => sequence.next(0), /has 4 rows, and all have come/);
  assert.throws(() => sequence.back(5), /no way back/);
  near(network.run([...numbers, ...numbers]), [...whole, ...whole], 1e-6); // of a batch, each for itself
});

test("a later code moves no earlier logit of an attention, and every later one", () => {
  const network = new Network(PRIOR, [4], OF_PRIOR);
  const before = Array.from(network.run([4, 0, 2, 1]));
  const after = Array.from(network.run([4, 0, 3, 1]));
  assert.deepEqual(after.slice(0, 6), before.slice(0, 6));
  for (let i = 6; i < 12; i++) assert.ok(Math.abs(after[i] - before[i]) > 1e-3);
});

test("rows that do not fit are refused", () => {
  assert.throws(() => new Network([{ op: "causal_attention", heads: 2 }], [4, 9], from({})), /does not fit/);
  assert.throws(() => new Network([{ op: "places", count: 3, width: 6, weight: "p" }], [4, 6], OF_PRIOR), /do not fit/);
  assert.throws(() => new Network([{ op: "pointwise", in: 6, out: 3, weight: "o" }], [4, 5], OF_PRIOR), /rows of 6/);
});

const BODY = [
  { op: "linear", in: 2, out: 3, weight: "w", bias: "b" },
  { op: "tanh" },
  { op: "linear", in: 3, out: 2, weight: "v", bias: null },
];
const BODY_WEIGHTS = { w: [0.3, -0.2, 0.5, 0.1, -0.4, 0.7], b: [0.1, 0, -0.1], v: [1, -1, 0.5, 0.2, 0.3, -0.6] };

test("a residual adds its input to what its program makes of it", () => {
  const double = { op: "linear", in: 2, out: 2, weight: "w", bias: "b" };
  const layers = [{ op: "residual", program: [{ op: "relu" }, double] }];
  const network = new Network(layers, 2, from({ w: [2, 0, 0, 2], b: [0.5, 0] }));
  near(network.run([-1, 3, 4, -5]), [-0.5, 9, 12.5, -5]);
  near(network.slopes([-1, 3], [1, 10]), [1, 30]);
});

test("a residual's program takes its input in its shape, and may hold another", () => {
  const inner = { op: "residual", program: [{ op: "permute", axes: [1, 0] }, { op: "reshape", shape: [2, 2] }] };
  const network = new Network([{ op: "residual", program: [inner] }], [2, 2], from({}));
  near(network.run([1, 2, 3, 4]), [3, 7, 8, 12]); // 2x and its transpose
});

test("a residual's derivative is that of both ways", () => {
  const inner = { op: "residual", program: BODY };
  const layers = [{ op: "residual", program: [...BODY, { op: "sigmoid" }, inner] }, { op: "tanh" }];
  holdsToSmallSteps(new Network(layers, 2, from(BODY_WEIGHTS)), [0.4, -0.7], [1, 2]);
});

test("a layer normalisation gives every row mean 0 and variance 1, then its weight and bias", () => {
  const layer = { op: "layer_norm", shape: [2], eps: 0 };
  near(new Network([layer], [2, 2], from({})).run([1, 3, 10, 0]), [-1, 1, 1, -1]);
  const learned = { ...layer, eps: 3, weight: "w", bias: "b" }; // deviation sqrt(1 + 3)
  near(new Network([learned], [1, 2], from({ w: [2, 4], b: [0, 10] })).run([1, 3, 7, 5]), [-1, 12, 1, 8]);
});

test("a layer normalisation takes all numbers where the last axes are others", () => {
  const flat = new Network([{ op: "layer_norm", shape: [4], eps: 0 }], [2, 2], from({}));
  near(flat.run([1, 1, 3, 3, 5, 9, 5, 9]), [-1, -1, 1, 1, -1, 1, -1, 1]);
});

test("a layer normalisation's derivative knows that mean and deviation move", () => {
  const layer = { op: "layer_norm", shape: [3], eps: 0.1, weight: "w", bias: "b" };
  const network = new Network([layer, { op: "tanh" }], [2, 3], from({ w: [1, -0.5, 2], b: [0.1, 0, 0.3] }));
  holdsToSmallSteps(network, [0.4, -0.7, 1.2, 2, 2.5, -1], [1, 2, -0.5, 0.3, -1, 0.7]);
  near(network.slopes([0.4, -0.7, 1.2, 2, 2.5, -1], [1, 1, 1, 5, 5, 5]), [0, 0, 0, 0, 0, 0]);
});

test("a batch normalisation is a scale and a shift of every channel", () => {
  const layer = { op: "batch_norm", count: 2, eps: 1, mean: "m", variance: "s" };
  const averages = { m: [1, -2], s: [3, 0] }; // deviations 2 and 1
  const maps = new Network([layer], [2, 1, 2], from(averages));
  near(maps.run([1, 5, -2, 0, 3, 3, 0, 0]), [0, 2, 0, 2, 1, 1, 2, 2]);
  near(maps.slopes([1, 5, -2, 0], [2, 4, 2, 4]), [1, 2, 2, 4]);
  const learned = { ...layer, weight: "w", bias: "b" };
  near(new Network([learned], 2, from({ ...averages, w: [10, 3], b: [0.5, -1] })).run([5, 0]), [20.5, 5]);
});

const CODEBOOK = { weight: "rows", count: 3, width: 2 };
const ROWS = { rows: [1, 2, 3, 4, 5, 6] };

test("an embedding gives the rows of codes", () => {
  near(new Network([{ op: "embedding", ...CODEBOOK }], 2, from(ROWS)).run([2, 0, 1, 1]), [5, 6, 1, 2, 3, 4, 3, 4]);
});

test("an embedding refuses what is no code", () => {
  const network = new Network([{ op: "embedding", ...CODEBOOK }], 2, from(ROWS));
  for (const code of [-1, 3, 0.5, NaN, Infinity]) {
    assert.throws(() => network.run([0, code]), new RegExp(`whole numbers from 0 to 2, not ${code}`));
  }
});

test("the nearest row is the first of those that are equally near", () => {
  const layers = [{ op: "nearest", weight: "rows", count: 4, width: 2 }];
  const network = new Network(layers, [2, 2], from({ rows: [9, 9, 1, 0, -1, 0, 1, 0] }));
  near(network.run([8, 8, 2, 1, 0, 0, -0.1, 5]), [0, 1, 1, 2]); // 0, 0 lies between rows 1 and 2; row 3 is row 1
});

test("a codebook looks up both ways, and has no derivative, wherever it stands", () => {
  const lookup = [{ op: "nearest", ...CODEBOOK }, { op: "embedding", ...CODEBOOK }];
  near(new Network(lookup, 2, from(ROWS)).run([3.2, 4.4, 9, 9]), [3, 4, 5, 6]);
  const slopes = (layers, shape, at) => () => new Network(layers, shape, from(ROWS)).slopes(at, at);
  assert.throws(slopes(lookup, 2, [1, 2]), /nearest has no derivative/);
  assert.throws(slopes(lookup.slice(1), 1, [1]), /embedding has no derivative/);
  assert.throws(slopes([{ op: "residual", program: lookup }], 2, [1, 2]), /nearest has no derivative/);
});

test("what does not fit is refused in words", () => {
  const make = (layer, shape, tensors = {}) => () => new Network([layer], shape, from(tensors));
  assert.throws(make({ op: "permute", axes: [0, 0] }, [2, 2]), /permute does not fit/);
  assert.throws(make({ op: "permute", axes: [1, 0] }, 4), /permute does not fit/);
  assert.throws(make({ ...MASKED, mask: "C" }, [1, 2, 2], TAPS), /mask is of kind A or B, not C/);
  assert.throws(make({ op: "residual", program: BODY.slice(0, 2) }, 2, BODY_WEIGHTS), /makes 3 numbers of 2/);
  assert.throws(make({ op: "residual", program: [{ op: "dream" }] }, 2), /unknown layer dream/);
  assert.throws(make({ op: "layer_norm", shape: [3], eps: 0 }, [3, 2]), /layer normalisation does not fit/);
  assert.throws(make({ op: "batch_norm", count: 3 }, [2, 4, 4]), /takes 3 channels and gets 2/);
  assert.throws(make({ op: "embedding", ...CODEBOOK }, 1, { rows: [1] }), /rows has 1 numbers where 6 belong/);
  assert.throws(make({ op: "nearest", ...CODEBOOK }, [3], ROWS), /width 2 gets features of width 3/);
});
