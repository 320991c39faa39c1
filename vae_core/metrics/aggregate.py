"""How the codes of all images together compare with the prior N(0, I)."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from vae_core.errors import MeasureError
from vae_core.losses.gaussian import closed_form_kl, reparameterise
from vae_core.metrics.checks import equal_shape, finite_rows, positive_count

BLOCK_NUMBERS = 1_000_000  # 8 MB, of which a logarithm of sums holds several
NARROWEST = 1e-12  # smallest variance, relative to the largest squared code: rounding then costs 0.001 nats
LOG_VAR_LIMIT = 300.0  # variances and precisions beyond e^300 would overflow when multiplied


class AggregatePosterior(NamedTuple):
    """mean_kl = mutual_information + marginal_kl (Hoffman and Johnson 2016), nats per image, each at least 0.

    Attributes:
        mean_kl: E KL(q(z|x) || p(z)), the KL term of the loss.
        mutual_information: I(x; z) of a code and the index of its image among the N; at most ln N. Of all images, of
            which these N are a sample, it is a lower bound (van den Oord et al. 2018; Poole et al. 2019).
        marginal_kl: KL(q(z) || p(z)), how far the codes of the N images together are from the prior; of all images, an
            upper bound. Where the information is near ln N it is far above: see `least_marginal_kl`.
        standard_error: of the last two.
    """

    mean_kl: float
    mutual_information: float
    marginal_kl: float
    standard_error: float


class LowerBound(NamedTuple):
    """A lower bound on KL(q(z) || p(z)), nats per image.

    Attributes:
        value: of the estimate; it may be negative.
        standard_error: of the estimate.
    """

    value: float
    standard_error: float


def aggregate_posterior(
    mean: np.ndarray, log_var: np.ndarray, *, samples: int = 2_000, seed: int = 0
) -> AggregatePosterior:
    """Split the mean KL into mutual information and the KL of the aggregate posterior to the prior.

    q(z) is the mixture of all N posteriors with equal weights. The mean KL is exact. The mutual
    information is a Monte Carlo mean of ln q(z|x) / q(z), and the marginal KL is what remains, so the identity holds
    exactly and both have the same error: the standard deviation of the logarithm, 1 to 2 nats where posteriors
    overlap and 0 where none do, over the root of `samples`. The estimate is clipped to between 0 and the
    mean KL, where the true value lies. As I(x; z) cannot exceed ln N, compare models at equal N only. Posteriors
    narrower than a millionth of the largest code count as that wide in the mixture, which matters only for codes that
    close together.

    Args:
        mean: (N, d) posterior means.
        log_var: (N, d) logarithms of the posterior variances.
        samples: number of codes, each sampled from the posterior of an image chosen with replacement.
        seed: of this sampling.

    Raises:
        MeasureError: no images, values that are not finite, or a variance beyond e^300 or below e^-300.
        ValueError: the shapes differ, or `samples` is below 1.
    """
    mean, log_var = finite_rows("posterior means", mean), finite_rows("posterior log-variances", log_var)
    equal_shape(mean, log_var)
    positive_count("samples", samples)
    if np.abs(log_var).max() > LOG_VAR_LIMIT:
        raise MeasureError(f"a variance lies beyond e^±{LOG_VAR_LIMIT:.0f}: train the model that made it again")
    mean_kl = float(closed_form_kl(mean, log_var).sum(axis=1).mean())
    random = np.random.default_rng(seed)
    chosen = random.integers(len(mean), size=samples)
    noise = random.standard_normal((samples, mean.shape[1]))
    shares = _log_own_share(mean, log_var, chosen, noise)
    information = min(max(math.log(len(mean)) + float(shares.mean()), 0.0), mean_kl)
    return AggregatePosterior(mean_kl, information, mean_kl - information, float(shares.std()) / math.sqrt(samples))


def least_marginal_kl(z: np.ndarray, log_density: np.ndarray) -> LowerBound:
    """A lower bound on KL(q(z) || p(z)) of the prior N(0, I), from any other density m of codes.

    KL(q || p) = E_q[ln q - ln p] and E_q[ln q - ln m] = KL(q || m) >= 0, so E_q[ln m - ln p] is a lower bound, the
    closer, the better m fits. It is also what a model gains in ELBO by m as its prior in place of N(0, I).

    Args:
        z: (N, d), codes sampled from q(z), of images to which m was not fitted: otherwise it is no bound.
        log_density: (N,), ln m(z) in nats.

    Raises:
        MeasureError: fewer than two codes, or values that are not finite.
        ValueError: not one density for each code.
    """
    z = finite_rows("codes", z, least=2)
    (log_density,) = finite_rows("log-densities", np.asarray(log_density)[None])
    if len(log_density) != len(z):
        raise ValueError(f"{len(log_density)} densities do not match {len(z)} codes")
    gain = log_density + 0.5 * (np.square(z).sum(axis=1) + z.shape[1] * math.log(2.0 * math.pi))
    return LowerBound(float(gain.mean()), float(gain.std(ddof=1)) / math.sqrt(len(gain)))


def _log_own_share(mean: np.ndarray, log_var: np.ndarray, chosen: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """ln of q(z|x_i) / sum_j q(z|x_j) for z = mean_i + sigma_i * noise: how well z identifies its image.

    Args:
        mean: (N, d).
        log_var: (N, d).
        chosen: (M,), the indices i.
        noise: (M, d), standard normal.

    Returns:
        float64 (M,), at most 0.
    """
    mean = mean - mean.mean(axis=0)  # densities do not change with the origin; rounding does
    largest = (np.square(mean) + np.exp(log_var)).max(axis=0)
    log_var = np.maximum(log_var, np.log(NARROWEST * largest))
    from scipy.special import logsumexp  # takes half a second to import

    precision = np.exp(-log_var)
    # sum_d (z - mean)^2 * precision as one product [z^2, z, 1].[precision, -2 mean precision, mean^2 precision]:
    # an array over samples, images and dimensions would need too much memory.
    weighted = mean * precision
    right = np.hstack([precision, -2.0 * weighted, (mean * weighted).sum(axis=1, keepdims=True)])
    log_scale = log_var.sum(axis=1)
    result = np.empty(len(chosen))
    block = max(1, BLOCK_NUMBERS // len(mean))
    for start in range(0, len(chosen), block):
        rows = slice(start, start + block)
        own = chosen[rows]
        z = reparameterise(mean[own], log_var[own], noise[rows])
        squared = np.hstack([np.square(z), z, np.ones((len(z), 1))]) @ right.T
        log_density = -0.5 * (squared + log_scale)  # up to a shared constant
        own_density = log_density[np.arange(len(z)), own]
        result[rows] = own_density - logsumexp(log_density, axis=1)
    return result


def gaussian_kl_to_standard_normal(mean: np.ndarray, covariance: np.ndarray) -> float:
    """KL(N(mean, covariance) || N(0, I)) in nats, at least 0: (tr C + |m|^2 - d - ln det C) / 2.

    Args:
        mean: (d,).
        covariance: (d, d), symmetric, positive definite.

    Raises:
        MeasureError: a covariance that is singular (the divergence is infinite), or values that are not finite.
        ValueError: the shapes do not match, or the covariance is not symmetric.
    """
    covariance = finite_rows("covariances", covariance)
    (mean,) = finite_rows("means", np.asarray(mean)[None])
    if covariance.shape != (len(mean), len(mean)):
        raise ValueError(f"covariance {covariance.shape} does not match a mean of {len(mean)} dimensions")
    if not np.allclose(covariance, covariance.T, rtol=1e-5, atol=1e-12):
        raise ValueError("the covariance is not symmetric")
    variances = np.diagonal(covariance)
    if variances.min() <= 0.0:
        raise MeasureError("a dimension has no variance, so the divergence is infinite: leave the dimension out")
    # Singularity is tested on the correlations, which have no units: a small variance alone is no problem.
    deviations = np.sqrt(variances)
    eigenvalues = np.linalg.eigvalsh(covariance / np.outer(deviations, deviations))
    # Rounding alone moves an eigenvalue that is 0 by up to about twice d eps of the largest, which is near 1 here.
    if eigenvalues.min() <= 4 * len(mean) * np.finfo(np.float64).eps:
        raise MeasureError("some dimensions depend on each other, so the divergence is infinite: use more points")
    log_determinant = np.log(variances).sum() + np.log(eigenvalues).sum()
    return max(0.0, 0.5 * float(variances.sum() + np.square(mean).sum() - len(mean) - log_determinant))
