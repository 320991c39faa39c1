"""Plotly figures in one style: fonts and grid from the theme, axes with units, no decoration."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from ui.figures.markup import small_print
from ui.figures.palette import CLASS_COLOURS, KL_COLOUR
from ui.links.present import presenting
from vae_core.models import model_kind
from vae_core.payloads.film import terms_in_nats
from vae_core.run import Run

PLAIN = {"displayModeBar": False}
LARGE_TYPE, TALLER = 20, 1.3  # pixels; times
WIDTH = 960  # CSS pixels: a line of a few points gains nothing from a wider plot

TEMPLATE = go.layout.Template(
    layout={
        "margin": {"l": 56, "r": 12, "t": 12, "b": 48},
        "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0.0},
        "hovermode": "x unified",
        "colorway": list(CLASS_COLOURS),
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "xaxis": {"zeroline": False, "gridcolor": "rgba(128,138,152,0.25)"},
        "yaxis": {"zeroline": False, "gridcolor": "rgba(128,138,152,0.25)"},
    }
)


class Finished(go.Figure):
    """A copy of a figure that will not change, so that the dictionary that Streamlit reads is made only once.

    While presenting it uses larger type, because Plotly's does not follow the page's.

    Args:
        figure: complete.
        words: what it shows, with its numbers, for screen readers (see `in_words`).
        note: what it rests on, for the small print below it: how many images, which random starts, what the bars are.
    """

    def __init__(self, figure: go.Figure, words: str, note: str) -> None:
        super().__init__(figure)
        self._made: dict[bool, dict[str, Any]] = {}
        self._words, self._note = words, note

    @property
    def words(self) -> str:
        """The figure's text alternative."""
        return self._words

    @property
    def note(self) -> str:
        """What the figure rests on."""
        return self._note

    def to_dict(self) -> dict[str, Any]:
        """The figure as a dictionary, not to be changed."""
        large = presenting()
        if large not in self._made:
            made = super().to_dict()
            self._made[large] = enlarged(made) if large else made
        return self._made[large]


def enlarged(figure: dict[str, Any]) -> dict[str, Any]:
    """A figure that can be read from the back of a classroom: larger type, and more space for it."""
    layout = deepcopy(figure["layout"])
    layout["font"] = {**layout.get("font", {}), "size": LARGE_TYPE}
    layout["hoverlabel"] = {"font": {"size": LARGE_TYPE}}
    layout["legend"] = {**layout.get("legend", {}), "font": {"size": LARGE_TYPE}}
    for name, axis in layout.items():
        if name.startswith(("xaxis", "yaxis")):
            axis["tickfont"] = {"size": LARGE_TYPE}
            axis["title"] = {**axis.get("title", {}), "font": {"size": LARGE_TYPE}, "standoff": 12}
            axis["automargin"] = True
    if "height" in layout:
        layout["height"] *= TALLER
    return {**figure, "layout": layout}


def show(figure: Finished, *, key: str) -> None:
    """Put a figure on the page, with its text alternative and its note; as wide as its column, up to `WIDTH`.

    A slide has no room for the note: a step must fit on it whole.
    """
    st.plotly_chart(figure, width=WIDTH, config=PLAIN, key=key, alt=figure.words)
    if not presenting():
        st.html(small_print(figure.note))


def in_words(what: str, lines: Mapping[str, Iterable[str]]) -> str:
    """A figure's text alternative: what it shows, then the points of each line.

    Args:
        what: a sentence with both axes and their units.
        lines: name -> its points in words, "0.0612 at d = 2".
    """
    return " ".join([what, *(f"{name}: {', '.join(points)}." for name, points in lines.items())])


def ends(places: Iterable[float], values: Iterable[float], *, digits: int = 1) -> list[str]:
    """A long curve in words: its first and its last point."""
    points = list(zip(places, values, strict=True))
    return [f"{value:.{digits}f} at {place:,.0f}" for place, value in dict.fromkeys((points[0], points[-1]))]


@st.cache_resource(show_spinner=False, max_entries=64)
def history_figure(name: str, _run: Run) -> Finished:
    """Losses by epoch, training against held out, in nats per image.

    Args:
        name: by which the figure is kept: of a file that was sent not its key, which it may only claim.
        _run: whose history it is.
    """
    del name
    run = _run
    epochs = [record["epoch"] for record in run.history]
    names = terms_in_nats(run.spec, run.history)
    # The ELBO's terms, where there are such: others beside them have another size, and curves of their own elsewhere.
    names = [name for name in names if name in ("reconstruction", "kl")] or names
    colours = dict(zip([name for name in names if name != "kl"], CLASS_COLOURS, strict=False))
    figure = go.Figure()
    points = {}
    for name in names:
        title = "KL" if name == "kl" else name.capitalize().replace("_", " ")
        colour = colours.get(name, KL_COLOUR)
        held_out = [record[f"validation_{name}"] for record in run.history]
        training = [record[name] for record in run.history]
        axis = "y2" if name == "kl" else "y"
        figure.add_scatter(x=epochs, y=held_out, name=f"{title}, held out", line={"color": colour}, yaxis=axis)
        figure.add_scatter(
            x=epochs, y=training, name=f"{title}, training", line={"color": colour, "dash": "dot"}, yaxis=axis
        )
        points[f"{title}, held out"], points[f"{title}, training"] = ends(epochs, held_out), ends(epochs, training)
    figure.update_layout(
        template=TEMPLATE,
        height=300,
        xaxis={"title": "epoch"},
        yaxis={
            "title": f"{' and '.join(colours)}, nats per image",
            "range": _settled_range(run, [*colours]),
            "automargin": True,
        },
        yaxis2={
            "title": "KL, nats per image",
            "overlaying": "y",
            "side": "right",
            "showgrid": False,
            "tickmode": "auto",
            "nticks": 5,
            "tickformat": ".1f",
            "automargin": True,
            "visible": "kl" in names,
        },
    )
    averaged = model_kind(run.spec.model).bottleneck.drawn
    lags = "and the generator is not averaged" if averaged else "so that it lags behind"
    note = (
        f"Held out: {len(run.codes.labels):,} images, after each epoch. Training: the mean over the epoch's steps, in "
        f"which the weights change, {lags}. One random start."
    )
    return Finished(figure, in_words("Losses in nats per image against epochs.", points), note)


def _settled_range(run: Run, names: list[str]) -> list[float]:
    """From the lowest loss to the one after the first 3% of the epochs: the earlier ones would flatten the rest."""
    columns = [f"{split}{name}" for name in names for split in ("", "validation_")]
    first = min(len(run.history) - 1, math.ceil(0.03 * len(run.history)))
    low = min(record[column] for record in run.history for column in columns)
    high = max(run.history[first][column] for column in columns)
    if len(names) > 1:  # networks against each other: their losses rise as well as fall
        high = max(record[column] for record in run.history[first:] for column in columns)
    margin = max(0.05 * (high - low), 0.005 * abs(high)) or 1.0  # what is flat needs no more digits on its axis
    return [low - margin, high + margin]
