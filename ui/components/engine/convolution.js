// The convolutions as plain loops over Float32Arrays, a batch at a time. Knows no screen.

// Transposed convolution: every input pixel stamps its kernel onto the output. Weight (in, out, kh, kw).
export function convTransposeStep(layer, weight, bias, shape, outShape) {
  const [inputs, height, width] = shape;
  const [outputs, outHeight, outWidth] = outShape;
  const [kh, kw] = layer.kernel_size;
  const [sh, sw] = layer.stride;
  const [ph, pw] = layer.padding;
  const plane = outHeight * outWidth;
  return (x, batch, y) => {
    for (let b = 0; b < batch; b++) {
      const out = b * outputs * plane;
      for (let o = 0; o < outputs; o++) y.fill(bias ? bias[o] : 0, out + o * plane, out + (o + 1) * plane);
      for (let c = 0; c < inputs; c++) {
        for (let row = 0; row < height; row++) {
          for (let column = 0; column < width; column++) {
            const value = x[((b * inputs + c) * height + row) * width + column];
            if (value === 0) continue; // half of what a ReLU lets through is zero
            for (let o = 0; o < outputs; o++) {
              const kernel = (c * outputs + o) * kh * kw;
              for (let i = 0; i < kh; i++) {
                const r = row * sh - ph + i;
                if (r < 0 || r >= outHeight) continue;
                const line = out + o * plane + r * outWidth;
                for (let j = 0; j < kw; j++) {
                  const k = column * sw - pw + j;
                  if (k >= 0 && k < outWidth) y[line + k] += value * weight[kernel + i * kw + j];
                }
              }
            }
          }
        }
      }
    }
  };
}

// Convolution, a kernel's weight at a time: each is added, shifted, to the whole output. Weight (out, in, kh, kw).
export function convStep(layer, weight, bias, shape, outShape) {
  const [inputs, height, width] = shape;
  const [outputs, outHeight, outWidth] = outShape;
  const [kh, kw] = layer.kernel_size;
  const [sh, sw] = layer.stride;
  const [ph, pw] = layer.padding;
  const plane = outHeight * outWidth;
  // First and last output whose input, shifted by `tap`, is not in the padding.
  const first = (tap, stride, padding) => Math.max(0, Math.ceil((padding - tap) / stride));
  const last = (tap, stride, padding, extent, count) => Math.min(count - 1, Math.floor((extent - 1 + padding - tap) / stride));
  return (x, batch, y) => {
    for (let b = 0; b < batch; b++) {
      for (let o = 0; o < outputs; o++) {
        const out = (b * outputs + o) * plane;
        y.fill(bias ? bias[o] : 0, out, out + plane);
        for (let c = 0; c < inputs; c++) {
          const from = (b * inputs + c) * height * width;
          for (let i = 0; i < kh; i++) {
            const bottom = last(i, sh, ph, height, outHeight);
            for (let j = 0; j < kw; j++) {
              const value = weight[((o * inputs + c) * kh + i) * kw + j];
              const left = first(j, sw, pw);
              const right = last(j, sw, pw, width, outWidth);
              for (let row = first(i, sh, ph); row <= bottom; row++) {
                const line = from + (row * sh - ph + i) * width - pw + j;
                const to = out + row * outWidth;
                for (let column = left; column <= right; column++) y[to + column] += value * x[line + column * sw];
              }
            }
          }
        }
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
