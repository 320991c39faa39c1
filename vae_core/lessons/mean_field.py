"""What a diagonal covariance costs: the best Gaussian with independent dimensions for one with dependent ones.

Minimising KL(q || p) over q with a diagonal covariance, for p = N(m, S) with the precision matrix P = S^-1, gives q the
mean m and the variances 1 / P_ii: the *conditional* variances, smaller than the margins S_ii wherever dimensions are
correlated (Bishop 2006, section 10.1.2; Turner and Sahani 2011). For two unit variances and a correlation rho they are
1 - rho^2, and the divergence that remains is -log(1 - rho^2) / 2. Divergences in nats.
"""

from __future__ import annotations

import math

import numpy as np

from vae_core.errors import MeasureError


def correlated(rho: float) -> np.ndarray:
    """The covariance matrix of two unit variances with a correlation strictly between -1 and 1, (2, 2)."""
    if not -1.0 < rho < 1.0:
        raise ValueError(f"a correlation must be above -1 and below 1, not {rho}")
    return np.array([[1.0, rho], [rho, 1.0]])


def gaussian_kl(covariance: np.ndarray, target: np.ndarray) -> float:
    """KL(N(m, covariance) || N(m, target)) = (tr(target^-1 covariance) - d + log det target - log det covariance) / 2.

    Args:
        covariance: (d, d), symmetric, positive definite.
        target: (d, d), symmetric, positive definite.

    Raises:
        MeasureError: one of them is not positive definite: the divergence is infinite or has no meaning.
    """
    determinants = []
    for matrix in (covariance, target):
        sign, logarithm = np.linalg.slogdet(matrix)
        if sign <= 0 or np.linalg.eigvalsh(matrix).min() <= 0.0:
            raise MeasureError("a covariance matrix is not positive definite: leave out dimensions that others fix.")
        determinants.append(float(logarithm))
    trace = float(np.trace(np.linalg.solve(target, covariance)))
    return 0.5 * (trace - len(target) + determinants[1] - determinants[0])


def best_diagonal(target: np.ndarray) -> np.ndarray:
    """Variances (d,) of the diagonal Gaussian with the least KL(q || N(m, target)): 1 / precision_ii."""
    return 1.0 / np.diagonal(np.linalg.inv(target))


def diagonal_gap(target: np.ndarray) -> float:
    """The least KL(q || N(m, target)) over diagonal q, in nats: (log det target - log det of the best one) / 2.

    Args:
        target: (d, d), a covariance.
    """
    return 0.5 * float(np.linalg.slogdet(target)[1] - np.log(best_diagonal(target)).sum())


def descend_diagonal(target: np.ndarray, log_sigma: np.ndarray, learning_rate: float, steps: int) -> np.ndarray:
    """Fit the deviations of a diagonal Gaussian by gradient descent on KL(q || N(m, target)).

    Args:
        target: (d, d).
        log_sigma: (d,), the start.
        learning_rate: above 0.
        steps: how many.

    Returns:
        log sigma at the end, (d,).
    """
    precision = np.diagonal(np.linalg.inv(target))
    for _ in range(steps):
        log_sigma = log_sigma - learning_rate * (precision * np.exp(2.0 * log_sigma) - 1.0)
    return log_sigma


def gap_of_correlation(rho: float) -> float:
    """The least KL between a diagonal Gaussian and two unit variances with a correlation: -log(1 - rho^2) / 2."""
    return -0.5 * math.log1p(-(rho**2))
