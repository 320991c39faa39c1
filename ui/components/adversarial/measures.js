// What samples have found of their data. Knows no screen.

const NEAR = 3; // standard deviations of a mode within which a sample is at it
const LEAST = 0.25; // of its fair share that a mode must hold to count as found

/**
 * Samples against the modes of their data.
 * @param {Float64Array} samples
 * @param {number[][]} modes
 * @param {number} spread
 */
export function modesOf(samples, modes, spread) {
  const count = samples.length / 2;
  const held = modes.map(() => 0);
  const reach = (NEAR * spread) ** 2;
  for (let i = 0; i < count; i++) {
    const [mode, squared] = nearest(modes, samples[2 * i], samples[2 * i + 1]);
    if (squared <= reach) held[mode]++;
  }
  const near = held.reduce((sum, one) => sum + one, 0);
  const found = held.map((one) => one >= (LEAST * count) / modes.length);
  return {
    shares: held.map((one) => one / count),
    found,
    modes: found.filter(Boolean).length,
    // KL in nats of the shares of the modes among the samples that are at one, to equal shares: 0 to ln K.
    imbalance: near ? held.reduce((sum, one) => sum + (one ? (one / near) * Math.log((one * modes.length) / near) : 0), 0) : null,
    stray: 1 - near / count,
  };
}

// Samples against points of the data, where there are no modes: the share of the points that have a sample within `reach`, and
// the share of samples without a point within it.
export function coverageOf(samples, points, reach) {
  const without = (some, others) => {
    let lonely = 0;
    for (let i = 0; i < some.length; i += 2) if (!hasNear(others, some[i], some[i + 1], reach * reach)) lonely++;
    return lonely / (some.length / 2);
  };
  return { covered: 1 - without(points, samples), stray: without(samples, points) };
}

function nearest(places, x, y) {
  let [best, least] = [-1, Infinity];
  for (let k = 0; k < places.length; k++) {
    const squared = (places[k][0] - x) ** 2 + (places[k][1] - y) ** 2;
    if (squared < least) [best, least] = [k, squared];
  }
  return [best, least];
}

function hasNear(points, x, y, squared) {
  for (let i = 0; i < points.length; i += 2) if ((points[i] - x) ** 2 + (points[i + 1] - y) ** 2 <= squared) return true;
  return false;
}
