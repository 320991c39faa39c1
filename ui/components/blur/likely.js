// Which images a code may stand for: those whose codes are nearest, their means, and how sharp these are. Knows no screen.

import { meanSquaredError } from "../engine/arrays.js";

// The numbers of the `count` points nearest to (x, y), the nearest first. points: [x0, y0, x1, y1, ...].
export function nearest(points, x, y, count) {
  const found = []; // [squared distance, number], sorted
  for (let i = 0; 2 * i < points.length; i++) {
    const away = (points[2 * i] - x) ** 2 + (points[2 * i + 1] - y) ** 2;
    if (found.length === count && away >= found.at(-1)[0]) continue;
    let at = found.length;
    while (at > 0 && found[at - 1][0] > away) at--;
    found.splice(at, 0, [away, i]);
    if (found.length > count) found.pop();
  }
  return found.map(([, number]) => number);
}

// The mean of some images, pixel by pixel.
export function meanOf(images) {
  const sum = new Float64Array(images[0].length);
  for (const image of images) for (let i = 0; i < sum.length; i++) sum[i] += image[i];
  return sum.map((value) => value / images.length);
}

// How sharp a grey image is: the variance of its Laplacian over the pixels that have all four neighbours, as
// vae_core.metrics.laplacian_variance computes it.
export function laplacianVariance(pixels, { width, height }) {
  let [sum, squares] = [0, 0];
  for (let row = 1; row < height - 1; row++) {
    for (let at = row * width + 1; at < (row + 1) * width - 1; at++) {
      const value = pixels[at - width] + pixels[at + width] + pixels[at - 1] + pixels[at + 1] - 4 * pixels[at];
      sum += value;
      squares += value * value;
    }
  }
  const count = (width - 2) * (height - 2);
  return squares / count - (sum / count) ** 2;
}

// Of a sheet of grey tiles the image number `index`, in [0, 1]. grey: the sheet's pixels, row by row.
export function tileOf(grey, columns, { width, height }, index) {
  const pixels = new Float32Array(width * height);
  const corner = Math.floor(index / columns) * height * columns * width + (index % columns) * width;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) pixels[row * width + column] = grey[corner + row * columns * width + column] / 255;
  }
  return pixels;
}

// What the images near a code say of what the decoder makes of it. made: that; images: those that are averaged; image:
// their size. The mean error of the single ones is that of their mean and how far they lie around it:
// (1/k) Σ |x - xᵢ|² = |x - m|² + (1/k) Σ |xᵢ - m|².
export function compared(made, images, image) {
  const mean = meanOf(images);
  const over = (value) => images.reduce((sum, one) => sum + value(one), 0) / images.length;
  return {
    mean,
    sharpness: {
      made: laplacianVariance(made, image),
      mean: laplacianVariance(mean, image),
      single: over((one) => laplacianVariance(one, image)),
    },
    toMean: meanSquaredError(made, mean),
    toSingle: over((one) => meanSquaredError(made, one)),
    around: over((one) => meanSquaredError(one, mean)),
  };
}
