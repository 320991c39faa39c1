"""The chart of coverage against d."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from ui.chapters.regularity.comparison import DIMENSIONS, real_line
from ui.chapters.regularity.over_seeds import Pair, title_of
from ui.figures.palette import MODEL_COLOURS, MODEL_SYMBOLS
from ui.figures.plots import TEMPLATE, Finished, in_words
from ui.once import once
from ui.runs.selection import compared_spec, figure, per_shelf, seeds_of


class Covered(NamedTuple):
    """Coverage at one d.

    Attributes:
        d: latent dimensions.
        mean: over seeds.
        low, high: the least and the most of the seeds.
        seeds: how many.
    """

    d: int
    mean: float
    low: float
    high: float
    seeds: int


Lines = tuple[tuple[str, str, tuple[Covered, ...]], ...]  # model, source, points


@once(maxsize=32)
def coverage_figure(points: Lines, rests_on: str) -> Finished:
    """Coverage of samples against d, from the prior (solid) and from a mixture fitted afterwards (dotted).

    Bars reach from the least seed to the most. The share has no simple error of its own: neighbouring real images share
    the samples that cover them.

    Args:
        points: by `coverage_points`.
        rests_on: how many samples and images, by `coverage_of_real`.
    """
    chart = go.Figure()
    for model, source, values in points:
        chart.add_scatter(
            x=[one.d for one in values], y=[one.mean for one in values], mode="lines+markers",
            error_y={
                "array": [one.high - one.mean for one in values],
                "arrayminus": [one.mean - one.low for one in values],
            },
            name=_line_name(model, source), hovertemplate="%{y:.2f}",
            marker={"symbol": MODEL_SYMBOLS[model], "size": 9},
            line={"color": MODEL_COLOURS[model], "dash": "solid" if source == "prior" else "dot"},
        )  # fmt: skip
    chart.update_layout(
        template=TEMPLATE,
        height=340,
        xaxis={"title": "d, latent dimensions", "type": "log", "tickvals": list(DIMENSIONS), "tickformat": "d"},
        yaxis={"title": "coverage of real test images", "range": [0, 1]},
    )
    told = {
        _line_name(model, source): [
            f"{one.mean:.2f} ({one.low:.2f} to {one.high:.2f}) at d = {one.d}" for one in values
        ]
        for model, source, values in points
    }
    what = "Share of real test images with a sample nearby, against d; in brackets the least and the most of the seeds."
    seeds = {one.d: one.seeds for *_, values in points for one in values}
    counted = ", ".join(f"{count} at d = {d}" for d, count in seeds.items())
    note = (
        f"{rests_on} Random starts: {counted}; bars reach from the least to the largest, and where there is one start, "
        "how far another would be is not known."
    )
    return Finished(chart, in_words(what, told), note)


@per_shelf
def coverage_of_real(specs: Pair) -> str:
    """How many samples there are, and what real images score, which is no more than 1."""
    n = min(value for spec in specs for line in seeds_of(spec) if (value := figure(line, "samples", "prior", "n")))
    real = real_line(specs[0].dataset)
    score = figure(real, "real", "coverage") if real else None
    told = f"{n:,.0f} samples against as many real test images."
    return told if score is None else f"{told} As many other real images score {score:.2f}."


def _line_name(model: str, source: str) -> str:
    return f"{title_of(model)}, {'N(0, I)' if source == 'prior' else 'fitted mixture'}"


@per_shelf
def coverage_points(specs: Pair, dataset: str) -> Lines:
    """Of what is in the store."""
    points = []
    for spec in specs:
        for source in ("prior", "mixture"):
            values = []
            for d in DIMENSIONS:
                lines = seeds_of(compared_spec(spec.model, dataset, d, spec.hidden))
                path = ("samples", source, "coverage")
                found = [v for line in lines if (v := figure(line, *path)) is not None]
                if found:
                    values.append(Covered(d, float(np.mean(found)), min(found), max(found), len(found)))
            if values:
                points.append((spec.model, source, tuple(values)))
    return tuple(points)
