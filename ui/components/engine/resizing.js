// What makes maps smaller or larger without weights, as entries of the table in operations.js. Knows no screen.

import { product } from "./arrays.js";

const ofMaps = (shape) => {
  if (shape.length !== 3) throw new Error("only maps can be resized");
  return shape;
};

// For every output of one example, the first place in the input of its window.
function corners(shape, outShape, placeOf) {
  const [, height, width] = shape;
  const [channels, rows, columns] = outShape;
  const places = new Int32Array(channels * rows * columns);
  for (let c = 0, i = 0; c < channels; c++) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const [down, across] = placeOf(row, column);
        places[i++] = (c * height + down) * width + across;
      }
    }
  }
  return places;
}

// The largest number of every window.
export const maxPool = {
  shape(layer, shape) {
    const [channels, ...extents] = ofMaps(shape);
    return [channels, ...extents.map((extent, axis) => Math.floor((extent - layer.kernel_size[axis]) / layer.stride[axis]) + 1)];
  },
  bend(layer, _tensor, shape) {
    const [kh, kw] = layer.kernel_size;
    const [sh, sw] = layer.stride;
    const outShape = maxPool.shape(layer, shape);
    const first = corners(shape, outShape, (row, column) => [row * sh, column * sw]);
    const taps = Int32Array.from({ length: kh * kw }, (_none, k) => Math.floor(k / kw) * shape[2] + (k % kw));
    const length = product(shape);
    // Where the largest number is: the first one where several are, as torch has it.
    const largest = (x, corner) => {
      let best = corner;
      for (const tap of taps) if (x[corner + tap] > x[best]) best = corner + tap;
      return best;
    };
    return {
      apply(x, batch, y) {
        for (let b = 0, i = 0; b < batch; b++) for (const corner of first) y[i++] = x[largest(x, b * length + corner)];
      },
      slopes: (x, change) => Float32Array.from(first, (corner) => change[largest(x, corner)]),
    };
  },
};

// Each pixel is that of the input nearest to it.
export const upsample = {
  shape: (layer, shape) => [ofMaps(shape)[0], ...layer.size],
  prepare(_layer, _tensor, shape, outShape) {
    const [, height, width] = shape;
    const nearest = (at, given, wanted) => Math.floor((at * given) / wanted);
    const source = corners(shape, outShape, (row, column) => [nearest(row, height, outShape[1]), nearest(column, width, outShape[2])]);
    const length = product(shape);
    return (x, batch, y) => {
      for (let b = 0, i = 0; b < batch; b++) for (const place of source) y[i++] = x[b * length + place];
    };
  },
};
