"""Distributions to sample codes from, and paths between two codes."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np

from vae_core.errors import MeasureError

SOURCES = ("prior", "box", "mixture")
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


def draw(
    source: str, count: int, codes: np.ndarray, mixture: Mixture | None, generator: np.random.Generator
) -> np.ndarray:
    """Codes (count, d) from one of `SOURCES`.

    ``prior``: N(0, I). ``box``: uniform between the smallest and the largest code in each dimension. ``mixture``: the
    fitted mixture.

    Args:
        source: one of `SOURCES`.
        count: how many.
        codes: (N, d), codes of held-out images, which define the box.
        mixture: needed for the source ``mixture``.
        generator: of the random numbers.

    Raises:
        MeasureError: the source is ``mixture``, and the run has none.
    """
    dimensions = codes.shape[1]
    if source == "prior":
        return generator.standard_normal((count, dimensions))
    if source == "box":
        return generator.uniform(codes.min(axis=0), codes.max(axis=0), (count, dimensions))
    if source != "mixture":
        raise ValueError(f"there is no source {source!r}; choose one of {', '.join(SOURCES)}")
    if mixture is None:
        raise MeasureError("no mixture was fitted to the codes of this run; train it again.")
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
