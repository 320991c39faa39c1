"""Formulas for diagonal Gaussians: in torch for training, in numpy for the measurements of pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor


def kl_to_standard_normal(mean: Tensor, log_var: Tensor) -> Tensor:
    """KL(N(mean, exp(log_var)) || N(0, I)) by dimension, in nats: (B, d). Kingma and Welling 2014, appendix B.

    Nothing bounds the log-variance: above 88.7, where exp leaves the range of float32, the KL is infinite, and the
    training loop ends with a sentence that says so.
    """
    return 0.5 * (mean.square() + log_var.exp() - 1.0 - log_var)


def closed_form_kl(mean: np.ndarray, log_var: np.ndarray) -> np.ndarray:
    """`kl_to_standard_normal` for arrays: float64, any shape."""
    mean, log_var = np.asarray(mean, dtype=np.float64), np.asarray(log_var, dtype=np.float64)
    return 0.5 * (np.square(mean) + np.expm1(log_var) - log_var)


def kl_halves(mean: np.ndarray, log_var: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The two parts that `closed_form_kl` is the sum of: float64, any shape, each at least 0.

    Returns:
        ½ μ², which holds the means together, and ½ (σ² − 1 − log σ²), which holds the variances open.
    """
    mean, log_var = np.asarray(mean, dtype=np.float64), np.asarray(log_var, dtype=np.float64)
    return closed_form_kl(mean, np.zeros_like(mean)), closed_form_kl(np.zeros_like(log_var), log_var)


def reparameterise(mean: np.ndarray, log_var: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """z = mean + sigma * noise, in the arrays' precision: makes a sample of N(mean, exp(log_var)) from N(0, 1)."""
    return mean + np.exp(0.5 * log_var) * noise


def log_density_ratio(z: np.ndarray, log_var: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """ln q(z|x) - ln p(z) in nats, summed over dimensions: (n, d) -> (n,). The Gaussians' constants cancel.

    Args:
        z: (n, d), sampled from q by `reparameterise`.
        log_var: (d,) or (n, d), of q.
        noise: (n, d), from which z was made.
    """
    return 0.5 * (np.square(z) - np.square(noise) - log_var).sum(axis=1)
