"""Statistics of the codes."""

from __future__ import annotations

import math

import numpy as np

from vae_core.errors import MeasureError
from vae_core.metrics.checks import equal_shape, finite_rows

ACTIVE_VARIANCE = 0.01


def active_dimensions(means: np.ndarray) -> np.ndarray:
    """Which latent dimensions are in use: Var over x of E[z|x] above 0.01 (Burda et al. 2016, section 5), bool (d,).

    Args:
        means: (N, d) posterior means.
    """
    return means.astype(np.float64).var(axis=0) > ACTIVE_VARIANCE


def active_units(means: np.ndarray) -> int:
    """Number of latent dimensions in use, see `active_dimensions`.

    Args:
        means: (N, d) posterior means.
    """
    return int(np.count_nonzero(active_dimensions(means)))


def sigma_over_spread(means: np.ndarray, log_var: np.ndarray) -> float:
    """How much of the codes' spread one posterior fills: median sigma over the spread of the means, at least 0.

    The median is over images and dimensions, the spread the root of the means' variance, averaged over dimensions: the
    ratio does not depend on the scale of latent space. It is 0 for an autoencoder; far above 1 the codes carry no
    information about their images.

    Args:
        means: (N, d) posterior means.
        log_var: (N, d), natural logarithm of the posterior variances.

    Raises:
        MeasureError: all means are the same, or a value is not finite.
    """
    means, log_var = finite_rows("means", means, least=2), finite_rows("log_var", log_var, least=2)
    equal_shape(means, log_var)
    spread = math.sqrt(float(means.var(axis=0).mean()))
    if spread == 0.0:
        raise MeasureError("the codes of all images are the same: they have no spread to compare sigma with.")
    # In logarithms: sigma itself may underflow.
    return math.exp(0.5 * float(np.median(log_var)) - math.log(spread))


def empty_beyond(points: np.ndarray, share: float = 0.99) -> float:
    """The distance beyond which a position counts as empty, in the units of the points.

    It is the quantile `share` of the distance from a point to its nearest other point: a position is empty if it is
    farther from every point than nearly every point is from its nearest neighbour.

    Args:
        points: (N, k), at least two.
    """
    from scipy.spatial import KDTree  # takes half a second to import

    if len(points) < 2:
        raise ValueError("empty_beyond needs at least two points")
    distances, _ = KDTree(points).query(points, k=2)  # the nearest is the point itself
    return float(np.quantile(distances[:, 1], share))
