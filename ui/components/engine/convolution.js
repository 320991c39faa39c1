// The convolutions as plain loops over Float32Arrays, a batch at a time. Knows no screen.

// sums[:] = sum over the first `count` of `used` of values[k] * rows[used[k] * length ...], a row of `length` weights each.
// Four rows at once: one pass over the sums for all of them.
function addRows(sums, length, rows, used, values, count) {
  let k = 0;
  for (; k + 3 < count; k += 4) {
    const [v0, v1, v2, v3] = [values[k], values[k + 1], values[k + 2], values[k + 3]];
    const [r0, r1, r2, r3] = [used[k] * length, used[k + 1] * length, used[k + 2] * length, used[k + 3] * length];
    for (let i = 0; i < length; i++) sums[i] += v0 * rows[r0 + i] + v1 * rows[r1 + i] + v2 * rows[r2 + i] + v3 * rows[r3 + i];
  }
  for (; k < count; k++) {
    const [value, row] = [values[k], used[k] * length];
    for (let i = 0; i < length; i++) sums[i] += value * rows[row + i];
  }
}

// Transposed convolution: the channels of every input pixel make one stamp, which is added to the output. Inputs that are
// zero are skipped: half of what a ReLU lets through. Weight (in, out, kh, kw).
export function convTransposeStep(layer, weight, bias, shape, outShape) {
  const [inputs, height, width] = shape;
  const [outputs, outHeight, outWidth] = outShape;
  const [kh, kw] = layer.kernel_size;
  const [sh, sw] = layer.stride;
  const [ph, pw] = layer.padding;
  const [plane, inPlane, length] = [outHeight * outWidth, height * width, outputs * kh * kw];
  const stamp = new Float32Array(length);
  const used = new Int32Array(inputs);
  const values = new Float32Array(inputs);
  return (x, batch, y) => {
    for (let b = 0; b < batch; b++) {
      const out = b * outputs * plane;
      for (let o = 0; o < outputs; o++) y.fill(bias ? bias[o] : 0, out + o * plane, out + (o + 1) * plane);
      for (let at = 0; at < inPlane; at++) {
        let count = 0;
        for (let c = 0, from = b * inputs * inPlane + at; c < inputs; c++, from += inPlane) {
          if (x[from] !== 0) { used[count] = c; values[count++] = x[from]; }
        }
        if (!count) continue;
        stamp.fill(0);
        addRows(stamp, length, weight, used, values, count);
        const top = Math.floor(at / width) * sh - ph;
        const left = (at % width) * sw - pw;
        const [firstRow, lastRow] = [Math.max(0, -top), Math.min(kh, outHeight - top)];
        const [firstColumn, lastColumn] = [Math.max(0, -left), Math.min(kw, outWidth - left)];
        for (let o = 0; o < outputs; o++) {
          for (let i = firstRow; i < lastRow; i++) {
            const line = out + o * plane + (top + i) * outWidth + left;
            const kernel = (o * kh + i) * kw;
            for (let j = firstColumn; j < lastColumn; j++) y[line + j] += stamp[kernel + j];
          }
        }
      }
    }
  };
}

// Convolution: what every output pixel sees, its zeros left out, times a row of weights each. Weight (out, in, kh, kw).
export function convStep(layer, weight, bias, shape, outShape) {
  const [inputs, height, width] = shape;
  const [outputs, outHeight, outWidth] = outShape;
  const [kh, kw] = layer.kernel_size;
  const [sh, sw] = layer.stride;
  const [ph, pw] = layer.padding;
  const taps = inputs * kh * kw;
  const [plane, inPlane] = [outHeight * outWidth, height * width];
  const rows = new Float32Array(weight.length); // (in, kh, kw, out), so that the weights of a tap lie together
  for (let o = 0; o < outputs; o++) for (let tap = 0; tap < taps; tap++) rows[tap * outputs + o] = weight[o * taps + tap];
  const sums = new Float32Array(outputs);
  const used = new Int32Array(taps);
  const values = new Float32Array(taps);
  return (x, batch, y) => {
    for (let b = 0; b < batch; b++) {
      for (let at = 0; at < plane; at++) {
        const top = Math.floor(at / outWidth) * sh - ph;
        const left = (at % outWidth) * sw - pw;
        const [firstRow, lastRow] = [Math.max(0, -top), Math.min(kh, height - top)];
        const [firstColumn, lastColumn] = [Math.max(0, -left), Math.min(kw, width - left)];
        let count = 0;
        for (let c = 0; c < inputs; c++) {
          for (let i = firstRow; i < lastRow; i++) {
            const line = (b * inputs + c) * inPlane + (top + i) * width + left;
            const tap = (c * kh + i) * kw;
            for (let j = firstColumn; j < lastColumn; j++) {
              const value = x[line + j];
              if (value !== 0) { used[count] = tap + j; values[count++] = value; }
            }
          }
        }
        if (bias) sums.set(bias);
        else sums.fill(0);
        addRows(sums, outputs, rows, used, values, count);
        for (let o = 0, to = b * outputs * plane + at; o < outputs; o++, to += plane) y[to] = sums[o];
      }
    }
  };
}

// A convolution that sees only what comes before a pixel in reading order; with the mask B the pixel itself, too.
export function maskedConvStep(layer, weight, bias, shape, outShape) {
  if (layer.mask !== "A" && layer.mask !== "B") throw new Error(`a mask is of kind A or B, not ${layer.mask}`);
  const [kh, kw] = layer.kernel_size;
  const centre = Math.floor(kh / 2) * kw + Math.floor(kw / 2);
  const seen = layer.mask === "B" ? centre + 1 : centre; // so many taps of every kernel
  const masked = weight.map((value, i) => (i % (kh * kw) < seen ? value : 0));
  return convStep(layer, masked, bias, shape, outShape);
}

// How far each reaches along an axis of an image of a shape (channels, height, width).
export const convExtent = (layer, shape, axis) =>
  Math.floor((shape[axis + 1] + 2 * layer.padding[axis] - layer.kernel_size[axis]) / layer.stride[axis]) + 1;
export const convTransposeExtent = (layer, shape, axis) =>
  (shape[axis + 1] - 1) * layer.stride[axis] - 2 * layer.padding[axis] + layer.kernel_size[axis] + layer.output_padding[axis];
