// A codebook looked up both ways, as entries of the table in operations.js. Knows no screen.

import { expectLength } from "./arrays.js";

const codebook = (layer, tensor) => expectLength(layer.weight, tensor(layer.weight), layer.count * layer.width);

// Codes are whole numbers: nothing changes by a little as they do.
const noSlopes = (op) => () => { throw new Error(`${op} has no derivative: codes are whole numbers`); };

// Code -> its row.
export const embedding = {
  shape: (layer, shape) => [...shape, layer.width],
  bend(layer, tensor) {
    const { count, width } = layer;
    const rows = codebook(layer, tensor);
    return {
      apply(x, _batch, y) {
        for (let i = 0; i < x.length; i++) {
          const code = x[i];
          if (!Number.isInteger(code) || code < 0 || code >= count) {
            throw new Error(`codes must be whole numbers from 0 to ${count - 1}, not ${code}`);
          }
          for (let k = 0; k < width; k++) y[i * width + k] = rows[code * width + k];
        }
      },
      slopes: noSlopes("embedding"),
    };
  },
};

// Features -> the code of the nearest row, the lowest one where several are.
export const nearest = {
  shape(layer, shape) {
    if (shape.at(-1) !== layer.width) throw new Error(`a codebook of width ${layer.width} gets features of width ${shape.at(-1)}`);
    return shape.slice(0, -1);
  },
  bend(layer, tensor) {
    const { count, width } = layer;
    const rows = codebook(layer, tensor);
    // From the differences, which are as large for equal rows: the first of them wins.
    const squared = (x, start, code) => {
      let total = 0;
      for (let k = 0; k < width; k++) total += (x[start + k] - rows[code * width + k]) ** 2;
      return total;
    };
    return {
      apply(x, _batch, y) {
        for (let i = 0; i < y.length; i++) {
          let best = 0;
          let least = Infinity;
          for (let code = 0; code < count; code++) {
            const distance = squared(x, i * width, code);
            if (distance < least) { least = distance; best = code; }
          }
          y[i] = best;
        }
      },
      slopes: noSlopes("nearest"),
    };
  },
};
