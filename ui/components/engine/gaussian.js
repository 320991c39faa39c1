// The Gaussians of a VAE, written once: density, KL to the prior, a sample as mean and noise. Knows no screen.

const LOG_TWO_PI = Math.log(2 * Math.PI);

// log N(z; mean, deviation²), in nats.
export const logNormal = (z, mean, deviation) => -0.5 * (((z - mean) / deviation) ** 2 + LOG_TWO_PI) - Math.log(deviation);

// N(0, I) in so many dimensions at a squared distance from the origin: {density, share of its peak}.
export function standardNormal(squared, dimensions) {
  const share = Math.exp(-squared / 2);
  return { density: share / (2 * Math.PI) ** (dimensions / 2), share };
}

// KL(N(mean, variance) || N(0, 1)) of one dimension, in nats (Kingma and Welling 2014, appendix B).
export const klToStandardNormal = (mean, variance, logVariance = Math.log(variance)) =>
  (mean * mean + variance - 1 - logVariance) / 2;

// A sample of N(mean, deviation²) as a function of noise from N(0, 1): z = μ + σ · ε.
export const sampleOf = (mean, deviation, noise) => mean + deviation * noise;

// `count` standard normal numbers (Box and Muller 1958). uniform(): a number in (0, 1].
export function normals(count, uniform = () => 1 - Math.random()) {
  const drawn = new Float64Array(count);
  for (let i = 0; i < count; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(uniform()));
    const angle = 2 * Math.PI * uniform();
    drawn[i] = radius * Math.cos(angle);
    if (i + 1 < count) drawn[i + 1] = radius * Math.sin(angle);
  }
  return drawn;
}

// Uniform numbers in (0, 1), the same for the same seed (mulberry32).
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (((mixed ^ (mixed >>> 14)) >>> 0) + 0.5) / 4294967296;
  };
}
