// Operations on rows of a sequence, as entries of the table in operations.js. Knows no screen.
//
// They run two ways. A Network sees all rows at once. A Sequence (interpreter.js) sees one row after the other; then
// `clock.place` says which, and an attention keeps the keys and values of the rows before: a row costs one row's work.

import { expectLength, product } from "./arrays.js";

// One learned row for each place is added.
export const places = {
  shape(layer, shape) {
    if (shape.length !== 2 || shape[1] !== layer.width || shape[0] > layer.count) throw new Error("places do not fit their rows");
    return shape;
  },
  prepare(layer, tensor, shape, _outShape, clock) {
    const rows = expectLength(layer.weight, tensor(layer.weight), layer.count * layer.width);
    const length = product(shape);
    return (x, batch, y) => {
      const from = clock ? clock.place * layer.width : 0;
      for (let b = 0; b < batch; b++) for (let i = 0; i < length; i++) y[b * length + i] = x[b * length + i] + rows[from + i];
    };
  },
};

// The mean of the values of the rows up to `last`, weighted by the softmax of their keys' products with one query.
// keys, values: rows of `width` numbers; a head's lie from `start`, `size` of them.
function attend(query, queryStart, keys, values, last, { width, start, size }, y, yStart, scores) {
  const scale = 1 / Math.sqrt(size);
  let largest = -Infinity;
  for (let row = 0; row <= last; row++) {
    let score = 0;
    for (let k = 0; k < size; k++) score += query[queryStart + k] * keys[row * width + start + k];
    scores[row] = score * scale;
    largest = Math.max(largest, scores[row]);
  }
  let total = 0;
  for (let row = 0; row <= last; row++) {
    scores[row] = Math.exp(scores[row] - largest);
    total += scores[row];
  }
  for (let k = 0; k < size; k++) {
    let sum = 0;
    for (let row = 0; row <= last; row++) sum += scores[row] * values[row * width + start + k];
    y[yStart + k] = sum / total;
  }
}

// Each row looks at itself and at the rows before it.
export const causalAttention = {
  shape(layer, shape) {
    if (shape.length !== 2 || shape[1] % (3 * layer.heads)) throw new Error("an attention does not fit its rows");
    return [shape[0], shape[1] / 3];
  },
  bend(layer, _tensor, [rows, taken], _nest, clock) {
    const width = taken / 3;
    const size = width / layer.heads;
    const most = clock ? clock.rows : rows;
    const [keys, values, scores] = [new Float32Array(most * width), new Float32Array(most * width), new Float64Array(most)];
    return {
      apply(x, batch, y) {
        for (let b = 0; b < batch; b++) {
          const first = clock ? clock.place : 0;
          for (let t = 0; t < rows; t++) {
            const row = (b * rows + t) * taken;
            keys.set(x.subarray(row + width, row + 2 * width), (first + t) * width);
            values.set(x.subarray(row + 2 * width, row + taken), (first + t) * width);
            for (let start = 0; start < width; start += size) {
              const head = { width, start, size };
              attend(x, row + start, keys, values, first + t, head, y, (b * rows + t) * width + start, scores);
            }
          }
        }
      },
      slopes() { throw new Error("the derivative of causal_attention is not implemented"); },
    };
  },
};
