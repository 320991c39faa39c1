// How far each place of the plane is from the nearest visible point: a grid of buckets, and the layer drawn with it.

import { slices } from "./slices.js";

// Points sorted into square cells at least `reach` wide: any point closer than that to a place lies in the place's
// cell or in one of the eight around it.
export class Buckets {
  static MOST = 512; // cells along the longer side

  // points: [x0, y0, x1, y1, ...]; those of a hidden class are left out.
  constructor(points, classes, hidden, reach) {
    const visible = [];
    for (let i = 0; i < classes.length; i++) if (!hidden.has(classes[i])) visible.push(i);
    const low = [Infinity, Infinity];
    const high = [-Infinity, -Infinity];
    for (const i of visible) {
      for (const axis of [0, 1]) {
        low[axis] = Math.min(low[axis], points[2 * i + axis]);
        high[axis] = Math.max(high[axis], points[2 * i + axis]);
      }
    }
    const widest = visible.length ? Math.max(high[0] - low[0], high[1] - low[1]) : 0;
    this.reach = reach;
    this.low = low;
    this.cell = Math.max(reach, widest / Buckets.MOST) || 1; // 1: all points in one place
    this.columns = visible.length ? Math.floor((high[0] - low[0]) / this.cell) + 1 : 0;
    this.rows = visible.length ? Math.floor((high[1] - low[1]) / this.cell) + 1 : 0;
    // Counting sort: the points of cell c are xy[2 * starts[c]] up to xy[2 * starts[c + 1]].
    this.starts = new Uint32Array(this.columns * this.rows + 1);
    const cells = visible.map((i) => this.row(points[2 * i + 1]) * this.columns + this.column(points[2 * i]));
    for (const cell of cells) this.starts[cell + 1]++;
    for (let cell = 0; cell < this.columns * this.rows; cell++) this.starts[cell + 1] += this.starts[cell];
    const next = this.starts.slice();
    this.xy = new Float32Array(2 * visible.length);
    visible.forEach((i, k) => this.xy.set([points[2 * i], points[2 * i + 1]], 2 * next[cells[k]]++));
  }

  column(x) { return Math.floor((x - this.low[0]) / this.cell); }
  row(y) { return Math.floor((y - this.low[1]) / this.cell); }

  // Distance from (x, y) to the nearest point, exact up to `reach`; Infinity if none is as near.
  distance(x, y) {
    const [column, row] = [this.column(x), this.row(y)];
    const [first, last] = [Math.max(column - 1, 0), Math.min(column + 1, this.columns - 1)];
    let least = Infinity;
    if (first > last) return least;
    for (let r = Math.max(row - 1, 0), bottom = Math.min(row + 1, this.rows - 1); r <= bottom; r++) {
      // Neighbouring cells of a row lie next to each other.
      const end = this.starts[r * this.columns + last + 1];
      for (let k = this.starts[r * this.columns + first]; k < end; k++) {
        const dx = this.xy[2 * k] - x;
        const dy = this.xy[2 * k + 1] - y;
        const squared = dx * dx + dy * dy;
        if (squared < least) least = squared;
      }
    }
    const distance = Math.sqrt(least);
    return distance <= this.reach ? distance : Infinity;
  }
}

// The layer: clear at a point, a growing tint up to the distance `beyond`, and hatched farther away: every colour is some
// class's, and no class is hatched.
export class Heat {
  version;

  canvas;

  static GRID = 256;
  static ROWS = 8; // drawn at once
  static COLOUR = [0x8c, 0x92, 0x9a];
  static LINE = [0x2e, 0x33, 0x3a]; // of the hatching
  static APART = 9; // cells of the grid from one line to the next
  static WIDE = 3; // cells
  static NEAR = 0.34; // opacity just within `beyond`
  static FAR = 0.66; // opacity outside

  constructor(canvas) {
    Object.assign(this, { canvas, version: 0, milliseconds: null, longestSlice: 0 });
    canvas.width = canvas.height = Heat.GRID;
    this.context = canvas.getContext("2d");
    this.data = this.context.createImageData(Heat.GRID, Heat.GRID);
  }

  static opacity(distance, beyond) {
    if (distance > beyond) return Heat.FAR;
    return distance === 0 ? 0 : Heat.NEAR * (distance / beyond) ** 2;
  }

  // Whether a cell that is far away lies on a line of the hatching: they rise to the right.
  static isLine(row, column) { return (row + column) % Heat.APART < Heat.WIDE; }

  // Shades a view; a later call replaces one in progress. The old picture stays until the new one is complete.
  fill(view, { points, classes, hidden, beyond }, onDone) {
    const version = ++this.version;
    const began = performance.now();
    this.longestSlice = 0;
    let buckets = null;
    let row = 0;
    slices.add(() => {
      if (version !== this.version) return false;
      const start = performance.now();
      if (!buckets) buckets = new Buckets(points, classes, hidden, beyond);
      else { this.shade(view, buckets, row); row += Heat.ROWS; }
      this.longestSlice = Math.max(this.longestSlice, performance.now() - start);
      if (row < Heat.GRID) return true;
      this.context.putImageData(this.data, 0, 0);
      this.milliseconds = performance.now() - began;
      onDone();
      return false;
    });
  }

  shade(view, buckets, from) {
    const rgba = this.data.data;
    for (let row = from; row < from + Heat.ROWS; row++) {
      for (let column = 0; column < Heat.GRID; column++) {
        const [x, y] = view.toLatent((column + 0.5) / Heat.GRID, (row + 0.5) / Heat.GRID);
        const distance = buckets.distance(x, y);
        const [r, g, b] = distance > buckets.reach && Heat.isLine(row, column) ? Heat.LINE : Heat.COLOUR;
        const at = 4 * (row * Heat.GRID + column);
        rgba[at] = r;
        rgba[at + 1] = g;
        rgba[at + 2] = b;
        rgba[at + 3] = 255 * Heat.opacity(distance, buckets.reach); // clamped and rounded
      }
    }
  }
}
