// Scores of two kinds, and a threshold between them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Ranking, histogram, precision } from "../../ui/components/belong/ranking.js";

const SCORES = [0, 1, 2, 3, 2, 4];
const ODD = [0, 0, 0, 0, 1, 1];

test("what lies at the threshold or above is called odd", () => {
  const ranking = new Ranking(SCORES, ODD);
  assert.deepEqual(ranking.at(2), { hit: 2, miss: 0, alarm: 2, pass: 2 });
  assert.deepEqual(ranking.at(2.5), { hit: 1, miss: 1, alarm: 1, pass: 3 });
  assert.deepEqual(ranking.at(-1), { hit: 2, miss: 0, alarm: 4, pass: 0 });
  assert.deepEqual(ranking.at(9), { hit: 0, miss: 2, alarm: 0, pass: 4 });
});

test("the area is the share of pairs in which the odd one is higher, ties counted half", () => {
  // 2 is above 0 and 1, and ties with 2; 4 is above all.
  assert.equal(new Ranking(SCORES, ODD).auroc, (2.5 + 4) / 8);
  assert.equal(new Ranking([1, 1, 1, 1], [0, 0, 1, 1]).auroc, 0.5);
});

test("average precision at the data's own base rate is that of the counts", () => {
  // At 4: 1 of 1 right; at 2: 2 of 4 right.
  assert.ok(Math.abs(new Ranking(SCORES, ODD).averagePrecision(2 / 6) - (0.5 * 1 + 0.5 * 0.5)) < 1e-12);
  assert.ok(Math.abs(new Ranking([1, 1, 1, 1], [0, 0, 1, 1]).averagePrecision(0.01) - 0.01) < 1e-12);
});

test("a lower base rate makes more of the alarms false", () => {
  assert.ok(Math.abs(precision(0.8, 0.1, 0.01) - 8 / 107) < 1e-12);
  assert.ok(precision(0.8, 0.1, 0.5) > precision(0.8, 0.1, 0.01));
  assert.ok(Number.isNaN(precision(0, 0, 0.5)));
});

test("what lies beyond a histogram goes into its outermost bins", () => {
  assert.deepEqual(Array.from(histogram([-5, 0, 0.5, 1, 99], 0, 1, 2)), [2, 3]);
});
