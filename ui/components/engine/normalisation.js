// The two normalisations, as entries of the table in operations.js. Knows no screen.

import { expectLength, product } from "./arrays.js";

// A tensor that a layer may name, of so many numbers; null where it names none.
const optional = (name, tensor, length) => (name ? expectLength(name, tensor(name), length) : null);

// By channel, the first axis: (x - mean) / sqrt(variance + eps) · weight + bias, with the averages that training left.
export const batchNorm = {
  shape(layer, shape) {
    if (shape[0] !== layer.count) throw new Error(`a batch normalisation takes ${layer.count} channels and gets ${shape[0]}`);
    return shape;
  },
  prepare(layer, tensor, shape) {
    const { count } = layer;
    const plane = product(shape.slice(1));
    const mean = expectLength(layer.mean, tensor(layer.mean), count);
    const weight = optional(layer.weight, tensor, count);
    const bias = optional(layer.bias, tensor, count);
    const variance = expectLength(layer.variance, tensor(layer.variance), count);
    const scale = Float64Array.from(variance, (value, c) => (weight ? weight[c] : 1) / Math.sqrt(value + layer.eps));
    return (x, batch, y) => {
      for (let b = 0, i = 0; b < batch; b++) {
        for (let c = 0; c < count; c++) {
          const shift = bias ? bias[c] : 0;
          for (const end = i + plane; i < end; i++) y[i] = (x[i] - mean[c]) * scale[c] + shift;
        }
      }
    };
  },
};

// Mean of the `width` numbers of(i) from `start` on.
function meanOf(of, start, width) {
  let total = 0;
  for (let i = start; i < start + width; i++) total += of(i);
  return total / width;
}

// Mean and 1 / sqrt(variance + eps) of a row, the variance divided by the count.
function moments(x, start, width, eps) {
  const mean = meanOf((i) => x[i], start, width);
  return [mean, 1 / Math.sqrt(meanOf((i) => (x[i] - mean) ** 2, start, width) + eps)];
}

// Every row of the last axes by its own mean and variance.
export const layerNorm = {
  shape(layer, shape) {
    const last = shape.slice(-layer.shape.length);
    const rows = last.length === layer.shape.length && last.every((extent, axis) => extent === layer.shape[axis]);
    if (!rows && product(layer.shape) !== product(shape)) throw new Error("a layer normalisation does not fit its input");
    return shape;
  },
  bend(layer, tensor, _shape) {
    const width = product(layer.shape);
    const weight = optional(layer.weight, tensor, width);
    const bias = optional(layer.bias, tensor, width);
    return {
      apply(x, _batch, y) {
        for (let start = 0; start < x.length; start += width) {
          const [mean, scale] = moments(x, start, width, layer.eps);
          for (let k = 0; k < width; k++) {
            y[start + k] = (x[start + k] - mean) * scale * (weight ? weight[k] : 1) + (bias ? bias[k] : 0);
          }
        }
      },
      // The mean and the deviation move, too: what changes all numbers alike, or stretches them, changes nothing.
      slopes(x, change) {
        const slopes = new Float32Array(x.length);
        for (let start = 0; start < x.length; start += width) {
          const [mean, scale] = moments(x, start, width, layer.eps);
          const standard = (i) => (x[i] - mean) * scale;
          const shift = meanOf((i) => change[i], start, width);
          const stretch = meanOf((i) => change[i] * standard(i), start, width);
          for (let i = start; i < start + width; i++) {
            slopes[i] = scale * (change[i] - shift - standard(i) * stretch) * (weight ? weight[i - start] : 1);
          }
        }
        return slopes;
      },
    };
  },
};
