"""Both terms of the negative ELBO on arrays, for pages and files that do without torch; see `objectives`."""

from __future__ import annotations

import numpy as np


def closed_form_kl(mean: np.ndarray, log_var: np.ndarray) -> np.ndarray:
    """KL(N(mean, exp(log_var)) || N(0, 1)) by dimension, in nats: float64, any shape.

    Kingma and Welling 2014, appendix B.
    """
    mean, log_var = np.asarray(mean, dtype=np.float64), np.asarray(log_var, dtype=np.float64)
    return 0.5 * (np.square(mean) + np.expm1(log_var) - log_var)


def cross_entropy(logits: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """-log p(x|z) of the Bernoulli likelihood, summed over pixels, in nats: float64 (N,).

    Args:
        logits: (N, D), in whose precision each pixel is computed.
        pixels: (N, D) or (D,), in [0, 1].
    """
    each = np.logaddexp(logits.dtype.type(0.0), logits) - pixels * logits
    return each.sum(axis=1, dtype=np.float64)
