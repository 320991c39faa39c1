// What a decoder's output says of pixels, written once, and sums of probabilities by their logarithms. Knows no screen.

export const sigmoid = (logit) => 1 / (1 + Math.exp(-logit));

// -log p(x | z) of a pixel under a Bernoulli likelihood, in nats: exact however sure the logit is.
export const bernoulliNats = (logit, x) => Math.max(logit, 0) + Math.log1p(Math.exp(-Math.abs(logit))) - x * logit;

// Entropy of a grey pixel, in nats: no prediction of it has a smaller cross-entropy.
export const bernoulliEntropy = (x) => (x <= 0 || x >= 1 ? 0 : -x * Math.log(x) - (1 - x) * Math.log(1 - x));

// The mean of a number in [0, 1] whose density is proportional to exp(logit · number), a continuous Bernoulli distribution, by a
// decoder's output, of which the logit is bounded; and its derivative. Near 0 both are 0 / 0: Taylor series. See
// vae_core/program/continuous_bernoulli.py.
const LARGEST_LOGIT = 16;
const boundedLogit = (output) => LARGEST_LOGIT * Math.tanh(output / LARGEST_LOGIT);

export function continuousBernoulliMean(output) {
  const logit = boundedLogit(output);
  const size = Math.abs(logit);
  if (size < 1) {
    const u = logit * logit;
    return 0.5 + logit * (1 / 12 - u * (1 / 720 - u * (1 / 30240 - u / 1209600)));
  }
  const mean = -1 / Math.expm1(-size) - 1 / size;
  return logit < 0 ? 1 - mean : mean;
}

export function continuousBernoulliSlope(output) {
  const logit = boundedLogit(output);
  const size = Math.abs(logit);
  const u = logit * logit;
  const variance = size < 1
    ? 1 / 12 - u * (1 / 240 - u * (1 / 6048 - u * (1 / 172800 - u / 5322240)))
    : 1 / u - Math.exp(-size) / Math.expm1(-size) ** 2;
  return variance * (1 - u / LARGEST_LOGIT ** 2);
}

// log of the sum of weight(k) · exp(logs[k]), without overflow.
export function logSumExp(logs, weight = (_k) => 1) {
  const highest = logs.reduce((most, one) => Math.max(most, one), -Infinity);
  if (highest === -Infinity) return highest;
  return highest + Math.log(logs.reduce((total, one, k) => total + weight(k) * Math.exp(one - highest), 0));
}
