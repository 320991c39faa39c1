"""Encoding distributions without the KL term: all approximate posteriors of two models of the β sweep, d = 2."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ui.chapters.beta.sweep import label_of, stops_of
from ui.chapters.inside.instrument import Halves, halves_of
from ui.figures.palette import CLASS_COLOURS
from ui.runs.resources import load_run
from ui.runs.selection import per_shelf
from vae_core.errors import RunNotFound
from vae_core.metrics import sigma_over_spread
from vae_core.payloads.plane import Payload
from vae_core.payloads.posteriors import posteriors_payload
from vae_core.run import Run

WITH, WITHOUT = "1", "0"  # stops of the sweep
WIDER, ALIKE, NARROWER = "It grows", "It stays about the same", "It shrinks, to less than a tenth"


class Width(NamedTuple):
    """How wide the approximate posteriors of one model are.

    Attributes:
        sigma: median over held-out images and dimensions.
        spread: standard deviation of the means, the root of their variance averaged over dimensions.
        ratio: sigma / spread.
        halves: the KL's two parts.
    """

    sigma: float
    spread: float
    ratio: float
    halves: Halves


def _run(stop: str) -> Run:
    for line in stops_of(2):
        assert line.spec is not None  # the shelf holds readable runs only
        if label_of(line.spec) == stop:
            return load_run(line.key)
    raise RunNotFound(f"the sweep at d = 2 lacks β = {stop}; run 'python -m vae_core rebuild'.")


@per_shelf
def width_of(stop: str) -> Width:
    """The widths of a stop of the sweep at d = 2.

    Raises:
        RunNotFound: it is not in the store.
    """
    run = _run(stop)
    mean, log_var = run.codes.posterior()
    sigma = float(np.median(np.exp(0.5 * log_var.astype(np.float64))))
    ratio = sigma_over_spread(mean, log_var)
    return Width(sigma, sigma / ratio, ratio, halves_of(run))


@per_shelf
def both_planes() -> Payload:
    """What the component is sent."""
    runs = [_run(stop) for stop in (WITH, WITHOUT)]
    planes = []
    for title, stop in ((f"With the KL, β = {WITH}", WITH), (f"Without it, β = {WITHOUT}", WITHOUT)):
        width = width_of(stop)
        told = (
            f"Spread of the means {_digits(width.spread)}, median σ {_digits(width.sigma)}: "
            f"{_share(width.ratio)} of the spread."
        )
        planes.append({"title": title, "told": told, "spread": width.spread})
    return posteriors_payload(runs, planes, palette=list(CLASS_COLOURS))


def what_becomes_of_sigma() -> tuple[int, str]:
    """Without the KL: the right option's index, and the numbers that say why."""
    held, free = width_of(WITH), width_of(WITHOUT)
    change = free.ratio / held.ratio
    right = 0 if change > 2 else 2 if change < 0.1 else 1
    reason = (
        f"With β = 1 the median σ is {_share(held.ratio)} of the spread of the means, with β = 0 it is "
        f"{_share(free.ratio)}. Noise only makes the reconstruction worse, so without the KL the model gets rid of it."
    )
    return right, reason


def two_ways() -> str:
    """Both ways to cheat, with their numbers: markdown."""
    held, free = width_of(WITH), width_of(WITHOUT)
    return (
        f"Both happen here. The median σ falls from **{_digits(held.sigma)}** to **{_digits(free.sigma)}**, and the "
        f"means spread from **{_digits(held.spread)}** to **{_digits(free.spread)}**. Only the ratio matters: measured "
        f"in other units, smaller variances are the same as means farther apart. In the KL's terms, its mean part goes "
        f"from {held.halves.mean:.1f} to {free.halves.mean:.1f} nats and its variance part from "
        f"{held.halves.variance:.1f} to {free.halves.variance:.1f} (means over {held.halves.n:,} held-out digits, one "
        "model of the β dial each, d = 2)."
    )


def _digits(value: float) -> str:
    return f"{value:.2g}" if value >= 0.001 else f"{value:.6f}".rstrip("0")


def _share(value: float) -> str:
    percent = 100 * value
    return f"{percent:.1f}%" if percent >= 0.1 else f"{percent:.5f}".rstrip("0") + "%"
