// What a code may stand for: nearest images, their means, and how sharp these are.

import assert from "node:assert/strict";
import test from "node:test";

import { compared, laplacianVariance, meanOf, nearest, tileOf } from "../../ui/components/blur/likely.js";
import { meanSquaredError } from "../../ui/components/engine/arrays.js";

const close = (one, other) => assert.ok(Math.abs(one - other) < 1e-9, `${one} is not ${other}`);

// Numbers in [0, 1), the same in every run (a linear congruential generator).
function drawn(count, seed) {
  let state = seed;
  return Float64Array.from({ length: count }, () => (state = (state * 16807) % 2147483647) / 2147483647);
}

test("the nearest points come in the order of their distances, as sorting all of them finds", () => {
  const points = drawn(400, 7);
  const away = (i) => (points[2 * i] - 0.3) ** 2 + (points[2 * i + 1] - 0.6) ** 2;
  const all = Array.from({ length: 200 }, (_, i) => i).sort((one, other) => away(one) - away(other));
  assert.deepEqual(nearest(points, 0.3, 0.6, 25), all.slice(0, 25));
  assert.deepEqual(nearest([0, 0, 1, 0], 0.9, 0, 5), [1, 0]);
});

test("of equally near points the first comes first", () => {
  assert.deepEqual(nearest([1, 0, -1, 0, 0, 1, 0, -1], 0, 0, 2), [0, 1]);
});

test("the mean of three images, and of one", () => {
  const mean = meanOf([[0, 1], [1, 1], [0.5, 0.4]]);
  close(mean[0], 0.5);
  close(mean[1], 0.8);
  assert.deepEqual([...meanOf([[0, 1]])], [0, 1]);
});

test("the variance of the Laplacian by hand: a plane has none, a dot has that of 4 and 1", () => {
  const slope = Array.from({ length: 20 }, (_, i) => (i % 5) * 0.1 + Math.floor(i / 5) * 0.2);
  close(laplacianVariance(slope, { width: 5, height: 4 }), 0);
  const dot = new Array(25).fill(0);
  dot[12] = 1;
  // Nine pixels are inside: -4 at the dot, 1 beside it, 0 at the corners; mean 0, variance (16 + 4) / 9.
  close(laplacianVariance(dot, { width: 5, height: 5 }), 20 / 9);
});

test("a tile is cut out of its row and column", () => {
  // Two columns of tiles 2 × 3, of which the fifth begins the third row.
  const sheet = Uint8Array.from({ length: 4 * 9 }, (_, i) => i);
  const tile = tileOf(sheet, 2, { width: 2, height: 3 }, 5);
  assert.deepEqual([...tile].map((value) => Math.round(255 * value)), [26, 27, 30, 31, 34, 35]);
});

test("the error to single images is that to their mean and how far they lie around it", () => {
  const image = { width: 4, height: 3 };
  const images = [11, 12, 13].map((seed) => drawn(12, seed));
  const made = drawn(12, 99);
  const found = compared(made, images, image);
  close(found.toSingle, found.toMean + found.around);
  close(found.toSingle, images.reduce((sum, one) => sum + meanSquaredError(made, one), 0) / 3);
  close(found.toMean, meanSquaredError(made, found.mean));
  close(found.sharpness.mean, laplacianVariance(found.mean, image));
  const alone = compared(made, images.slice(0, 1), image);
  close(alone.around, 0);
  close(alone.sharpness.single, alone.sharpness.mean);
  close(alone.sharpness.mean, laplacianVariance(images[0], image));
});
