// Geometry of the plane: scales, ticks, nearest points.

import assert from "node:assert/strict";
import test from "node:test";

import { View, alongPath, classMedians, lensPlace, nearestPoint, placeText, roundTicks, signed } from "../../ui/components/engine/view.js";
import { arrowStep } from "../../ui/components/engine/keys.js";

const near = (found, expected, within = 1e-12) =>
  expected.forEach((value, i) => assert.ok(Math.abs(found[i] - value) <= within, `${found}, not ${expected}`));

test("latent y points up, screen y down, and the two scales are inverse", () => {
  const view = new View({ x: [-2, 6], y: [-4, 4] });
  near(view.toLatent(0, 0), [-2, 4]);
  near(view.toLatent(0.5, 1), [2, -4]);
  near(view.toPlane(...view.toLatent(0.3, 0.9)), [0.3, 0.9]);
});

test("a zoom keeps the point under the pointer and halves what is seen", () => {
  const view = new View({ x: [-3, 3], y: [-3, 3] });
  const before = view.toLatent(0.7, 0.2);
  view.zoom(2, 0.7, 0.2);
  assert.equal(view.half, 1.5);
  near(view.toLatent(0.7, 0.2), before);
});

test("a view stays within reach of its home, and a copy stays where it was", () => {
  const view = new View({ x: [-1, 1], y: [-1, 1] });
  const copy = view.copy();
  view.set({ cx: 100, cy: -100, half: 1e9 });
  assert.deepEqual(view.get(), { cx: 4, cy: -4, half: 4 });
  assert.deepEqual(copy.get(), { cx: 0, cy: 0, half: 1 });
  near(copy.toPlane(0.5, 0.5), [0.75, 0.25]);
});

test("ticks are round, within the range, and as many as asked for at most", () => {
  assert.deepEqual(roundTicks(-3, 3, 7), { ticks: [-3, -2, -1, 0, 1, 2, 3], digits: 0 });
  const { ticks, digits } = roundTicks(0.01, 0.09, 4);
  near(ticks, [0.02, 0.04, 0.06, 0.08]);
  assert.equal(digits, 2);
});

test("the nearest point of a class that is shown", () => {
  const points = Float32Array.of(0, 0, 3, 4, 1, 0);
  assert.deepEqual(nearestPoint(points, [0, 1, 0], new Set(), 0.9, 0).slice(0, 1), [2]);
  assert.deepEqual(nearestPoint(points, [0, 1, 0], new Set([0]), 0, 0), [1, 5]);
  assert.deepEqual(nearestPoint(points, [0, 1, 0], new Set([0, 1]), 0, 0), [-1, Infinity]);
});

test("stops along a path are equally far apart", () => {
  const stops = alongPath([[0, 0], [3, 0], [3, 4]], 8);
  near(stops.map(([x, y]) => x + y), [0, 1, 2, 3, 4, 5, 6, 7]);
});

test("medians by class", () => {
  assert.deepEqual(classMedians([1, 5, 2, 6, 9, 7], [1, 1, 1], 2), [null, [2, 6]]);
});

test("the lens stays on the plane", () => {
  for (const [x, y] of [[0, 0], [400, 0], [0, 400], [400, 400], [200, 200]]) {
    for (const place of lensPlace(x, y, 400, true)) assert.ok(place >= 0 && place <= 400 - 104);
  }
});

test("numbers have a true minus sign, and zero has none", () => {
  assert.deepEqual([-1.234, -0.001, 2].map((value) => signed(value)), ["−1.23", "0.00", "2.00"]);
  assert.equal(placeText(-1, 0.5, 1), "(−1.0, 0.5)");
});

test("arrow keys step by a fortieth of the plane, with Shift by a fifth of that", () => {
  near(arrowStep({ key: "ArrowUp", shiftKey: false }), [0, -1 / 40]);
  near(arrowStep({ key: "ArrowRight", shiftKey: true }), [1 / 200, 0]);
  assert.equal(arrowStep({ key: "Enter", shiftKey: false }), null);
});
