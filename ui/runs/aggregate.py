"""What a run's figures allow one to say of its aggregate posterior: an interval, not a number.

I(x; z) of N images is at most ln N, and of all images it is at least that. So what is left of the KL, KL(q(z) ‖ p), is
at most the remainder; at least, it is what a density fitted to other codes shows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SUM = "The KL is their sum: where one is at its least, the other is at its most."
NEAR = 0.95  # of ln N: above, I(x; z) says more of N than of the model
ERRORS = 2.0  # standard errors by which each bound is widened


@dataclass(frozen=True)
class Aggregate:
    """The mean KL and its two parts, in nats per image.

    Attributes:
        kl: E KL(q(z|x) ‖ p), exact.
        information: I(x; z) of a code and the number of its image among n: of all images, a lower bound.
        n: images.
        low, high: KL(q(z) ‖ p) of all images lies between them, but for two standard errors that they contain.
    """

    kl: float
    information: float
    n: int
    low: float
    high: float

    @property
    def limit(self) -> float:
        """The largest I(x; z) that n images can show."""
        return math.log(self.n)

    @property
    def only_a_bound(self) -> bool:
        """Whether I(x; z) is at its limit."""
        return self.information > NEAR * self.limit

    @property
    def least_information(self) -> float:
        """I(x; z) of all images is at least that: what is left of the KL where the divergence is at its most."""
        return self.kl - self.high

    @property
    def most_information(self) -> float:
        """I(x; z) of all images is at most that."""
        return self.kl - self.low

    @property
    def shares(self) -> tuple[float, float]:
        """Between which shares of the KL the divergence KL(q(z) ‖ p) lies."""
        return (self.low / self.kl, self.high / self.kl) if self.kl > 0 else (0.0, 0.0)

    def in_nats(self) -> str:
        """The interval of KL(q(z) ‖ p) in words."""
        return self._interval(self.low, self.high)

    def told(self) -> str:
        """That of I(x; z), to as many digits: the estimate alone and the other's interval would not add up."""
        return self._interval(self.least_information, self.most_information)

    def _interval(self, least: float, most: float) -> str:
        return from_to(least, most, 2 if self.high < 10 else 1)


def from_to(low: float, high: float, digits: int) -> str:
    """An interval in words; one number where both ends round to it."""
    least, most = (f"{value:,.{digits}f}" for value in (low, high))
    return least if least == most else f"{least} to {most}"


def aggregate_of(figures: Mapping[str, Any]) -> Aggregate | None:
    """From the figures of one split; None for a model without a posterior, or one that was not measured.

    Where the lower bound was not measured, it is 0, which is always one.
    """
    names = ("kl", "aggregate_kl", "mutual_information", "n")
    if not all(name in figures for name in names):
        return None
    kl, high, information, n = (figures[name] for name in names)
    error = ERRORS * figures.get("mutual_information_standard_error", 0.0)
    low = figures.get("aggregate_kl_lower", 0.0) - ERRORS * figures.get("aggregate_kl_lower_standard_error", 0.0)
    high = min(max(high, 0.0) + error, kl)
    return Aggregate(kl, information, int(n), min(max(low, 0.0), high), high)
