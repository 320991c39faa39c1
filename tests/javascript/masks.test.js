// Masks: what Otsu's threshold takes for the figure, and how well masks overlap.

import assert from "node:assert/strict";
import test from "node:test";

import { maskOf, otsuMask, otsuThreshold, overlap, pictureOf } from "../../ui/components/cut/masks.js";

test("a figure is cut out whether it is bright or dark", () => {
  const cover = [0, 0, 1, 1, 0, 0, 0, 0];
  const ground = [0.1, 0.2, 0.3, 0.1, 0.2, 0.3, 0.1, 0.2];
  for (const dark of [false, true]) {
    const mask = otsuMask(pictureOf(cover, ground, 0.9, dark));
    assert.deepEqual([...mask], cover);
  }
});

test("ink covers the ground as far as the figure's grey says, in levels of 255", () => {
  const [half] = pictureOf([0.5], [0.2], 1, false);
  assert.ok(Math.abs(half - 153 / 255) < 1e-6);
});

test("a picture of one level has no figure", () => {
  assert.equal(otsuThreshold([0.5, 0.5]), null);
  assert.deepEqual([...otsuMask([0.5, 0.5, 0.5])], [0, 0, 0]);
});

test("masks overlap from 0, apart, to 1, equal or both empty", () => {
  assert.equal(overlap(maskOf([1, 1, 0, 0]), maskOf([1, 0, 1, 0])), 1 / 3);
  assert.equal(overlap(maskOf([1, 0]), maskOf([0, 1])), 0);
  assert.equal(overlap(maskOf([0.5, 0]), maskOf([0, 0])), 1);
});
