// The interpreter against small cases computed by hand.

import assert from "node:assert/strict";
import test from "node:test";

import { Decoder, Encoder, Network } from "../../ui/components/engine/interpreter.js";
import { OPERATIONS } from "../../ui/components/engine/operations.js";

// Reads tensors from an object of plain lists.
const from = (tensors) => (name) => Float32Array.from(tensors[name]);
const near = (found, expected, within = 1e-6) => {
  assert.equal(found.length, expected.length);
  expected.forEach((value, i) => assert.ok(Math.abs(found[i] - value) <= within, `${found[i]} at ${i}, not ${value}`));
};
const LINEAR = { op: "linear", in: 2, out: 3, weight: "w", bias: "b" };
const WEIGHTS = { w: [1, 2, 3, 4, 5, 6], b: [0.5, -0.5, -100] }; // rows are outputs, as in torch

test("a linear layer is a matrix and a bias, for every input of a batch", () => {
  const network = new Network([LINEAR], 2, from(WEIGHTS));
  near(network.run([1, -1, 0, 2]), [-0.5, -1.5, -101, 4.5, 7.5, -88]);
});

test("activations act on every number alone", () => {
  const run = (op) => Array.from(new Network([{ op }], 3, from({})).run([-1, 0, 2]));
  near(run("relu"), [0, 0, 2]);
  near(run("tanh"), [-0.761594156, 0, 0.96402758]);
  near(run("sigmoid"), [0.268941421, 0.5, 0.880797078]);
});

test("a convolution slides its kernel over a padded image", () => {
  const conv = { op: "conv", in: 1, out: 1, kernel_size: [3, 3], stride: [1, 1], padding: [1, 1], weight: "w", bias: "b" };
  const layers = [{ op: "reshape", shape: [1, 2, 2] }, conv];
  // Only the middle and the right tap: every output is 10 times its pixel, and its right neighbour, and 1.
  const network = new Network(layers, 4, from({ w: [0, 0, 0, 0, 10, 1, 0, 0, 0], b: [1] }));
  near(network.run([1, 2, 3, 4]), [13, 21, 35, 41]);
});

test("a transposed convolution stamps its kernel for every pixel", () => {
  const conv = {
    op: "conv_transpose", in: 1, out: 1, kernel_size: [2, 2], stride: [2, 2], padding: [0, 0], output_padding: [0, 0],
    weight: "w", bias: null,
  };
  const network = new Network([{ op: "reshape", shape: [1, 1, 2] }, conv], 2, from({ w: [1, 2, 3, 4] }));
  near(network.run([1, 10]), [1, 2, 10, 20, 3, 4, 30, 40]);
});

test("of a window the largest number stays, and its change; of two equal ones the first one's", () => {
  const pool = { op: "max_pool", kernel_size: [2, 2], stride: [2, 2] };
  const network = new Network([{ op: "reshape", shape: [1, 3, 4] }, pool], 12, from({}));
  const image = [1, 5, 2, 2, 3, 4, 2, 1, 9, 9, 9, 9];
  near(network.run([...image, ...image.map((value) => -value)]), [5, 2, -1, -1]);
  near(network.slopes(image, image.map((_value, place) => place)), [1, 2]);
});

test("up-sampling repeats the nearest pixel", () => {
  const network = new Network([{ op: "reshape", shape: [1, 1, 2] }, { op: "upsample", size: [2, 3] }], 2, from({}));
  near(network.run([3, 7]), [3, 3, 7, 3, 3, 7]);
});

test("the derivative along a direction is what a small step gives", () => {
  const layers = [LINEAR, { op: "tanh" }, { op: "linear", in: 3, out: 2, weight: "v", bias: null }, { op: "sigmoid" }];
  const tensors = from({ w: [0.3, -0.2, 0.5, 0.1, -0.4, 0.7], b: [0.1, 0, -0.1], v: [1, -1, 0.5, 0.2, 0.3, -0.6] });
  const network = new Network(layers, 2, tensors);
  const [at, way, step] = [[0.4, -0.7], [1, 2], 1e-2];
  const moved = (sign) => Array.from(network.run(at.map((value, i) => value + sign * step * way[i])));
  const [up, down] = [moved(1), moved(-1)];
  near(network.slopes(at, way), up.map((value, i) => (value - down[i]) / (2 * step)), 1e-4);
});

test("an encoder's two heads read one trunk", () => {
  const head = (weight) => [{ op: "linear", in: 2, out: 1, weight, bias: null }];
  const encoder = { trunk: [{ op: "relu" }], mean: head("m"), log_var: head("s") };
  const header = { encoder, image: { channels: 1, height: 1, width: 2 } };
  const { mean, logVar } = new Encoder({ header, tensor: from({ m: [1, 1], s: [1, -1] }) }).encode([3, -5]);
  near(mean, [3]);
  near(logVar, [3]);
});

test("what does not fit is refused in words", () => {
  const make = (layers, inputs = 2, tensors = WEIGHTS) => () => new Network(layers, inputs, from(tensors));
  assert.throws(make([LINEAR], 3), /takes 2 numbers and gets 3/);
  assert.throws(make([LINEAR], 2, { w: [1], b: [0, 0, 0] }), /w has 1 numbers where 6 belong/);
  assert.throws(make([{ op: "reshape", shape: [3] }]), /reshape does not fit/);
  assert.throws(make([{ op: "conv", in: 1, out: 1 }]), /convolution does not fit/);
  assert.throws(make([{ op: "dream" }]), /unknown layer dream/);
  assert.throws(make([{ op: "toString" }]), /unknown layer toString/);
  const header = { layers: [LINEAR], image: { channels: 1, height: 2, width: 2 } };
  assert.throws(() => new Decoder({ header, tensor: from(WEIGHTS) }), /makes 3 numbers for 4 pixels/);
});

test("a new operation is one entry of the table", (context) => {
  OPERATIONS.double = { shape: (_layer, shape) => shape, prepare: () => (x, _batch, y) => y.set(x.map((value) => 2 * value)) };
  context.after(() => { delete OPERATIONS.double; });
  const network = new Network([{ op: "double" }, { op: "relu" }], 2, from({}));
  near(network.run([-1, 3]), [0, 6]);
  near(network.slopes([-1, 3], [1, 1]), [0, 2]);
});
