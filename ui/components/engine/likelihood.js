// What a decoder's output says of pixels, written once, and sums of probabilities by their logarithms. Knows no screen.

export const sigmoid = (logit) => 1 / (1 + Math.exp(-logit));

// -log p(x | z) of a pixel under a Bernoulli likelihood, in nats: exact however sure the logit is.
export const bernoulliNats = (logit, x) => Math.max(logit, 0) + Math.log1p(Math.exp(-Math.abs(logit))) - x * logit;

// Entropy of a grey pixel, in nats: no prediction of it has a smaller cross-entropy.
export const bernoulliEntropy = (x) => (x <= 0 || x >= 1 ? 0 : -x * Math.log(x) - (1 - x) * Math.log(1 - x));

// log of the sum of weight(k) · exp(logs[k]), without overflow.
export function logSumExp(logs, weight = (_k) => 1) {
  const highest = logs.reduce((most, one) => Math.max(most, one), -Infinity);
  if (highest === -Infinity) return highest;
  return highest + Math.log(logs.reduce((total, one, k) => total + weight(k) * Math.exp(one - highest), 0));
}
