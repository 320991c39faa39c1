"""What the codes look like."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

ACTIVE_VARIANCE = 0.01


def active_units(means: np.ndarray) -> int:
    """Number of latent dimensions in use: Var over x of E[z|x] above 0.01 (Burda et al. 2016, section 5).

    Args:
        means: (N, d) posterior means.
    """
    return int(np.count_nonzero(means.astype(np.float64).var(axis=0) > ACTIVE_VARIANCE))


def empty_beyond(points: np.ndarray, share: float = 0.99) -> float:
    """The distance beyond which a place counts as empty, in the units of the points.

    It is the quantile `share` of the distance from a point to its nearest other point: nothing lives at a place
    that is farther from every point than nearly every point is from its own neighbour.

    Args:
        points: (N, k), at least two.
    """
    if len(points) < 2:
        raise ValueError("empty_beyond needs at least two points")
    distances, _ = KDTree(points).query(points, k=2)  # the nearest is the point itself
    return float(np.quantile(distances[:, 1], share))
