// Arrow keys over a plane.

const STEP = 1 / 40; // of the view's width
const FINER = 5; // with Shift

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// Where an arrow key goes, [du, dv] in shares of the plane (v points down as on screen); null for any other key.
export function arrowStep(event) {
  if (!Object.hasOwn(ARROWS, event.key)) return null;
  const step = event.shiftKey ? STEP / FINER : STEP;
  return ARROWS[event.key].map((way) => way * step);
}
