"""Importance-weighted bounds on log p(x) of an image (Burda et al. 2016), in numpy.

One sample z of q(z|x) has the weight w = p(x, z) / q(z|x). The mean of ln w is the ELBO; the logarithm of the mean of
k weights is a tighter bound, which rises with k to log p(x). `evaluation.log_likelihood` does the same for many images
in torch.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp, softmax

from vae_core.datasets.images import binarise
from vae_core.errors import MeasureError
from vae_core.losses.gaussian import log_density_ratio, reparameterise
from vae_core.program.forward import run_program
from vae_core.run import Run

MAX_SAMPLES = 100_000  # importance samples of one image
DECODED_AT_ONCE = 500  # images per chunk: 1.6 MB at 784 pixels, which fits a processor's cache

__all__ = [
    "MAX_SAMPLES",
    "Bound",
    "binarise",
    "bounds_by_k",
    "check_samples",
    "effective_samples",
    "gaussian_log_weights",
    "image_log_weights",
    "importance_weighted_bound",
    "log_likelihoods",
]


class Bound(NamedTuple):
    """An estimate of the importance-weighted bound with k samples, nats per image.

    Attributes:
        k: samples within the logarithm; with 1 the bound is the ELBO.
        value: mean over the repeats (and over the images).
        standard_error: of that mean, due to sampling alone; None for a single repeat.
        repeats: disjoint groups of k samples that were averaged for each image.
    """

    k: int
    value: float
    standard_error: float | None
    repeats: int


def check_samples(samples: int) -> int:
    """Validate the number of importance samples and return it.

    Raises:
        MeasureError: not an integer from 1 to `MAX_SAMPLES`.
    """
    if isinstance(samples, bool) or not isinstance(samples, int) or not 1 <= samples <= MAX_SAMPLES:
        raise MeasureError(
            f"importance samples must be an integer from 1 to {MAX_SAMPLES:,}; where more are wanted, average over "
            "more images."
        )
    return samples


def importance_weighted_bound(log_weights: np.ndarray) -> np.ndarray:
    """ln of the mean weight: log_weights (..., k) -> float64 (...), nats. Burda et al. 2016, eq. 8.

    Weights that are all 0 (an image that is impossible under the model) give -inf, not NaN.
    """
    log_weights = np.asarray(log_weights, dtype=np.float64)
    if log_weights.ndim == 0 or log_weights.shape[-1] == 0:
        raise ValueError("a bound needs at least one weight")
    return logsumexp(log_weights, axis=-1) - math.log(log_weights.shape[-1])


def bounds_by_k(log_weights: np.ndarray, ks: Iterable[int]) -> list[Bound]:
    """The bound for several k from one set of weights.

    For each k the K weights of an image are split into K // k disjoint groups, and their bounds averaged: an
    unbiased estimate of the bound with k samples, whose expectation never falls with k (Burda et al. 2016, theorem 1).

    Args:
        log_weights: (K,) of one image, or (N, K) of N images, in the order in which they were sampled.
        ks: numbers of samples, 1 to K each.

    Raises:
        MeasureError: a k above K.
    """
    rows = np.atleast_2d(np.asarray(log_weights, dtype=np.float64))
    if rows.ndim != 2 or rows.size == 0:
        raise ValueError(f"log weights must be (K,) or (N, K) and not empty, not {np.shape(log_weights)}")
    images, count = rows.shape
    bounds = []
    for k in ks:
        if not 1 <= k <= count:
            raise MeasureError(f"a bound with {k:,} samples needs as many weights and there are {count:,}: draw more.")
        repeats = count // k
        values = importance_weighted_bound(rows[:, : repeats * k].reshape(images, repeats, k))  # (N, repeats)
        error = None
        if repeats > 1:
            error = math.sqrt(float((values.var(axis=1, ddof=1) / repeats).sum())) / images
        bounds.append(Bound(k, float(values.mean()), error, repeats))
    return bounds


def effective_samples(log_weights: np.ndarray) -> np.ndarray:
    """Effective sample size: (sum w)^2 / sum w^2 (Kish 1965), (..., k) -> (...), 1 to k.

    Near 1 a single sample dominates, and k is too small for a bound close to log p(x).
    """
    shares = softmax(np.asarray(log_weights, dtype=np.float64), axis=-1)
    return 1.0 / np.square(shares).sum(axis=-1)


def log_likelihoods(run: Run, pixels: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """log p(x|z) of one image under many codes, in nats, in numpy.

    Args:
        run: whose decoder is a program.
        pixels: (D,); 0 or 1 each for a Bernoulli likelihood, in [0, 1] for a Gaussian one.
        codes: (k, d).

    Returns:
        float64 (k,).

    Raises:
        MeasureError: grey pixels for a Bernoulli likelihood, which is not a density on them.
    """
    pixels = np.asarray(pixels, dtype=np.float32).ravel()
    p_x_given_z = run.likelihood
    p_x_given_z.check_pixels(pixels)
    result = np.empty(len(codes))
    for start in range(0, len(codes), DECODED_AT_ONCE):
        chunk = slice(start, start + DECODED_AT_ONCE)
        output = run_program(run.decoder, run.weights, codes[chunk])  # (chunk, D)
        result[chunk] = -p_x_given_z.nats(output, pixels)
    return result


def image_log_weights(run: Run, pixels: np.ndarray, k: int, seed: int = 0) -> np.ndarray:
    """ln w = log p(x, z) - log q(z|x) for k samples z of q(z|x), of one image, in nats.

    Args:
        run: with a posterior, and its encoder and decoder as programs.
        pixels: (D,); 0 or 1 each for a Bernoulli likelihood (see `binarise`), in [0, 1] for a Gaussian one.
        k: samples, 1 to `MAX_SAMPLES`.
        seed: of the samples; with the same seed, fewer samples are the first of more.

    Returns:
        float64 (k,), in the order in which they were sampled.

    Raises:
        MeasureError: k out of range, a run without a posterior, or grey pixels for a Bernoulli likelihood.
    """
    check_samples(k)
    mean, log_var = (part[0] for part in run.posterior(np.reshape(pixels, (1, -1))))
    return gaussian_log_weights(run, pixels, mean, log_var, k, seed)


def gaussian_log_weights(
    run: Run, pixels: np.ndarray, mean: np.ndarray, log_var: np.ndarray, k: int, seed: int = 0
) -> np.ndarray:
    """As `image_log_weights`, for samples of any diagonal Gaussian in place of the encoder's: mean and log_var (d,)."""
    check_samples(k)
    mean, log_var = np.asarray(mean, dtype=np.float64), np.asarray(log_var, dtype=np.float64)
    noise = np.random.default_rng(seed).standard_normal((k, len(mean)))
    z = reparameterise(mean, log_var, noise)
    return log_likelihoods(run, pixels, z) - log_density_ratio(z, log_var, noise)
