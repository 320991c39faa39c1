"""MIG and the like over seeds, β and method: was it the method, or luck?"""

from __future__ import annotations

from statistics import fmean
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from ui.chapters.faces.family import KINDS, Alike, measured
from ui.figures.plots import TEMPLATE, Finished, in_words
from ui.runs.selection import figure, measured_on, per_shelf

FIGURES = {
    "mig": "MIG",
    "disentanglement": "DCI: disentanglement",
    "completeness": "DCI: completeness",
    "informativeness": "DCI: informativeness",
    "sap": "SAP",
    "factor_vae_score": "FactorVAE score",
}
FEW = 3  # seeds below which a recipe has no spread
COLOURS = dict(zip(KINDS, ("#AA3377", "#66CCEE", "#4477AA", "#228833", "#EE6677", "#CCBB44"), strict=True))
PERMUTATIONS = 2_000


def scores(one: Alike, name: str) -> list[float]:
    """A figure of each seed that was measured."""
    return [value for line in one.lines if (value := figure(line, "factors", name)) is not None]


class Shares(NamedTuple):
    """Of what the scores of several recipes and seeds differ by.

    Attributes:
        recipe: share of the variance that goes with the recipe, 0 to 1, corrected for chance (ω², Hays 1963).
        runs: how many there are.
        chance: how often as large a share comes of recipes drawn by lot.
        widest: the recipe whose seeds differ most, with its least and its largest score.
    """

    recipe: float
    runs: int
    chance: float
    widest: tuple[str, float, float]


def shares(groups: dict[str, list[float]]) -> Shares:
    """From the scores of each recipe, at least two recipes of at least two seeds each."""
    names, values = list(groups), [np.array(of) for of in groups.values()]
    everything, sizes = np.concatenate(values), [len(of) for of in values]

    def share(scores_: np.ndarray) -> float:
        parts = np.split(scores_, np.cumsum(sizes)[:-1])
        total = float(np.square(scores_ - scores_.mean()).sum())
        within = float(sum(np.square(part - part.mean()).sum() for part in parts))
        mean_square = within / (len(scores_) - len(parts))
        corrected = total - within - (len(parts) - 1) * mean_square
        return max(0.0, corrected / (total + mean_square)) if total > 0.0 else 0.0

    recipe, draws = share(everything), np.random.default_rng(0)
    by_lot = [share(draws.permutation(everything)) for _ in range(PERMUTATIONS)]
    ranges = [float(np.ptp(of)) for of in values]
    widest = int(np.argmax(ranges))
    chance = (1 + sum(one >= recipe for one in by_lot)) / (1 + len(by_lot))
    least, most = float(values[widest].min()), float(values[widest].max())
    return Shares(recipe, len(everything), chance, (names[widest], least, most))


@per_shelf
def groups(name: str, dataset: str, d: int) -> dict[str, list[float]]:
    """The scores of every recipe that was measured, by what it is called."""
    return {one.title: values for one in measured(dataset, d) if (values := scores(one, name))}


@per_shelf
def dots(name: str, dataset: str, d: int) -> Finished:
    """A dot for each seed, a row for each recipe."""
    chart = go.Figure()
    told: dict[str, list[str]] = {}
    lines = []
    for one in measured(dataset, d):
        if not (values := scores(one, name)):
            continue
        lines += one.lines
        kind = next(key for key, kind in KINDS.items() if kind.fits(one.spec))
        title = one.title
        chart.add_scatter(
            x=values, y=[title] * len(values), mode="markers", name=title, showlegend=False,
            marker={"size": 10, "color": COLOURS[kind], "opacity": 0.75}, hovertemplate="%{x:.3f}",
        )  # fmt: skip
        chart.add_scatter(
            x=[fmean(values)], y=[title], mode="markers", showlegend=False, hovertemplate="mean %{x:.3f}",
            marker={"size": 18, "symbol": "line-ns", "line": {"width": 2, "color": COLOURS[kind]}},
        )  # fmt: skip
        told[title] = [f"{value:.3f}" for value in values]
    chart.update_layout(
        template=TEMPLATE, height=90 + 44 * len(told), hovermode="closest",
        xaxis={"title": f"{FIGURES[name]}, 0 to 1", "rangemode": "tozero"},
        yaxis={"autorange": "reversed", "automargin": True},
    )  # fmt: skip
    note = f"A dot for each random start, a line at their mean; {measured_on(*lines, noun='images')}, d = {d}."
    return Finished(chart, in_words(f"{FIGURES[name]} of each random start.", told), note)


@per_shelf
def method_or_luck(name: str, dataset: str, d: int) -> str:
    """Whether method and β, or the seed, decide: concluded from these runs alone."""
    several = {title: values for title, values in groups(name, dataset, d).items() if len(values) >= FEW}
    if len(several) < 2:
        return (
            f"To tell method from luck, at least {FEW} random starts of two methods must be measured; here is "
            f"{len(several) or 'none'}."
        )
    found = shares(several)
    title, low, high = found.widest
    told = (
        f"Of the variance of {FIGURES[name]} over these {found.runs} runs, about **{found.recipe:.0%}** goes with "
        f"method and β, the rest with the random start: {title} alone reaches from {low:.2f} to {high:.2f}. "
    )
    if found.chance > 0.05:
        told += "Methods drawn by lot would often differ as much: these runs do not tell them apart."
    elif found.recipe >= 0.5:
        told += "Here the choice of method and β matters more than luck."
    else:
        told += "Luck matters more than the choice of method and β."
    return told
