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
    positions: str | Sequence[str] = "top center",
) -> Finished:
    """A line with its numbers at its points.

    Args:
        found: label of a stop -> its number.
        axis: of the numbers, for Plotly, with its ``title``.
        what: the figure's text alternative begins with it: a sentence.
        number: how a number is written.
        positions: of the numbers beside their points, one for all or one for each.
    """
    texts = {label: number(value) for label, value in found.items()}
    chart = go.Figure()
    chart.add_scatter(
        x=list(found), y=list(found.values()), mode="lines+markers+text", cliponaxis=False,
        text=list(texts.values()), textposition=positions,
        line={"color": CLASS_COLOURS[0]}, hovertemplate="β = %{x}<br>%{text}<extra></extra>",
    )  # fmt: skip
    chart.update_layout(
        template=TEMPLATE,
        height=300,
        showlegend=False,
        xaxis={"title": "β", "type": "category"},
        yaxis=dict(axis),
        hovermode="closest",
    )
    return Finished(chart, in_words(what, {name_of(label): [text] for label, text in texts.items()}))
