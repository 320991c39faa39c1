// Points to learn from, drawn along strokes. A stroke is a list of places; one of a single place is a Gaussian, and data made
// of such strokes only has modes that can be counted. Knows no screen.

export class Data {
  strokes;
  spread;

  /**
   * spread: standard deviation of the points around their stroke, in both directions.
   * @param {number[][][]} strokes
   * @param {number} spread
   */
  constructor(strokes, spread) {
    Object.assign(this, { strokes, spread });
    const lengths = strokes.map((places) => {
      let length = 0;
      for (let i = 1; i < places.length; i++) length += distance(places[i - 1], places[i]);
      return length;
    });
    const dots = lengths.every((length) => length === 0);
    this.modes = dots && strokes.length ? strokes.map(([place]) => place) : null;
    // A dot among lines weighs as much as a line as long as its Gaussian is wide.
    const weights = dots ? lengths.map(() => 1) : lengths.map((length) => length + 4 * spread);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    let passed = 0;
    this.ends = weights.map((weight) => (passed += weight) / total);
  }

  get empty() { return !this.strokes.length; }

  // [x0, y0, x1, y1, ...]. uniform(), normal(): numbers of U(0, 1) and N(0, 1).
  draw(count, uniform, normal) {
    const points = new Float64Array(2 * count);
    for (let i = 0; i < count; i++) {
      const at = uniform();
      const k = Math.min(this.ends.findIndex((end) => at <= end), this.strokes.length - 1);
      const [from, to] = [k > 0 ? this.ends[k - 1] : 0, this.ends[k]];
      const [x, y] = along(this.strokes[k], (at - from) / (to - from));
      points[2 * i] = x + this.spread * normal();
      points[2 * i + 1] = y + this.spread * normal();
    }
    return points;
  }
}

/** @type {(from: number[], to: number[]) => number} */
const distance = ([x0, y0], [x1, y1]) => Math.hypot(x1 - x0, y1 - y0);

// The place at a share of a stroke's length.
function along(places, share) {
  if (places.length === 1) return places[0];
  let left = share * places.slice(1).reduce((sum, place, i) => sum + distance(places[i], place), 0);
  for (let i = 1; i < places.length; i++) {
    const length = distance(places[i - 1], places[i]);
    if (left <= length || i === places.length - 1) {
      const part = length ? Math.min(left / length, 1) : 0;
      return [0, 1].map((axis) => places[i - 1][axis] + part * (places[i][axis] - places[i - 1][axis]));
    }
    left -= length;
  }
  return places.at(-1);
}
