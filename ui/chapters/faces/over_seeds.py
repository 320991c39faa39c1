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
        low, high: the 95% interval of that share, from the noncentral F distribution (Steiger 2004).
        runs: how many there are.
        chance: how often as large a share comes of recipes drawn by lot.
        widest: the recipe whose seeds differ most, with its least and its largest score.
    """

    recipe: float
    low: float
    high: float
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
    return Shares(recipe, *_interval(values), len(everything), chance, (names[widest], least, most))


def _interval(groups_: list[np.ndarray]) -> tuple[float, float]:
    """Between which shares of the population's variance 95% of such samples would have come, for normal scores."""
    from scipy.optimize import brentq
    from scipy.stats import f_oneway, ncf

    runs = sum(map(len, groups_))
    freedom = len(groups_) - 1, runs - len(groups_)
    ratio = float(f_oneway(*groups_).statistic)
    if not np.isfinite(ratio):
        return 0.0, 1.0

    def share_at(quantile: float) -> float:
        def above(noncentrality: float) -> float:
            return float(ncf.cdf(ratio, *freedom, noncentrality)) - quantile

        if above(0.0) <= 0.0:
            return 0.0
        high = 10.0
        while above(high) > 0.0:
            high *= 4.0
            if high > 1e6:
                return 1.0
        found = brentq(above, 0.0, high)
        return float(found / (found + runs))

    return share_at(0.975), share_at(0.025)


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
        f"the recipe, that is method and β (95% interval {found.low:.0%} to {found.high:.0%}), the rest with the "
        f"random start: {title} alone reaches from {low:.2f} to {high:.2f}. "
    )
    if found.chance > 0.05:
        told += "Recipes drawn by lot would often differ as much: these runs do not tell them apart."
    elif found.low > 0.5:
        told += "Here the recipe matters more than luck."
    elif found.high < 0.5:
        told += "Luck matters more than the recipe."
    else:
        told += "The recipes differ by more than chance, but so few runs cannot tell which matters more."
    return told
