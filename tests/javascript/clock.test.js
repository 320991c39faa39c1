// The time of a lesson under way: clock.js.

import assert from "node:assert/strict";
import test from "node:test";

import { MINUTE, began, left } from "../../ui/components/lesson/clock.js";

test("what is left of a step is said in whole minutes", () => {
  assert.equal(left(10 * MINUTE), "10 min left");
  assert.equal(left(4.4 * MINUTE), "4 min left");
  assert.equal(left(MINUTE), "1 min left");
  assert.equal(left(MINUTE - 1), "less than 1 min left");
  assert.equal(left(0), "less than 1 min left");
  assert.equal(left(-1), "1 min over");
  assert.equal(left(-2.5 * MINUTE), "3 min over");
});

test("a lesson goes on by its own time until it is begun anew, and one that is entered in its midst is on time", () => {
  const now = 1000 * MINUTE, before = { lesson: "ninety", run: "a", began: now - 7 * MINUTE };
  assert.equal(began({ lesson: "ninety", run: "a", begins: 10 }, before, now), before.began);
  assert.equal(began({ lesson: "ninety", run: "", begins: 10 }, before, now), before.began); // loaded anew
  assert.equal(began({ lesson: "ninety", run: "b", begins: 0 }, before, now), now);
  assert.equal(began({ lesson: "second", run: "", begins: 15 }, before, now), now - 15 * MINUTE);
  assert.equal(began({ lesson: "ninety", run: "", begins: 25 }, null, now), now - 25 * MINUTE);
  assert.equal(began({ lesson: "ninety", run: "", begins: 0 }, { lesson: "ninety", began: "x" }, now), now);
});
