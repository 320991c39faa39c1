// Damage and what measures it: against cases computed by hand, and against numbers of scikit-image.

import assert from "node:assert/strict";
import test from "node:test";

import { corrupt, kernel, numbersFor } from "../../ui/components/denoise/corruption.js";
import { psnr, ssim } from "../../ui/components/denoise/fidelity.js";

const size = { height: 4, width: 5 };
const grey = new Float32Array(20).fill(0.5);
const KINDS = ["gaussian", "unclipped", "salt_and_pepper", "patch", "blur"];

test("a level of 0 changes nothing, and the image given stays as it is", () => {
  for (const kind of KINDS) {
    const found = corrupt(kind, 0, grey, numbersFor(kind, 20, 1), size);
    assert.deepEqual(Array.from(found), Array.from(grey));
    assert.notEqual(found, grey);
  }
});

test("the same seed gives the same numbers, another one others", () => {
  for (const kind of KINDS.slice(0, 4)) {
    assert.deepEqual(numbersFor(kind, 20, 7), numbersFor(kind, 20, 7));
    assert.notDeepEqual(numbersFor(kind, 20, 7), numbersFor(kind, 20, 8));
  }
  assert.equal(numbersFor("blur", 20, 1).length, 0);
  assert.throws(() => numbersFor("fog", 20, 1), /no corruption fog/);
  assert.throws(() => corrupt("fog", 0.1, grey, [], size), /no corruption fog/);
});

test("noise is clipped or not, salt and pepper replace, a patch is black", () => {
  const one = Float32Array.from([0.5, 0.5, 0.5]);
  const row = { height: 1, width: 3 };
  assert.deepEqual(Array.from(corrupt("gaussian", 0.5, one, [2, -2, 0.5], row)), [1, 0, 0.75]);
  assert.deepEqual(Array.from(corrupt("unclipped", 0.5, one, [2, -2, 0.5], row)), [1.5, -0.5, 0.75]);
  assert.deepEqual(Array.from(corrupt("salt_and_pepper", 0.5, one, [0.24, 0.25, 0.75], row)), [0, 0.5, 1]);
  const hidden = corrupt("patch", 0.5, grey, [0.999, 0], size); // 2 rows and, of 5 columns, 3
  assert.deepEqual(Array.from(hidden, (value) => (value ? 1 : 0)).join(""), "1111111111" + "0001100011");
});

test("a blur keeps the sum of what is far from the edge, and its kernel is symmetric", () => {
  const weights = kernel(1.3);
  assert.ok(Math.abs(weights.reduce((sum, weight) => sum + weight, 0) - 1) < 1e-12);
  assert.deepEqual(weights, weights.slice().reverse());
  const image = new Float32Array(21 * 21);
  image[10 * 21 + 10] = 1;
  const found = corrupt("blur", 1.3, image, [], { height: 21, width: 21 });
  assert.ok(Math.abs(found.reduce((sum, value) => sum + value, 0) - 1) < 1e-6);
  assert.ok(Math.abs(found[10 * 21 + 12] - weights[(weights.length - 1) / 2] * weights[(weights.length - 1) / 2 + 2]) < 1e-7);
});

// A pattern and the same with a slope over it: of skimage.metrics, data_range 1, to 9 digits.
const square = { height: 9, width: 8 };
const pattern = Float64Array.from({ length: 72 }, (_, i) => ((i * 37) % 72) / 72);
const [PSNR, SSIM] = [22.555241471, 0.976007814];
const sloped = pattern.map((value, i) => Math.min(Math.max(value + 0.004 * (i - 36), 0), 1));

test("PSNR and SSIM are scikit-image's", () => {
  assert.ok(Math.abs(psnr(pattern, sloped) - PSNR) < 1e-7);
  assert.ok(Math.abs(ssim(pattern, sloped, square) - SSIM) < 1e-7);
  assert.equal(psnr(pattern, pattern), Infinity);
  assert.ok(Math.abs(ssim(pattern, pattern, square) - 1) < 1e-12);
});
