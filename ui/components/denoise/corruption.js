// The twin of vae_core/corruption.py: the same damage, made of the same random numbers. Knows no screen.

import { normals, seeded } from "../engine/gaussian.js";

const TRUNCATED = 4; // standard deviations at which a blur's kernel ends
const GAUSSIAN = ["gaussian", "unclipped"];

// The random numbers of one image of so many pixels: normal for Gaussian noise, else uniform. The same for the same seed.
export function numbersFor(kind, pixels, seed) {
  const uniform = seeded(seed);
  if (GAUSSIAN.includes(kind)) return normals(pixels, uniform);
  const count = { salt_and_pepper: pixels, patch: 2, blur: 0 }[kind];
  if (count === undefined) throw new Error(`there is no corruption ${kind}`);
  return Float64Array.from({ length: count }, uniform);
}

// Pixels in [0, 1], row by row -> damaged ones, in an array of their own; in [0, 1] of every kind but "unclipped".
export function corrupt(kind, level, pixels, numbers, { height, width }) {
  switch (kind) {
    case "gaussian": return Float32Array.from(pixels, (value, i) => Math.min(Math.max(value + level * numbers[i], 0), 1));
    case "unclipped": return Float32Array.from(pixels, (value, i) => value + level * numbers[i]);
    case "salt_and_pepper":
      return Float32Array.from(pixels, (value, i) => (numbers[i] >= 1 - level / 2 ? 1 : numbers[i] < level / 2 ? 0 : value));
    case "patch": return withoutPatch(pixels, level, numbers, { height, width });
    case "blur": return blurred(pixels, level, { height, width });
    default: throw new Error(`there is no corruption ${kind}`);
  }
}

function withoutPatch(pixels, level, numbers, { height, width }) {
  const [tall, wide] = [height, width].map((length) => Math.floor(level * length + 0.5));
  const top = Math.floor(numbers[0] * (height - tall + 1));
  const left = Math.floor(numbers[1] * (width - wide + 1));
  const found = Float32Array.from(pixels);
  for (let row = top; row < top + tall; row++) found.fill(0, row * width + left, row * width + left + wide);
  return found;
}

// A Gaussian's weights at whole pixels, which sum to 1.
export function kernel(sigma) {
  const radius = Math.floor(TRUNCATED * sigma + 0.5);
  const weights = Array.from({ length: 2 * radius + 1 }, (_, i) => (i === radius ? 1 : Math.exp(-0.5 * ((i - radius) / sigma) ** 2)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

function blurred(pixels, sigma, { height, width }) {
  const weights = kernel(sigma);
  const radius = (weights.length - 1) / 2;
  const along = (values, step, length, lines, between) => {
    const found = new Float32Array(values.length);
    for (let line = 0; line < lines; line++) {
      for (let place = 0; place < length; place++) {
        let total = 0;
        for (let k = Math.max(-radius, -place); k <= Math.min(radius, length - 1 - place); k++) total += weights[k + radius] * values[line * between + (place + k) * step];
        found[line * between + place * step] = total;
      }
    }
    return found;
  };
  return along(along(Float32Array.from(pixels), width, height, width, 1), 1, width, height, width);
}
