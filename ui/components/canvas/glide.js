// A view on its way to another.

import { still } from "../engine/page.js";

const GLIDE_MS = 180;

// Moves a view, or puts it there at once where motion is unwelcome. moved() after every step, done() at the end.
export function glide(view, to, moved, done) {
  const from = view.get();
  const began = performance.now();
  const frame = (now) => {
    const share = still() ? 1 : Math.min(1, Math.max(0, now - began) / GLIDE_MS);
    const ease = 1 - (1 - share) ** 3;
    const mix = (a, b) => a + (b - a) * ease;
    view.set({ cx: mix(from.cx, to.cx), cy: mix(from.cy, to.cy), half: from.half * (to.half / from.half) ** ease });
    moved();
    if (share < 1) requestAnimationFrame(frame);
    else done();
  };
  requestAnimationFrame(frame);
}
