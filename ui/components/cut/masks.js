// Figures and grounds: the picture that both make, a threshold that learns nothing, and how well masks overlap. Knows no
// screen.

const BINS = 256;
const HALF = 0.5; // of a pixel's cover, or of a mask's probability: from there on it is the figure

// A figure's cover, in [0, 1], with ink of one level over a ground, as vae_core/datasets/textured.py makes it: levels of 255.
export function pictureOf(cover, ground, ink, dark) {
  return Float32Array.from(cover, (share, i) => {
    const level = ground[i] * (1 - share) + ink * share;
    return Math.round(255 * (dark ? 1 - level : level)) / 255;
  });
}

export const maskOf = (values) => Uint8Array.from(values, (value) => (value > HALF ? 1 : 0));

// The threshold at which the two parts of the histogram differ most in the mean (Otsu 1979), as scikit-image finds it; null
// where all is of one level.
export function otsuThreshold(picture) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of picture) [low, high] = [Math.min(low, value), Math.max(high, value)];
  if (!(high > low)) return null;
  const width = (high - low) / BINS;
  const counts = new Float64Array(BINS);
  for (const value of picture) counts[Math.min(BINS - 1, Math.floor((value - low) / width))]++;
  const centre = (bin) => low + (bin + 0.5) * width;
  let all = 0;
  counts.forEach((count, bin) => { all += count * centre(bin); });
  let [best, at, below, sum] = [-1, 0, 0, 0];
  for (let bin = 0; bin < BINS - 1; bin++) {
    below += counts[bin];
    sum += counts[bin] * centre(bin);
    const above = picture.length - below;
    const apart = below * above * (sum / below - (all - sum) / above) ** 2;
    if (apart > best) [best, at] = [apart, bin];
  }
  return centre(at);
}

// Otsu's mask; the smaller part is the figure.
export function otsuMask(picture) {
  const threshold = otsuThreshold(picture) ?? 1;
  const mask = Uint8Array.from(picture, (value) => (value > threshold ? 1 : 0));
  let count = 0;
  for (const one of mask) count += one;
  return 2 * count > mask.length ? mask.map((one) => 1 - one) : mask;
}

// The pixels in both masks, of those in either; 1 where both are empty.
export function overlap(found, wanted) {
  let [both, either] = [0, 0];
  for (let i = 0; i < found.length; i++) {
    both += found[i] & wanted[i];
    either += found[i] | wanted[i];
  }
  return either ? both / either : 1;
}
