"""Whether every sample of an image's approximate posterior still decodes to the image's class, against β."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from ui.chapters.beta.sweep import DATASET, KL_ONLY, USUAL, label_of, name_of, spec_of, stops_of
from ui.figures.palette import CLASS_COLOURS
from ui.figures.plots import TEMPLATE, Finished, in_words
from ui.runs.resources import feature_space, load_run
from ui.runs.selection import per_shelf
from vae_core.errors import RunNotFound
from vae_core.metrics import share_standard_error

IMAGES = 500  # of each stop: seeing them takes the classifier seconds in all


class Kept(NamedTuple):
    """Of one stop, shares of decoded images that the classifier sees as their image's class.

    Attributes:
        at_mean: of the mean codes.
        sampled: of one z sampled for each image.
        error: standard error of their difference, over images: both are of the same ones.
    """

    at_mean: float
    sampled: float
    error: float


def kept(dimensions: int) -> dict[str, Kept]:
    """Every stop by its label, without the one that was trained on no image.

    Raises:
        RunNotFound: the dataset has no classifier here.
    """
    stops = {label_of(spec_of(line)): line.key for line in stops_of(dimensions)}
    stops.pop(KL_ONLY, None)
    return dict(zip(stops, _kept(tuple(stops.values())), strict=True))


# Streamlit's cache makes a class that asks at the same time wait for one answer.
@st.cache_resource(show_spinner="Decoding, and asking the classifier …", max_entries=8)
def _kept(keys: tuple[str, ...]) -> list[Kept]:
    space = feature_space(DATASET)
    found = []
    for run in map(load_run, keys):
        truth = run.codes.labels[:IMAGES]
        codes = run.codes.mean[:IMAGES], run.codes.drawn(np.random.default_rng(0))[:IMAGES]
        seen = (space.probabilities(space.features(run.decode(some))).argmax(axis=1) for some in codes)
        at_mean, sampled = (classes == truth for classes in seen)
        error = float((at_mean.astype(float) - sampled).std()) / len(truth) ** 0.5
        found.append(Kept(float(at_mean.mean()), float(sampled.mean()), error))
    return found


def loses_class(dimensions: int) -> tuple[int, str]:
    """How many images lose their class at β = 1 when z is sampled: the index of the right answer, and why."""
    found = kept(dimensions)
    if USUAL not in found:
        raise RunNotFound(f"the sweep at d = {dimensions} has no run at β = 1; run 'python -m vae_core rebuild'.")
    usual = found[USUAL]
    lost = usual.at_mean - usual.sampled
    apart = f"{lost:.1%}".replace("-", "−")
    told = (
        f"At β = 1 the mean code decodes to the right digit for {usual.at_mean:.0%} of {IMAGES} images, and a sampled "
        f"z for {usual.sampled:.0%}, a difference of {apart} ± {usual.error:.1%} (one standard error). In training "
        "every sample of q(z|x) is to be rebuilt as x, so the decoder learns to answer alike wherever a sample may "
        "fall: near codes decode alike."
    )
    return (0 if lost < 0.05 else 1 if lost < 0.3 else 2), told


@per_shelf
def kept_figure(dimensions: int) -> Finished:
    """Both shares against β."""
    found = kept(dimensions)
    series = (
        ("mean code", "at_mean", "dot", "circle-open"),
        ("z sampled from q(z|x)", "sampled", "solid", "circle"),
    )
    chart, told = go.Figure(), {}
    for (title, name, dash, symbol), colour in zip(series, (CLASS_COLOURS[1], CLASS_COLOURS[0]), strict=True):
        values = [getattr(one, name) for one in found.values()]
        chart.add_scatter(
            x=list(found), y=values, name=title, mode="lines+markers", hovertemplate="%{y:.0%}",
            error_y={"array": [2 * share_standard_error(value, IMAGES) for value in values]},
            line={"color": colour, "dash": dash}, marker={"symbol": symbol, "size": 9},
        )  # fmt: skip
        told[title] = [f"{value:.0%} at {name_of(label)}" for label, value in zip(found, values, strict=True)]
    chart.update_layout(
        template=TEMPLATE,
        height=300,
        xaxis={"title": "β", "type": "category"},
        yaxis={"title": "decoded to the image's class", "range": [0, 1], "tickformat": ".0%"},
    )
    what = (
        f"Share of {IMAGES} held-out digits whose decoded code a classifier sees as the digit that it is, against β; "
        "bars of two standard errors."
    )
    paired = max(one.error for one in found.values())
    note = (
        f"{IMAGES} held-out digits, one z each; one random start of each β. Bars: two standard errors of each share. "
        "Both are of the same digits, so their difference is surer than the bars: its standard error is at most "
        f"{paired:.1%}."
    )
    return Finished(chart, in_words(what, told), note)
