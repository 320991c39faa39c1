"""What happens first as β grows: whether the codes come to where N(0, I) is before the digits are lost."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ui.chapters.beta.costs import agreement
from ui.chapters.beta.sweep import label_of, name_of, spec_of, stops_of
from ui.runs.resources import load_run
from ui.runs.selection import per_shelf
from vae_core.errors import RunNotFound

NEAR = 0.5  # so far a standard deviation of codes may be from 1 to count as that of N(0, I)
LOST = 0.5  # of the first stop's share of like neighbours: with less, digits count as lost


class Stop(NamedTuple):
    """A stop of the dial.

    Attributes:
        label: its name there.
        spread: standard deviation of the mean codes, by dimension.
        alike: share of the 10 nearest neighbours that have the same label, of one z sampled for each held-out image.
        chance: the same of codes that tell nothing of their image.
    """

    label: str
    spread: tuple[float, ...]
    alike: float
    chance: float

    @property
    def near(self) -> bool:
        """Whether the codes lie about where N(0, I) is."""
        return max(abs(one - 1.0) for one in self.spread) < NEAR

    @property
    def told(self) -> str:
        """The spread in words."""
        return " and ".join(f"{one:.2g}" for one in self.spread)


@per_shelf
def _stops(dimensions: int) -> tuple[Stop, ...]:
    """Along the dial, without the stop that was trained on no image."""
    found = []
    for line in (one for one in stops_of(dimensions) if spec_of(one).data_weight):
        run = load_run(line.key)
        shares = np.bincount(run.codes.labels) / len(run.codes.labels)
        spread = tuple(map(float, run.codes.mean.std(axis=0)))
        found.append(Stop(label_of(spec_of(line)), spread, agreement(run), float((shares**2).sum())))
    return tuple(found)


def what_comes_first(dimensions: int) -> tuple[int, str]:
    """0 if the codes come to where N(0, I) is, 1 if digits are lost, as β grows from the dial's first stop; and why.

    Raises:
        RunNotFound: on this dial one of the two never happens, so that there is no answer.
    """
    stops = _stops(dimensions)
    start = stops[0]
    near = next((place for place, stop in enumerate(stops) if stop.near), None)
    lost = next((place for place, stop in enumerate(stops) if stop.alike < LOST * start.alike), None)
    if near is None or lost is None or near == lost:
        raise RunNotFound(f"the sweep at d = {dimensions} does not have every β; run 'python -m vae_core rebuild'.")
    came, gone = stops[near], stops[lost]
    return int(lost < near), (
        f"N(0, I) has a standard deviation of 1 in each dimension. At {name_of(start.label)} that of the codes is "
        f"{start.told}, and {start.alike:.0%} of a digit's nearest neighbours are the same digit. At "
        f"{name_of(came.label)} the codes are where N(0, I) is ({came.told}), with {came.alike:.0%} of neighbours "
        "alike. "
        f"At {name_of(gone.label)} it is {gone.alike:.0%}, and at {name_of(stops[-1].label)} {stops[-1].alike:.0%}, "
        f"where chance alone gives {stops[-1].chance:.0%}."
    )
