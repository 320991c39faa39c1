// The search for the code of an image: steps that only go down, and end where the gradient is 0.

import assert from "node:assert/strict";
import test from "node:test";

import { Search, solve } from "../../ui/components/inversion/search.js";

// G(z) = tanh(A z + b), with its exact slopes.
function toy() {
  const weights = [[1.2, -0.4], [0.3, 0.9], [-0.7, 0.5], [0.2, 0.1], [0.8, 0.8]], bias = [0.1, -0.2, 0.3, 0, 0.2];
  const at = (z) => weights.map((row, i) => Math.tanh(row[0] * z[0] + row[1] * z[1] + bias[i]));
  return {
    decode: (z) => Float32Array.from(at(z)),
    slopes: (z, direction) => Float32Array.from(at(z), (y, i) => (1 - y * y) * (weights[i][0] * direction[0] + weights[i][1] * direction[1])),
  };
}

test("a code that made an image is found again", () => {
  const decoder = toy();
  const search = new Search(decoder, decoder.decode([0.7, -1.1]), [0, 0]);
  while (search.step());
  assert.ok(search.error < 1e-10);
  assert.ok(Math.abs(search.z[0] - 0.7) < 1e-4 && Math.abs(search.z[1] + 1.1) < 1e-4);
  assert.ok(search.steps < 20);
});

test("of an image that nothing decodes to, the error only falls and ends where its gradient is 0", () => {
  const decoder = toy();
  const target = Float32Array.from([0.9, 0.9, 0.9, 0.9, -0.9]);
  const search = new Search(decoder, target, [2, -2]);
  while (search.step());
  for (let i = 1; i < search.errors.length; i++) assert.ok(search.errors[i] < search.errors[i - 1]);
  const made = decoder.decode(search.z);
  for (const axis of [[1, 0], [0, 1]]) {
    const slope = decoder.slopes(search.z, axis).reduce((sum, value, i) => sum + value * (made[i] - target[i]), 0);
    assert.ok(Math.abs(slope) < 2e-2, String(slope));
  }
  assert.equal(search.step(), false);
});

test("an image that is there already needs no step", () => {
  const decoder = toy();
  const search = new Search(decoder, decoder.decode([0.5, 0.5]), [0.5, 0.5]);
  assert.equal(search.error, 0);
  assert.equal(search.step(), false);
});

test("a system of equations is solved", () => {
  const found = solve([[4, 1, 0], [1, 3, -1], [0, -1, 2]], [6, 4, 4]);
  for (const [row, right] of [[[4, 1, 0], 6], [[1, 3, -1], 4], [[0, -1, 2], 4]]) {
    assert.ok(Math.abs(row.reduce((sum, value, i) => sum + value * found[i], 0) - right) < 1e-9);
  }
});
