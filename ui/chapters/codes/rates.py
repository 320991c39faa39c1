"""Whole numbers against Gaussians at equal rate: squared error against bits per image."""

from __future__ import annotations

import math
from contextlib import suppress

import plotly.graph_objects as go

from ui.chapters.beta.sweep import label_of, spec_of, stops_of
from ui.chapters.codes.prior import USUAL_PRIOR, prior_line
from ui.chapters.codes.runs import CODEBOOKS, USUAL, line_of, lines_here
from ui.chapters.codes.use import measured_on, number
from ui.figures.palette import MODEL_COLOURS
from ui.figures.plots import TEMPLATE, Finished, in_words
from ui.runs.selection import figure, per_shelf
from vae_core.errors import RunNotFound

FEWEST_BITS, MOST_BITS = 3.0, 700.0  # of what the figure shows
BIT_TICKS = (5, 10, 20, 50, 100, 200, 500)
ERROR_TICKS = (0.002, 0.003, 0.005, 0.01, 0.02, 0.03, 0.05)
DIMENSIONS = {2: "circle-open", 16: "triangle-down"}  # of the VAEs, with Plotly's symbols
# Labels that would stand on others on a phone.
WITH_PRIOR = f"{CODEBOOKS[USUAL].title}, prior"
BESIDE = {CODEBOOKS[USUAL].title: "bottom center", "FSQ": "bottom center", WITH_PRIOR: "middle left"}
Place = tuple[float, float, str]  # bits, squared error, name


def gaussian_places(dimensions: int) -> list[Place]:
    """Of every stop of the β dial: its KL in bits, its squared error, its β."""
    found = []
    for line in stops_of(dimensions):
        kl, error = figure(line, "kl"), figure(line, "mse")
        if kl is not None and error is not None and FEWEST_BITS <= kl / math.log(2) <= MOST_BITS:
            found.append((kl / math.log(2), error, f"β = {label_of(spec_of(line))}"))
    return sorted(found)


def codebook_places(bits: str) -> list[Place]:
    """Of every codebook: its bits of this kind, a metric's name, its squared error, its name."""
    return [(number(line, bits), number(line, "mse"), title) for title, line in lines_here().items()]


def prior_place() -> Place | None:
    """Of the usual codebook under its prior: bits, squared error, name; None if the prior is not in the store."""
    with suppress(RunNotFound):
        bits = number(prior_line(USUAL_PRIOR), "prior_bits")
        return bits, number(line_of(CODEBOOKS[USUAL]), "mse"), WITH_PRIOR
    return None


@per_shelf
def rate_figure() -> Finished:
    """Squared error against bits."""
    chart, told = go.Figure(), {}

    def add(places: list[Place], name: str, mode: str, **style: object) -> None:
        bits, errors, names = zip(*places, strict=True)
        chart.add_scatter(
            x=bits, y=errors, name=name, mode=mode, text=names, hovertext=names,
            textposition=[BESIDE.get(label, "top center") for label in names],
            hovertemplate="%{hovertext}: %{x:.0f} bits, squared error %{y:.4f}<extra></extra>", **style,
        )  # fmt: skip
        told[name] = [f"{label} {bit:.0f} bits, {error:.4f}" for bit, error, label in places]

    for dimensions, symbol in DIMENSIONS.items():
        style = {"color": MODEL_COLOURS["vae"], "width": 1}
        marker = {"symbol": symbol, "size": 8, "color": MODEL_COLOURS["vae"]}
        add(gaussian_places(dimensions), f"VAE, d = {dimensions}: KL", "lines+markers", line=style, marker=marker)
    marker = {"symbol": "square", "size": 10, "color": MODEL_COLOURS["linear_ae"]}
    add(codebook_places("independent_bits"), "codebook: bits by frequency", "markers+text", marker=marker)
    marker = {"symbol": "square-open", "size": 10, "color": MODEL_COLOURS["linear_ae"]}
    add(codebook_places("uniform_bits"), "codebook: uniform bits", "markers", marker=marker)
    if place := prior_place():
        marker = {"symbol": "star", "size": 13, "color": MODEL_COLOURS["linear_ae"]}
        add([place], "codebook: bits under a learned prior", "markers+text", marker=marker)
    chart.update_layout(
        template=TEMPLATE,
        height=420,
        hovermode="closest",
        xaxis={"title": "bits per image", "type": "log", "tickvals": BIT_TICKS},
        yaxis={"title": "squared error per pixel", "type": "log", "tickvals": ERROR_TICKS},
    )
    note = (
        f"{measured_on(line_of(CODEBOOKS[USUAL]))}; one random start of each. The VAE's KL is of sampled codes, its "
        "error of mean ones: with a sampled code it is larger. Both axes are logarithmic."
    )
    words = in_words("Squared error per pixel against bits per image, both on logarithmic axes.", told)
    return Finished(chart, words, note)


@per_shelf
def rate_text() -> str:
    """What the figure says, in one paragraph."""
    kind = CODEBOOKS[USUAL]
    bits, error = (number(line_of(kind), name) for name in ("independent_bits", "mse"))
    place = prior_place()
    known = f" A learned prior leaves **{place[0]:.0f}** of them." if place else ""
    other_bits, other_error, beta = max(gaussian_places(16))
    return (
        f"The codebook with {kind.title} needs **{bits:.0f} bits** if every cell is coded on its own, by how often "
        f"entries occur.{known} Its squared error is {error:.4f}. The VAE of the β dial that spends most ({beta}, "
        f"d = 16) has {other_bits:.0f} bits and an error of {other_error:.4f}; no stop of the dial has the codebook's "
        "rate. The dial's models are fully connected, the other is convolutional: this compares whole models, not "
        f"kinds of code alone. Figures of {measured_on(line_of(kind))}."
    )
