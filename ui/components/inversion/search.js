// Searches for the code whose decoded image is nearest to an image, by pixels: Levenberg and Marquardt's steps on
// ½ Σ (G(z) - x)². Knows no screen.

import { meanSquaredError } from "../engine/arrays.js";

const LEAST_DAMPING = 1e-6;
const MOST_DAMPING = 1e8;

export class Search {
  // decoder: codes -> pixels, with exact slopes (interpreter.js). target: the image, flat. start: a code.
  constructor(decoder, target, start) {
    this.decoder = decoder;
    this.target = target;
    this.z = Float32Array.from(start);
    this.damping = 1;
    this.steps = 0;
    this.ended = false;
    this.pixels = this.decoder.decode(this.z).slice();
    this.error = meanSquaredError(this.pixels, target);
    this.errors = [this.error];
  }

  // One step. A step that would make the error larger is not taken; the next one is then shorter, and more along the
  // gradient. Returns whether the search goes on.
  step() {
    if (this.ended) return false;
    const { z, pixels, target } = this;
    const columns = Array.from(z, (_, axis) => this.decoder.slopes(z, Float32Array.from(z, (_one, other) => Number(other === axis))));
    const gradient = columns.map((column) => dot(column, (i) => pixels[i] - target[i]));
    const normal = columns.map((one) => columns.map((other) => dot(one, (i) => other[i])));
    for (;;) {
      const damped = normal.map((row, at) => row.map((value, other) => (other === at ? value + this.damping * (value + 1e-9) : value)));
      const change = solve(damped, gradient);
      const next = Float32Array.from(z, (value, axis) => value - change[axis]);
      const made = this.decoder.decode(next).slice();
      const error = meanSquaredError(made, target);
      if (error < this.error) {
        const gained = (this.error - error) / this.error;
        Object.assign(this, { z: next, pixels: made, error, damping: Math.max(this.damping / 5, LEAST_DAMPING) });
        this.steps++;
        this.errors.push(error);
        this.ended = gained < 1e-5;
        return !this.ended;
      }
      this.damping *= 4;
      if (!(this.damping < MOST_DAMPING)) {
        this.ended = true;
        return false;
      }
    }
  }
}

function dot(column, other) {
  let sum = 0;
  for (let i = 0; i < column.length; i++) sum += column[i] * other(i);
  return sum;
}

// Solves a symmetric positive definite system by Cholesky's factors.
export function solve(matrix, right) {
  const size = right.length;
  const factor = matrix.map(() => new Float64Array(size));
  for (let row = 0; row < size; row++) {
    for (let column = 0; column <= row; column++) {
      let sum = matrix[row][column];
      for (let k = 0; k < column; k++) sum -= factor[row][k] * factor[column][k];
      factor[row][column] = row === column ? Math.sqrt(Math.max(sum, 1e-30)) : sum / factor[column][column];
    }
  }
  const found = Float64Array.from(right);
  for (let row = 0; row < size; row++) {
    for (let k = 0; k < row; k++) found[row] -= factor[row][k] * found[k];
    found[row] /= factor[row][row];
  }
  for (let row = size - 1; row >= 0; row--) {
    for (let k = row + 1; k < size; k++) found[row] -= factor[k][row] * found[k];
    found[row] /= factor[row][row];
  }
  return found;
}
