"""Whether codes are isolated points: how far each is from its nearest neighbour, in widths of its own posterior."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vae_core.metrics.checks import distinct, equal_shape, finite_rows
from vae_core.metrics.neighbours import nearest_others


class Isolation(NamedTuple):
    """How codes lie to their nearest others.

    Attributes:
        jump: median Euclidean distance to the nearest other code, in units of the codes' spread (the root of their
            variance, summed over dimensions): how far it is from one image to the next.
        overlap: share of codes whose own posterior holds the nearest other code within two standard deviations, 0 to 1.
            Of points it is 0: between two images there is nothing that was trained.
        shared: share of codes that another image has too, 0 to 1: of a discrete code, images that are one to it.
    """

    jump: float
    overlap: float
    shared: float


def isolation(codes: np.ndarray, log_var: np.ndarray | None = None) -> Isolation:
    """How isolated codes are, see `Isolation`.

    The nearest other code is by Euclidean distance; whether a posterior holds it, by distance in its standard
    deviations: the root of their mean square over dimensions, at most 2. More images bring the nearest one nearer: the
    jump falls as N^(-1/d), and compares for one N only.

    Args:
        codes: (N, d), means.
        log_var: (N, d), of the posteriors; None for points.

    Raises:
        MeasureError: fewer than two codes, all the same, or a value that is not finite.
    """
    codes = finite_rows("codes", codes, least=2)
    distinct("codes", codes)
    nearest = nearest_others(codes, 1)[:, 0]
    away = codes[nearest] - codes
    distance = np.linalg.norm(away, axis=1)
    jump = float(np.median(distance) / np.sqrt(codes.var(axis=0).sum()))
    overlap = 0.0
    if log_var is not None:
        log_var = finite_rows("log_var", log_var)
        equal_shape(codes, log_var)
        widths = np.sqrt(np.mean(np.square(away) * np.exp(-log_var), axis=1))
        overlap = float(np.mean(widths <= 2.0))
    return Isolation(jump, overlap, float(np.mean(distance == 0.0)))
