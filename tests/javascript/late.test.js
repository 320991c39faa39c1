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

test("it waits for the opening and for a frame, and not for ever", async () => {
  for (const [until, atLeast, atMost] of [[3, 3, 6], [Infinity, 100, 300]]) {
    let looks = 0;
    let frames = 0;
    const closed = page({ skeleton: true });
    const later = { querySelector: (selector) => (++looks > until ? null : closed.querySelector(selector)) };
    let pauses = 0;
    await openingDrawn(later, { wait: async () => { pauses++; }, drawn: async () => { frames++; } });
    assert.ok(pauses >= atLeast && pauses <= atMost, `${pauses} pauses`);
    assert.equal(frames, 1);
  }
});
