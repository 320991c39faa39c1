"""What measurements of codes against known factors share: checks, and bins."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vae_core.errors import MeasureError
from vae_core.metrics.checks import finite_rows

BINS = 20  # as in disentanglement_lib (Locatello et al. 2019)


def codes_with_factors(
    codes: np.ndarray, factors: np.ndarray, categories: Sequence[bool], *, least: int
) -> tuple[np.ndarray, np.ndarray, tuple[bool, ...]]:
    """Codes (N, d) and factors (N, F) as float64, and which of the factors are categories, (F,).

    Raises:
        MeasureError: fewer than `least`, a value that is not finite, or a factor that is the same for all.
        ValueError: not one row of factors per code, or not one word per factor on its kind.
    """
    codes = finite_rows("codes", codes, least=least)
    factors = np.asarray(factors, dtype=np.float64)
    if factors.ndim != 2 or len(factors) != len(codes):
        raise ValueError(f"factors {factors.shape} do not match {len(codes)} codes")
    if not np.isfinite(factors).all():
        raise MeasureError("some factors are infinite or NaN: give every image a number for each factor")
    still = np.flatnonzero(np.ptp(factors, axis=0) == 0.0)
    if factors.shape[1] == 0 or len(still):
        which = f"factor {still[0] + 1} is" if len(still) else "there are no factors, or they are"
        raise MeasureError(f"{which} the same for all images, and cannot be found: leave it out")
    kinds = tuple(bool(one) for one in categories) or (False,) * factors.shape[1]
    if len(kinds) != factors.shape[1]:
        raise ValueError(f"{len(kinds)} kinds do not match {factors.shape[1]} factors")
    return codes, factors, kinds


def binned(values: np.ndarray, bins: int = BINS) -> np.ndarray:
    """Numbers of bins of equal width between a column's least and largest value: (N, k) -> integers (N, k), from 0.

    A constant column has one bin.
    """
    found = np.zeros(values.shape, dtype=np.int64)
    for place, column in enumerate(values.T):
        if np.ptp(column) > 0.0:
            found[:, place] = np.digitize(column, np.histogram_bin_edges(column, bins)[:-1]) - 1
    return found


def as_classes(factors: np.ndarray, categories: Sequence[bool], bins: int = BINS) -> np.ndarray:
    """Classes of every factor: a category's own values, and bins of the others; integers (N, F), from 0."""
    classes = binned(factors, bins)
    for place, category in enumerate(categories):
        if category:
            classes[:, place] = np.unique(factors[:, place], return_inverse=True)[1]
    return classes
