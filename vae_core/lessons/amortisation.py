"""What an encoder misses: q of a single image, optimised by itself (Cremer et al. 2018).

The gap between log p(x) and the ELBO of the encoder's q is KL(q || p(z|x)). It has two parts. A diagonal Gaussian that
is fitted to this image alone has a higher ELBO: the difference is the **amortisation gap**, the price of one network
that answers for all images. What is left between that ELBO and log p(x) is the **approximation gap**: no diagonal
Gaussian equals the posterior. log p(x) is not known, only bounds on it, which makes the second gap too small; what the
optimiser misses of the best q, which is fitted on fixed noise, moves from the first gap to the second.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

from vae_core.errors import MeasureError
from vae_core.evaluation.importance import importance_weighted_bound
from vae_core.lessons.gradient_estimators import Estimate, nats_and_gradients, reparameterised
from vae_core.losses.gaussian import closed_form_kl
from vae_core.run import Run

PAIRS = 128  # of noise, each with its opposite: the objective is the same in every step, so a line search can be used
MOST_STEPS = 200
REFINING_SEED = 20_180_110  # apart from the noise that the result is measured with


class DiagonalGaussian(NamedTuple):
    """q(z|x) of one image.

    Attributes:
        mean: float64 (d,).
        log_var: float64 (d,).
    """

    mean: np.ndarray
    log_var: np.ndarray


def encoded(run: Run, pixels: np.ndarray) -> DiagonalGaussian:
    """The encoder's q of an image (D,).

    Raises:
        MeasureError: a run without a posterior.
    """
    mean, log_var = (part[0].astype(np.float64) for part in run.posterior(np.reshape(pixels, (1, -1))))
    return DiagonalGaussian(mean, log_var)


def refined(run: Run, pixels: np.ndarray, start: DiagonalGaussian, *, pairs: int = PAIRS) -> DiagonalGaussian:
    """The diagonal Gaussian with the highest ELBO for one image, by L-BFGS on fixed noise.

    Args:
        run: with a posterior, and a decoder that can be differentiated.
        pixels: (D,), on which its likelihood is a density.
        start: the encoder's.
        pairs: of noise; with more of them the optimum is less that of this noise alone.

    Raises:
        MeasureError: grey pixels for a Bernoulli likelihood.
    """
    x = np.ravel(pixels).astype(np.float32)
    run.likelihood.check_pixels(x)
    half = np.random.default_rng(REFINING_SEED).standard_normal((pairs, len(start.mean)))
    noise = np.concatenate([half, -half])

    def negative_elbo(point: np.ndarray) -> tuple[float, np.ndarray]:
        mean, log_sigma = np.split(point, 2)
        sigma = np.exp(log_sigma)
        nats, slopes = nats_and_gradients(run, x, mean + sigma * noise)
        by_mean, by_log_sigma = reparameterised(slopes, sigma, noise).average()
        value = float(nats.mean() + closed_form_kl(mean, 2.0 * log_sigma).sum())
        return value, np.concatenate([by_mean + mean, by_log_sigma + np.square(sigma) - 1.0])

    point = np.concatenate([start.mean, 0.5 * start.log_var])
    found = minimize(negative_elbo, point, jac=True, method="L-BFGS-B", options={"maxiter": MOST_STEPS})
    if not np.isfinite(found.x).all() or not math.isfinite(found.fun):
        raise MeasureError(f"the optimum of q under {run.key} is not a finite number: choose another image.")
    mean, log_sigma = np.split(found.x, 2)
    return DiagonalGaussian(mean, 2.0 * log_sigma)


class Gaps(NamedTuple):
    """The two parts of log p(x) - ELBO of one image, nats.

    Attributes:
        amortisation: the refined ELBO less the encoder's, over pairs of weights.
        approximation: the importance-weighted bound with k samples of the refined q less its ELBO, over groups of k; in
            expectation at most log p(x) less that ELBO, which is the true gap and what the optimiser missed.
    """

    amortisation: Estimate
    approximation: Estimate


def split_gap(encoder: np.ndarray, refined: np.ndarray, k: int) -> Gaps:
    """Split the gap by the log-weights of one image under both Gaussians.

    Args:
        encoder: (K,), log-weights under the encoder's q, as of `importance.gaussian_log_weights`.
        refined: (K,), under the refined one, from the same noise: differences of pairs scatter less.
        k: samples of a bound, at most half of K.
    """
    groups = len(refined) // k
    if encoder.shape != refined.shape or groups < 2:
        raise ValueError("the gap is split by as many weights of both, in at least two groups of k")
    rows = refined[: groups * k].reshape(groups, k)
    return Gaps(_estimate(refined - encoder), _estimate(importance_weighted_bound(rows) - rows.mean(axis=1)))


def _estimate(values: np.ndarray) -> Estimate:
    return Estimate(float(values.mean()), float(values.std(ddof=1)) / math.sqrt(len(values)), len(values))
