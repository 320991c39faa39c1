"""The figure of one number against β."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from ui.chapters.beta.sweep import name_of
from ui.figures.palette import CLASS_COLOURS
from ui.figures.plots import TEMPLATE, Finished, in_words


def against_beta(
    found: Mapping[str, float],
    axis: Mapping[str, Any],
    what: str,
    *,
    number: Callable[[float], str],
    note: str,
    positions: str | Sequence[str] = "top center",
    ranges: Mapping[str, tuple[float, float]] | None = None,
) -> Finished:
    """A line with its numbers at its points.

    Args:
        found: label of a stop -> its number.
        axis: of the numbers, for Plotly, with its ``title``.
        what: the figure's text alternative begins with it: a sentence.
        number: how a number is written.
        note: what the figure rests on.
        positions: of the numbers beside their points, one for all or one for each.
        ranges: label -> the least and the largest over random starts, drawn as bars.
    """
    texts = {label: number(value) for label, value in found.items()}
    between = {label: f"{number(low)} to {number(high)}" for label, (low, high) in (ranges or {}).items()}
    chart, labels = go.Figure(), {"text": list(texts.values()), "textposition": positions, "cliponaxis": False}
    chart.add_scatter(
        x=list(found), y=list(found.values()), mode="lines+markers" if ranges else "lines+markers+text", **labels,
        line={"color": CLASS_COLOURS[0]}, error_y=_bars(found, ranges) if ranges else None,
        hovertext=[text + (f" ({between[label]})" if between else "") for label, text in texts.items()],
        hovertemplate="β = %{x}<br>%{hovertext}<extra></extra>",
    )  # fmt: skip
    if ranges:  # the numbers beyond the bars
        sides = _off_the_line(list(found.values()))
        ends = [side.startswith("top") for side in sides]  # of the bar: 0 is the lower one
        beyond = [ranges[label][end] for label, end in zip(found, ends, strict=True)]
        labels["textposition"] = sides
        chart.add_scatter(x=list(found), y=beyond, mode="text", hoverinfo="skip", **labels)
    chart.update_layout(
        template=TEMPLATE,
        height=300,
        showlegend=False,
        xaxis={"title": "β", "type": "category"},
        yaxis=dict(axis),
        hovermode="closest",
    )
    told = {name_of(label): [text, *([between[label]] if between else [])] for label, text in texts.items()}
    return Finished(chart, in_words(what, told), note)


def _off_the_line(values: Sequence[float]) -> list[str]:
    """Where each point's number stands so that the line to its neighbours does not strike it through."""
    sides = {(False, False): "top center", (True, False): "top right", (False, True): "top left"}
    return [
        sides.get(
            (place > 0 and values[place - 1] > value, place + 1 < len(values) and values[place + 1] > value),
            "bottom center",
        )
        for place, value in enumerate(values)
    ]


def _bars(found: Mapping[str, float], ranges: Mapping[str, tuple[float, float]]) -> dict[str, Any]:
    """Plotly's error bars from the least to the largest."""
    return {
        "type": "data",
        "symmetric": False,
        "array": [ranges[label][1] - value for label, value in found.items()],
        "arrayminus": [value - ranges[label][0] for label, value in found.items()],
        "thickness": 1.5,
        "width": 5,
    }
