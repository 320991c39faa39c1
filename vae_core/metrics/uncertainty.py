"""How far a measured share or a median may be off by chance."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from vae_core.errors import MeasureError


def share_standard_error(share: float, count: float) -> float:
    """Standard error of a share of `count` independent draws, in the share's own unit: sqrt(p (1 - p) / n).

    Args:
        share: 0 to 1.
        count: draws, at least 1.

    Raises:
        ValueError: a share outside 0 to 1, or no draws.
    """
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"a share lies between 0 and 1, not at {share}")
    if count < 1:
        raise ValueError(f"a share is of at least one draw, not of {count}")
    return math.sqrt(share * (1.0 - share) / count)


def share_interval(hits: int, count: int, confidence: float = 0.95) -> tuple[float, float]:
    """The exact interval of a share: ``hits`` of ``count`` independent draws (Clopper and Pearson 1934).

    It holds the true share at least as often as `confidence` says, also for few draws and for none or all of them.

    Raises:
        ValueError: no draws, or hits that are not among them.
    """
    from scipy.stats import beta  # takes half a second to import

    if not 0 <= hits <= count or count < 1:
        raise ValueError(f"{hits} of {count} is no share")
    tail = (1.0 - confidence) / 2.0
    low = 0.0 if hits == 0 else float(beta.ppf(tail, hits, count - hits + 1))
    high = 1.0 if hits == count else float(beta.ppf(1.0 - tail, hits + 1, count - hits))
    return low, high


class Median(NamedTuple):
    """A median and its interval, in the units of the values.

    Attributes:
        value: of the sample.
        low, high: two of the values, between which the population's median lies with the confidence asked for.
    """

    value: float
    low: float
    high: float


def median_with_interval(values: np.ndarray, confidence: float = 0.95) -> Median:
    """The median of independent draws from any distribution, with an interval from its order statistics.

    How many draws lie below the population's median is binomial with p = 1/2, whatever the distribution (David and
    Nagaraja 2003, section 7.1): heavy tails, in which a mean would never settle, do no harm.

    Args:
        values: (N,), finite. With fewer than 6, no two of them enclose the median with 95% confidence, and the interval
            reaches from the least to the largest.
        confidence: between 0 and 1.

    Raises:
        MeasureError: no values, or one that is not finite.
        ValueError: not one-dimensional, or a confidence that is none.
    """
    from scipy.stats import binom  # takes half a second to import

    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1:
        raise ValueError(f"a median is of values (N,), not {values.shape}")
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must lie between 0 and 1, not {confidence}")
    if not len(values) or not np.isfinite(values).all():
        raise MeasureError("a median needs one value or more, all of them finite: measure again")
    ordered = np.sort(values)
    # The k-th smallest lies above the median if fewer than k draws lie below it: P(Bin(N, 1/2) < k) must stay within
    # half of what may go wrong.
    rank = max(1, int(binom.ppf((1.0 - confidence) / 2.0, len(ordered), 0.5)))
    return Median(float(np.median(ordered)), float(ordered[rank - 1]), float(ordered[len(ordered) - rank]))
