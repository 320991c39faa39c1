"""The variance c of a Gaussian likelihood beside β: runs trained both ways, and with c learned."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from ui.figures.markup import Html
from ui.figures.palette import CLASS_COLOURS
from ui.figures.pictures import Picture, labelled_rows, tiles
from ui.figures.plots import TEMPLATE, Finished, in_words
from ui.figures.tables import as_html
from ui.once import once
from ui.runs.resources import classes_in_words, held_out, load_run, shelf
from ui.runs.selection import figure, per_shelf
from vae_core.datasets import load
from vae_core.errors import RunNotFound
from vae_core.losses.gaussian import reparameterise
from vae_core.metrics import mean_squared_error
from vae_core.storage.manifest import read_manifest

DATASET, HIDDEN = "digits", (64, 32)
SHOWN = 12


@dataclass(frozen=True)
class Weighed:
    """One trained model of this panel.

    Attributes:
        key: of its run.
        c: variance of its likelihood, as set or as learned.
        began: c before training.
        beta: weight of the KL.
        learned: whether c was learned.
        error: squared error per pixel on held-out images, z sampled.
        kl: nats per image.
    """

    key: str
    c: float
    began: float
    beta: float
    learned: bool
    error: float
    kl: float

    @property
    def product(self) -> float:
        """c · β: all that the trained weights depend on."""
        return self.c * self.beta

    @property
    def name(self) -> str:
        """What was set."""
        return f"c learned from {self.began:g}" if self.learned else f"c = {self.c:g}, β = {self.beta:g}"


@per_shelf
def weighed() -> tuple[Weighed, ...]:
    """The runs of the panel, by c · β, those with a learned c last.

    Raises:
        RunNotFound: fewer than the two ways to one c · β are in the store.
    """
    here = {line.key: line for line in shelf().lines}
    found = []
    for spec in read_manifest():
        wanted = (spec.dataset, spec.model, spec.hidden) == (DATASET, "vae", HIDDEN) and spec.variance is not None
        if not wanted or spec.key not in here:
            continue
        line = here[spec.key]
        run = load_run(spec.key)
        c = math.exp(float(run.weights["log_variance"])) if spec.learned_variance else float(spec.variance or 0.0)
        reconstruction, kl = figure(line, "reconstruction"), figure(line, "kl")
        if reconstruction is None or kl is None:
            continue
        found.append(
            Weighed(
                key=spec.key,
                c=c,
                began=float(spec.variance or 0.0),
                beta=spec.kl_weight,
                learned=bool(spec.learned_variance),
                error=squared_error(reconstruction, c, math.prod(run.image_shape)),
                kl=kl,
            )
        )
    if len({one.product for one in found if not one.learned}) == len([one for one in found if not one.learned]):
        raise RunNotFound("the runs that compare c with β are not in the store; run 'python -m vae_core rebuild'.")
    return tuple(sorted(found, key=lambda one: (one.learned, one.product, one.c)))


def squared_error(nats: float, c: float, pixels: int) -> float:
    """The mean squared error per pixel that a Gaussian negative log-likelihood in nats per image stands for."""
    return c * (2.0 * nats / pixels - math.log(2.0 * math.pi * c))


def twins() -> tuple[Weighed, Weighed]:
    """The largest c · β reached both ways: by c with β = 1, and by β with a smaller c."""
    fixed = [one for one in weighed() if not one.learned]
    by_c = max((one for one in fixed if one.beta == 1.0), key=lambda one: one.product)
    by_beta = next(one for one in fixed if one.beta != 1.0 and math.isclose(one.product, by_c.product))
    return by_c, by_beta


def same_dial() -> tuple[int, str]:
    """Whether moving c and moving β end at the same place: the index of the right answer and the numbers."""
    by_c, by_beta = twins()
    others = [one for one in weighed() if not one.learned and not math.isclose(one.product, by_c.product)]
    apart = abs(by_c.error - by_beta.error)
    step = min(abs(one.error - twin.error) for one in others for twin in (by_c, by_beta))
    told = (
        f"{by_c.name}: squared error {by_c.error:.4f} per pixel, KL {by_c.kl:.2f} nats. {by_beta.name}: "
        f"{by_beta.error:.4f} and {by_beta.kl:.2f}. The two losses differ by a constant factor, on which Adam's steps "
        f"hardly depend. The error at the nearest other c · β is {step:.4f} away or more."
    )
    if apart < 0.25 * step:
        return 2, told
    return (0 if by_c.error < by_beta.error else 1), told


class Group(NamedTuple):
    """Models that are one series of `error_against_kl`.

    Attributes:
        title: in the legend.
        members: of the series.
        colour, symbol, size: of its points.
        line: whether they are joined.
    """

    title: str
    members: list[Weighed]
    colour: str
    symbol: str
    size: int = 13
    line: bool = False


def error_against_kl(groups: Sequence[Group], height: int) -> Finished:
    """Squared error per pixel against KL, a point for each model."""
    chart = go.Figure()
    for one in groups:
        chart.add_scatter(
            x=[run.kl for run in one.members], y=[run.error for run in one.members],
            text=[run.name for run in one.members], name=one.title, mode="lines+markers" if one.line else "markers",
            line={"color": one.colour, "width": 1},
            marker={"symbol": one.symbol, "size": one.size, "color": one.colour, "line": {"width": 3}},
            hovertemplate="%{text}<br>KL %{x:.2f}<br>squared error %{y:.4f}",
        )  # fmt: skip
    chart.update_layout(
        template=TEMPLATE,
        height=height,
        xaxis={"title": "KL, nats per image"},
        yaxis={"title": "squared error per pixel"},
        hovermode="closest",
    )
    told = {
        one.title: [f"squared error {run.error:.4f} and KL {run.kl:.2f} with {run.name}" for run in one.members]
        for one in groups
    }
    return Finished(chart, in_words("Squared error per pixel against KL, nats per image.", told), _rests_on())


def _rests_on() -> str:
    """How many images, and how far apart two runs lie that differ by chance alone."""
    fixed = [one for one in weighed() if not one.learned]
    pairs = [
        (one, other) for one in fixed for other in fixed if one.c < other.c and math.isclose(one.product, other.product)
    ]
    error = max(abs(one.error - other.error) for one, other in pairs)
    kl = max(abs(one.kl - other.kl) for one, other in pairs)
    return (
        f"{counted():,} held-out 8 × 8 digits, z sampled. One random start of each: those with one c · β differ by up "
        f"to {error:.4f} and {kl:.2f} nats, and differences of that size mean nothing."
    )


def counted() -> int:
    """Held-out images that all of the panel is about."""
    keys = {one.key for one in weighed()}
    return round(max(figure(line, "n") or 0 for line in shelf().lines if line.key in keys))


@per_shelf
def weighing_curve() -> Finished:
    """Squared error against KL, of the runs by c, by β, and with c learned."""
    runs = weighed()
    usual = next(one.c for one in runs if one.beta != 1.0)
    by_c = [one for one in runs if not one.learned and one.beta == 1.0]
    by_beta = [one for one in runs if not one.learned and one.c == usual]
    groups = (
        Group("c moved, β = 1", by_c, CLASS_COLOURS[0], "circle-open", line=True),
        Group(f"β moved, c = {usual:g}", by_beta, CLASS_COLOURS[1], "cross-thin-open", line=True),
        Group("c learned, β = 1", [one for one in runs if one.learned], CLASS_COLOURS[2], "diamond-open"),
    )
    return error_against_kl(groups, 300)


def weighing_table() -> Html:
    """Every run of the panel with its numbers: HTML."""
    return as_html(
        [
            {
                "trained with": one.name,
                "c": f"{one.c:.4g}",
                "β": f"{one.beta:g}",
                "c · β": f"{one.product:.4g}",
                "squared error per pixel": f"{one.error:.4f}",
                "KL": f"{one.kl:.2f}",
            }
            for one in weighed()
        ],
        title="c and β in numbers",
        note=f"Held-out 8 × 8 digits, n = {counted():,}, z sampled; KL in nats per image. {learned_note()}",
    )


def learned_note() -> str:
    """Where a learned c goes, how far from there it ended, and why; empty if none was learned."""
    above = [one.c / training_error(one.key) - 1.0 for one in weighed() if one.learned]
    if not above:
        return ""
    return (
        "A learned c goes towards the squared error per pixel of the training images, z sampled, where its own "
        f"derivative is 0. Training ended {' and '.join(_beside(share) for share in above)}"
        + (
            ": c follows the error, which was still falling when the learning rate had gone down to 0."
            if min(above) > 0
            else "."
        )
    )


def _beside(share: float) -> str:
    return f"{abs(share):.0%} {'above' if share >= 0 else 'below'} it"


@once(maxsize=8)
def training_error(key: str) -> float:
    """Squared error per pixel of a run's training images, one z sampled for each."""
    run, images = load_run(key), load(DATASET, "train", download=False).floats()
    mean, log_var = run.posterior(images)
    noise = np.random.default_rng(0).standard_normal(mean.shape)
    return mean_squared_error(images, run.decode(reparameterise(mean, log_var, noise)))


def rebuilt_by(models: Sequence[Weighed]) -> Html:
    """The same held-out digits, and what each model makes of them: HTML."""
    images, digits = held_out(DATASET), f"the digits {classes_in_words(DATASET, 0, SHOWN)}"
    rows = [Picture("Held out", "", tiles(images.floats()[:SHOWN], images.image_shape, columns=SHOWN), digits)]
    for one in models:
        run = load_run(one.key)
        rebuilt = tiles(run.decode(run.codes.mean[:SHOWN]), run.image_shape, columns=SHOWN)
        rows.append(Picture(one.name, f"c · β = {one.product:.3g}", rebuilt, f"{digits}, rebuilt"))
    return labelled_rows(rows)


@per_shelf
def weighing_figures() -> Html:
    """Every run in numbers, then the same digits by some of them: HTML."""
    learned = [one for one in weighed() if one.learned][:1]
    return Html(weighing_table() + rebuilt_by([*twins(), *learned]))


@per_shelf
def weighing_text() -> str:
    """The equation: markdown."""
    return (
        "Let the [[likelihood]] be a Gaussian with variance $c$ around the decoded image. The loss, also times $2c$, "
        "is\n\n$$\n"
        r"\begin{aligned} \mathcal{L} &= \tfrac{1}{2c}\lVert x - f(z) \rVert^2 + \tfrac{D}{2}\log 2\pi c "
        r"+ \beta\,\mathrm{KL} \\ "
        r"2c\,\mathcal{L} &= \lVert x - f(z) \rVert^2 + 2\,c\beta\,\mathrm{KL} + \text{constant} \end{aligned}"
        "\n$$\n\n"
        "Only the product $c\\beta$ decides what is learned. A squared error without $1/2c$ has chosen $c = 1/2$. A "
        "mean over $D$ pixels has chosen $c = D/2$ and is a common way to collapse a VAE without meaning to."
    )


@per_shelf
def learned_text() -> str:
    """What became of a c that was learned: markdown; empty if none was."""
    told = "; ".join(
        f"from {one.began:g} it went to **{one.c:.4f}**, with a held-out squared error of {one.error:.4f}"
        for one in weighed()
        if one.learned
    )
    return f"A model can also learn $c$ with its weights (σ-VAE): {told}." if told else ""
