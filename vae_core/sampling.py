"""Distributions to sample codes from, and paths between two codes."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np

from vae_core.errors import MeasureError

SOURCES = ("prior", "box", "gaussian", "mixture")
MIXTURE_COMPONENTS = 10
MOST_TO_FIT = 10_000


class Mixture(NamedTuple):
    """A mixture of K Gaussians over codes.

    Attributes:
        weights: (K,), sum 1.
        means: (K, d).
        covariances: (K, d, d).
    """

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray


def fit_mixture(codes: np.ndarray, components: int = MIXTURE_COMPONENTS, seed: int = 0) -> Mixture:
    """A Gaussian mixture fitted to codes after training (Ghosh et al. 2020, "ex-post density estimation").

    Args:
        codes: (N, d) of training images; the first 10,000 are used.
        components: K.
        seed: of the initialisation.

    Raises:
        MeasureError: fewer codes than components.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    if len(codes) < components:
        raise MeasureError(f"a mixture of {components} Gaussians needs at least {components} codes, not {len(codes)}.")
    scale = float(codes[:MOST_TO_FIT].std()) or 1.0  # sklearn's lower bound on variances is absolute
    fitted = GaussianMixture(components, covariance_type="full", random_state=seed, reg_covar=1e-5, max_iter=200)
    with warnings.catch_warnings():
        # The codes of a collapsed model are a few coinciding points; that the fit does not converge is harmless.
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted.fit(codes[:MOST_TO_FIT].astype(np.float64) / scale)
    return Mixture(fitted.weights_, fitted.means_ * scale, fitted.covariances_ * scale**2)


def as_one_gaussian(mixture: Mixture) -> Mixture:
    """The one Gaussian with the mixture's mean and covariance.

    Those of a mixture fitted by expectation maximisation are the codes' own, so this is the Gaussian that fits the
    codes best.
    """
    weights = mixture.weights.astype(np.float64) / mixture.weights.sum()
    mean = weights @ mixture.means  # (d,)
    apart = mixture.means - mean
    covariance = np.einsum("k,kij->ij", weights, mixture.covariances) + (weights[:, None] * apart).T @ apart
    return Mixture(np.ones(1), mean[None], covariance[None])


def widened(mixture: Mixture, variances: np.ndarray) -> Mixture:
    """The mixture of codes to which independent noise is added, with these variances (d,)."""
    return mixture._replace(covariances=mixture.covariances.astype(np.float64) + np.diag(variances))


def log_density(mixture: Mixture, z: np.ndarray) -> np.ndarray:
    """ln of the mixture's density at codes (N, d), in nats: float64 (N,)."""
    from scipy.linalg import solve_triangular
    from scipy.special import logsumexp  # takes half a second to import

    weights = mixture.weights.astype(np.float64) / mixture.weights.sum()
    parts = []
    for weight, mean, covariance in zip(weights, mixture.means, mixture.covariances, strict=True):
        factor = np.linalg.cholesky(covariance.astype(np.float64))
        whitened = solve_triangular(factor, (z - mean).T.astype(np.float64), lower=True)  # (d, N)
        scale = np.log(np.diagonal(factor)).sum() + 0.5 * len(mean) * np.log(2.0 * np.pi)
        parts.append(np.log(weight) - scale - 0.5 * np.square(whitened).sum(axis=0))
    return logsumexp(np.stack(parts), axis=0)


def directions(count: int, used: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Random directions of length 1 within some dimensions of latent space: (count, d).

    Args:
        count: how many.
        used: bool (d,), at least one of them true.
        generator: of the random numbers.
    """
    random = generator.standard_normal((count, len(used))) * used
    return random / np.linalg.norm(random, axis=1, keepdims=True)


def draw(
    source: str, count: int, codes: np.ndarray, mixture: Mixture | None, generator: np.random.Generator
) -> np.ndarray:
    """Codes (count, d) from one of `SOURCES`.

    ``prior``: N(0, I). ``box``: uniform between the smallest and the largest code in each dimension. ``mixture``: the
    fitted mixture. ``gaussian``: one Gaussian, with the mean and the covariance of the codes to which that was fitted.

    Args:
        source: one of `SOURCES`.
        count: how many.
        codes: (N, d), codes of held-out images, which define the box.
        mixture: needed for the sources ``mixture`` and ``gaussian``.
        generator: of the random numbers.

    Raises:
        MeasureError: the source needs a mixture, and the run has none.
    """
    dimensions = codes.shape[1]
    if source == "prior":
        return generator.standard_normal((count, dimensions))
    if source == "box":
        return generator.uniform(codes.min(axis=0), codes.max(axis=0), (count, dimensions))
    if source not in ("gaussian", "mixture"):
        raise ValueError(f"there is no source {source!r}; choose one of {', '.join(SOURCES)}")
    if mixture is None:
        raise MeasureError("no mixture was fitted to the codes of this run; train it again.")
    if source == "gaussian":
        mixture = as_one_gaussian(mixture)
    which = generator.choice(len(mixture.weights), size=count, p=mixture.weights / mixture.weights.sum())
    # In float64: the smallest variances can be 10^5 times below the largest, close to the resolution of float32.
    factors = np.linalg.cholesky(mixture.covariances.astype(np.float64))  # (K, d, d)
    noise = generator.standard_normal((count, dimensions))
    return mixture.means[which] + np.einsum("nij,nj->ni", factors[which], noise)


def straight_path(start: np.ndarray, end: np.ndarray, count: int) -> np.ndarray:
    """`count` points on the line from start to end, both (P, d): (P, count, d), ends included."""
    share = np.linspace(0.0, 1.0, count)[:, None]
    return start[:, None] * (1.0 - share) + end[:, None] * share


def great_circle_path(start: np.ndarray, end: np.ndarray, count: int) -> np.ndarray:
    """Spherical interpolation (White 2016): direction and length change at constant rates; (P, count, d).

    Codes in equal or opposite directions have no unique great circle between them; they get the straight line.
    """
    start, end = start.astype(np.float64), end.astype(np.float64)  # else rounding could bend the path of opposite codes
    lengths = [np.linalg.norm(ends, axis=1, keepdims=True) for ends in (start, end)]
    units = [ends / np.maximum(length, 1e-12) for ends, length in zip((start, end), lengths, strict=True)]
    angle = np.arccos(np.clip((units[0] * units[1]).sum(axis=1), -1.0, 1.0))[:, None, None]  # (P, 1, 1)
    share = np.linspace(0.0, 1.0, count)[None, :, None]
    sine = np.sin(angle)
    turns = np.abs(sine) > 1e-6
    safe = np.where(turns, sine, 1.0)
    direction = (np.sin((1.0 - share) * angle) * units[0][:, None] + np.sin(share * angle) * units[1][:, None]) / safe
    length = (1.0 - share) * lengths[0][:, None] + share * lengths[1][:, None]
    return np.where(turns, direction * length, straight_path(start, end, count))
