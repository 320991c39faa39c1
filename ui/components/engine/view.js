// Geometry of the plane: which square of latent space is seen, nearest points, round ticks. Knows no screen.

export class View {
  // range: {x: [low, high], y: [low, high]}, a square. Latent y points up, screen y down.
  constructor(range) {
    this.home = { cx: (range.x[0] + range.x[1]) / 2, cy: (range.y[0] + range.y[1]) / 2, half: (range.x[1] - range.x[0]) / 2 };
    this.set(this.home);
  }

  set({ cx, cy, half }) {
    const reach = this.home.half;
    this.half = Math.min(Math.max(half, reach / 400), reach * 4);
    const limit = (value, home) => Math.min(Math.max(value, home - reach * 4), home + reach * 4);
    this.cx = limit(cx, this.home.cx);
    this.cy = limit(cy, this.home.cy);
  }

  get() { return { cx: this.cx, cy: this.cy, half: this.half }; }

  // The view as it is now, for what takes a while: this one may move on.
  copy() { return Object.assign(Object.create(View.prototype), this); }

  // Zoom by `factor` (above 1: closer), the latent point under (u, v) staying where it is; u, v in 0..1 of the plane.
  zoom(factor, u = 0.5, v = 0.5) {
    const before = this.toLatent(u, v);
    this.set({ cx: this.cx, cy: this.cy, half: this.half / factor });
    const after = this.toLatent(u, v);
    this.set({ cx: this.cx + before[0] - after[0], cy: this.cy + before[1] - after[1], half: this.half });
  }

  toLatent(u, v) { return [this.cx + (2 * u - 1) * this.half, this.cy - (2 * v - 1) * this.half]; }
  toPlane(x, y) { return [(x - this.cx) / (2 * this.half) + 0.5, 0.5 - (y - this.cy) / (2 * this.half)]; }
}

const LENS_SIZE = 104; // CSS pixels, as in plane.css
const LENS_GAP = 14;
const LENS_GAP_FINGER = 36; // a finger hides more than a pointer

// Where the lens goes for a pointer at (x, y) of a plane: above and to the right; below or to the left where there is
// no room. All in CSS pixels.
export function lensPlace(x, y, side, finger) {
  const gap = finger ? LENS_GAP_FINGER : LENS_GAP;
  const left = x + gap + LENS_SIZE <= side ? x + gap : x - gap - LENS_SIZE;
  const top = y - gap - LENS_SIZE >= 0 ? y - gap - LENS_SIZE : Math.min(y + gap, side - LENS_SIZE);
  return [Math.max(0, Math.min(left, side - LENS_SIZE)), Math.max(0, top)];
}

// A number with a true minus sign, and none before zero.
export const signed = (value, digits = 2) => value.toFixed(digits).replace(/^-(?=0(\.0*)?$)/, "").replace("-", "−");

// A place of a plane.
export const placeText = (x, y, digits) => `(${signed(x, digits)}, ${signed(y, digits)})`;

// Index of the nearest visible point and its distance, in latent units; -1 if none is visible.
export function nearestPoint(points, classes, hidden, x, y) {
  let best = -1;
  let least = Infinity;
  for (let i = 0, n = classes.length; i < n; i++) {
    const dx = points[2 * i] - x;
    const dy = points[2 * i + 1] - y;
    const squared = dx * dx + dy * dy;
    if (squared < least && !hidden.has(classes[i])) { least = squared; best = i; }
  }
  return [best, Math.sqrt(least)];
}

// About `count` round numbers between low and high.
export function roundTicks(low, high, count) {
  const raw = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= raw);
  const ticks = [];
  for (let k = Math.ceil(low / step); k * step <= high; k++) ticks.push(k * step);
  return { ticks, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}

// `count` points at equal distances along a polyline [[x, y], ...].
export function alongPath(path, count) {
  const lengths = [0];
  for (let i = 1; i < path.length; i++) {
    lengths.push(lengths[i - 1] + Math.hypot(path[i][0] - path[i - 1][0], path[i][1] - path[i - 1][1]));
  }
  const total = lengths.at(-1);
  const stops = [];
  let i = 1;
  for (let k = 0; k < count; k++) {
    const target = (total * k) / (count - 1);
    while (i < path.length - 1 && lengths[i] < target) i++;
    const span = lengths[i] - lengths[i - 1] || 1;
    const share = (target - lengths[i - 1]) / span;
    stops.push([0, 1].map((axis) => path[i - 1][axis] + share * (path[i][axis] - path[i - 1][axis])));
  }
  return stops;
}

// The median point of each class, null for a class without points.
export function classMedians(points, classes, count) {
  const members = Array.from({ length: count }, () => [[], []]);
  for (let i = 0; i < classes.length; i++) {
    members[classes[i]][0].push(points[2 * i]);
    members[classes[i]][1].push(points[2 * i + 1]);
  }
  const median = (values) => Float32Array.from(values).sort()[values.length >> 1];
  return members.map(([xs, ys]) => (xs.length ? [median(xs), median(ys)] : null));
}
