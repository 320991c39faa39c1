"""The Gaussian KL on arrays, for pages and files that do without torch; `losses.divergences` has it for torch."""

from __future__ import annotations

import numpy as np


def closed_form_kl(mean: np.ndarray, log_var: np.ndarray) -> np.ndarray:
    """KL(N(mean, exp(log_var)) || N(0, 1)) by dimension, in nats: float64, any shape.

    Kingma and Welling 2014, appendix B.
    """
    mean, log_var = np.asarray(mean, dtype=np.float64), np.asarray(log_var, dtype=np.float64)
    return 0.5 * (np.square(mean) + np.expm1(log_var) - log_var)
