// What waits for the opening of a page: late.js.

import assert from "node:assert/strict";
import test from "node:test";

import { opened, openingDrawn } from "../../ui/app/late.js";

// A page of which only its first step is known: whether a grey bar is among its words, and what its instruments hold.
function page({ skeleton = false, shadows = [] } = {}) {
  const step = {
    querySelector: (selector) => {
      if (selector.includes("stSkeleton")) return skeleton ? {} : null;
      return { querySelectorAll: () => [{ shadowRoot: null }, ...shadows.map((shown) => ({ shadowRoot: { querySelector: () => (shown ? {} : null) } }))] };
    },
  };
  return { querySelector: () => step };
}

test("a page is open once its words are whole and each instrument of its first step is shown", () => {
  assert.equal(opened(page()), true);
  assert.equal(opened(page({ shadows: [true, true] })), true);
  assert.equal(opened(page({ skeleton: true, shadows: [true] })), false);
  assert.equal(opened(page({ shadows: [true, false] })), false);
});

test("a page without steps is open", () => {
  assert.equal(opened({ querySelector: () => null }), true);
});

// What openingDrawn waits with, by a clock that each pause moves on: by what it asks for, or by more on a busy machine.
function clock(slowness = 1) {
  const seen = { time: 0, pauses: 0, frames: 0 };
  const wait = async (milliseconds) => { seen.pauses++; seen.time += milliseconds * slowness; };
  return { seen, tools: { wait, drawn: async () => { seen.frames++; }, now: () => 1e6 + seen.time } };
}

test("it waits for the opening, and then for a frame", async () => {
  const { seen, tools } = clock();
  const closed = page({ skeleton: true });
  const later = { hidden: false, querySelector: (selector) => (seen.time >= 300 ? null : closed.querySelector(selector)) };
  await openingDrawn(later, tools);
  assert.equal(seen.frames, 1);
  assert.ok(seen.time >= 300 && seen.time <= 400, `${seen.time} ms`);
});

test("it does not wait for ever, and not longer where each pause takes longer than it should", async () => {
  for (const slowness of [1, 40]) {
    const { seen, tools } = clock(slowness);
    await openingDrawn(page({ skeleton: true }), tools);
    assert.equal(seen.frames, 1);
    assert.ok(seen.time >= 6000 && seen.time <= 6000 + 3 * 30 * slowness, `${seen.time} ms`);
  }
});

test("in the background it waits for nothing, also if the page goes there meanwhile", async () => {
  for (const [after, pauses] of [[0, 0], [5, 5]]) {
    const { seen, tools } = clock();
    const left = Object.defineProperty(page({ skeleton: true }), "hidden", { get: () => seen.pauses >= after });
    await openingDrawn(left, tools);
    assert.deepEqual([seen.pauses, seen.frames], [pauses, 0]);
  }
});
