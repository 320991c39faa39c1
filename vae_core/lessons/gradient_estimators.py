"""Monte Carlo estimates: of the KL, and of the gradient of an expectation in two ways.

The goal is the gradient of E_q[f(z)], q = N(mean, sigma^2) by dimension, with respect to mean and sigma. The
reparameterised estimator writes z = mean + sigma * noise and differentiates f; the score-function estimator
differentiates ln q and needs f's values only. Both are unbiased; they differ in their variance. Arrays in, arrays out:
the caller computes f's values and gradients, so that all this is numpy.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from vae_core.errors import MeasureError
from vae_core.losses.gaussian import log_density_ratio, reparameterise
from vae_core.program.backward import cost_and_gradient
from vae_core.program.operations import differentiable
from vae_core.run import Run

MAX_DRAWS = 100_000
ESTIMATORS = ("reparameterised", "score function", "score function with baseline")


class Estimate(NamedTuple):
    """A mean of independent samples.

    Attributes:
        value: the mean.
        standard_error: the samples' standard deviation over the root of their number.
        n: number of samples.
    """

    value: float
    standard_error: float
    n: int


class Gradients(NamedTuple):
    """One gradient per sample, with respect to a diagonal Gaussian's parameters.

    Attributes:
        mean: float64 (n, d), d/d mean.
        log_sigma: float64 (n, d), d/d ln sigma; half of it is d/d log-variance.
    """

    mean: np.ndarray
    log_sigma: np.ndarray

    def average(self) -> tuple[np.ndarray, np.ndarray]:
        """The estimate: means over samples, (d,) each."""
        return self.mean.mean(axis=0), self.log_sigma.mean(axis=0)

    def variance(self) -> tuple[np.ndarray, np.ndarray]:
        """Of one sample, by dimension, (d,) each; an average of m samples has an m-th of it."""
        return self.mean.var(axis=0, ddof=1), self.log_sigma.var(axis=0, ddof=1)


def monte_carlo_kl(mean: np.ndarray, log_var: np.ndarray, noise: np.ndarray) -> Estimate:
    """KL(N(mean, diag exp(log_var)) || N(0, I)) as the mean of ln q(z) - ln p(z) over samples of q, in nats.

    The closed form is `losses.gaussian.closed_form_kl`.

    Args:
        mean: (d,).
        log_var: (d,).
        noise: (n, d), standard normal, n at least 2.
    """
    mean, log_var, noise = _matching(mean, log_var, noise)
    ratios = log_density_ratio(reparameterise(mean, log_var, noise), log_var, noise)
    return Estimate(float(ratios.mean()), float(ratios.std(ddof=1)) / math.sqrt(len(ratios)), len(ratios))


def reparameterised(gradients: np.ndarray, sigma: np.ndarray, noise: np.ndarray) -> Gradients:
    """Through the sample: df/dz, and df/dz * sigma * noise (Kingma and Welling 2014; Rezende et al. 2014).

    Args:
        gradients: (n, d), df/dz at z = mean + sigma * noise.
        sigma: (d,), above 0.
        noise: (n, d), standard normal.
    """
    gradients, sigma, noise = (np.asarray(part, dtype=np.float64) for part in (gradients, sigma, noise))
    if gradients.shape != noise.shape:
        raise ValueError(f"gradients {gradients.shape} and noise {noise.shape} differ in shape")
    return Gradients(gradients, gradients * sigma * noise)


def score_function(values: np.ndarray, sigma: np.ndarray, noise: np.ndarray, *, baseline: bool = False) -> Gradients:
    """Through the density: f * d ln q (REINFORCE, Williams 1992), with d ln q = noise / sigma and noise^2 - 1.

    Args:
        values: (n,), f(z) at z = mean + sigma * noise.
        sigma: (d,), above 0.
        noise: (n, d), standard normal.
        baseline: subtract from each value the mean of the others, which are independent of it, so that the estimator
            stays unbiased (Mnih and Rezende 2016); needs two samples.
    """
    values, sigma, noise = (np.asarray(part, dtype=np.float64) for part in (values, sigma, noise))
    if values.shape != noise.shape[:1]:
        raise ValueError(f"values {values.shape} do not match noise {noise.shape}")
    if baseline:
        if len(values) < 2:
            raise ValueError("a baseline is the mean of the other samples: there must be two")
        values = values - (values.sum() - values) / (len(values) - 1)
    return Gradients(values[:, None] * noise / sigma, values[:, None] * (np.square(noise) - 1.0))


def reconstruction_gradients(
    run: Run, pixels: np.ndarray, draws: int, *, seed: int = 0
) -> tuple[np.ndarray, dict[str, Gradients]]:
    """The gradient of one image's reconstruction term with respect to its posterior, by all `ESTIMATORS`.

    f(z) = -log p(x|z), in nats; the same samples for all. Decoders with convolutions need torch, for df/dz.

    Args:
        run: with a posterior.
        pixels: (D,), in [0, 1], as in training.
        draws: n, the number of samples, 2 to `MAX_DRAWS`.
        seed: of the noise.

    Returns:
        f of every sample, float64 (n,), and the gradients by the estimator's name.

    Raises:
        MeasureError: a run without a posterior, or draws out of range.
    """
    if isinstance(draws, bool) or not isinstance(draws, int) or not 2 <= draws <= MAX_DRAWS:
        raise MeasureError(f"draws must be an integer from 2 to {MAX_DRAWS:,}.")
    mean, log_var = (part[0].astype(np.float64) for part in run.posterior(np.reshape(pixels, (1, -1))))
    sigma = np.exp(0.5 * log_var)
    noise = np.random.default_rng(seed).standard_normal((draws, len(mean)))
    z = reparameterise(mean, log_var, noise)
    x = np.ravel(pixels).astype(np.float32)
    f, gradients = nats_and_gradients(run, x, z)
    by_name = (
        reparameterised(gradients, sigma, noise),
        score_function(f, sigma, noise),
        score_function(f, sigma, noise, baseline=True),
    )
    return f, dict(zip(ESTIMATORS, by_name, strict=True))


def nats_and_gradients(run: Run, x: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """f(z) = -log p(x|z) in nats, float64 (n,), and df/dz (n, d); decoders with convolutions need torch for it.

    Args:
        run: whose decoder and likelihood are used.
        x: (D,).
        z: (n, d).
    """
    return _by_numpy(run, x, z) if differentiable(run.decoder) else _by_torch(run, x, z)


def _by_numpy(run: Run, x: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """By the program's own derivative."""
    p_x_given_z = run.likelihood

    def cost(output: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return p_x_given_z.nats(output, x), p_x_given_z.gradient(output, x)

    return cost_and_gradient(run.decoder, run.weights, z, cost)


def _by_torch(run: Run, x: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """By automatic differentiation."""
    import torch

    from vae_core.losses.likelihoods import likelihood

    image, p_x_given_z = torch.from_numpy(x), likelihood(run.spec, run.model)
    values, slopes = [], []
    for part in torch.from_numpy(z.astype(np.float32)).split(500):
        point = part.requires_grad_()
        output = run.model.decode(point)
        cost = p_x_given_z.negative_log_likelihood(output, image.expand(len(point), -1))
        (slope,) = torch.autograd.grad(cost.sum(), point)  # samples are independent: the sum's gradient is each one's
        values.append(cost.detach().numpy())
        slopes.append(slope.numpy())
    return np.concatenate(values).astype(np.float64), np.concatenate(slopes)


def _matching(mean: np.ndarray, log_var: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    mean, log_var, noise = (np.asarray(part, dtype=np.float64) for part in (mean, log_var, noise))
    if mean.ndim != 1 or log_var.shape != mean.shape or noise.ndim != 2 or noise.shape[1:] != mean.shape:
        raise ValueError(f"mean {mean.shape}, log_var {log_var.shape} and noise {noise.shape} do not fit together")
    if len(noise) < 2:
        raise ValueError("an estimate with a standard error needs two samples")
    return mean, log_var, noise
