"""What β costs: reconstruction against KL, every stop's numbers, and what is left of the loss at the largest β."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from ui.chapters.beta.sweep import (
    KL_ONLY,
    NO_KL,
    USUAL,
    label_of,
    measured,
    name_of,
    small,
    spec_of,
    stop_at,
    stops_of,
)
from ui.figures.markup import Html
from ui.figures.palette import CLASS_COLOURS
from ui.figures.plots import TEMPLATE, Finished, in_words
from ui.figures.tables import as_html
from ui.once import once
from ui.runs.aggregate import SUM, aggregate_of
from ui.runs.resources import load_run
from ui.runs.selection import figure, measured_of, measured_on, measured_seeds_of, per_shelf, with_range
from vae_core.errors import RunNotFound, VaeCoreError
from vae_core.metrics import label_agreement
from vae_core.run import Run
from vae_core.storage.store import Listed

RATE_TICKS = (0, 1, 3, 10, 30, 100, 300, 1000)  # nats
RING = 16  # pixels, of the mark around the model on the dial
NEAR = 0.15  # of `_across`: on a phone labels of points that near would stand on one another
COLLAPSED_KL = 0.1  # nats per image: less tells nothing of an image
COLLAPSE = ("Both terms, in balance", "Reconstruction alone: the code is not used", "KL alone")


class Point(NamedTuple):
    """A stop on the curve, nats per image.

    Attributes:
        label: its name on the dial.
        rate: KL.
        distortion: reconstruction.
        others: both of the same β from other random starts.
    """

    label: str
    rate: float
    distortion: float
    others: tuple[tuple[float, float], ...] = ()

    @property
    def rates(self) -> list[float]:
        """KL of every start."""
        return [self.rate, *(rate for rate, _ in self.others)]

    @property
    def distortions(self) -> list[float]:
        """Reconstruction of every start."""
        return [self.distortion, *(distortion for _, distortion in self.others)]

    @property
    def apart(self) -> float:
        """How far apart the reconstructions of all starts lie."""
        return max(self.distortions) - min(self.distortions)


def _across(rate: float) -> float:
    """Where a rate stands on the axis: equal factors are equal steps, and yet 0 has a place."""
    return float(np.log10(1.0 + rate))


def _beside(places: list[float]) -> list[str]:
    """Where labels stand: beside a point that stands alone; over and under their own points in turn where it is narrow.

    There a label beside its point would stand over the next one.
    """
    order = sorted(range(len(places)), key=places.__getitem__)
    found = ["top right"] * len(places)
    for before, this in pairwise(order):
        if places[this] - places[before] < NEAR:
            found[before] = "top center" if found[before] == "top right" else found[before]
            found[this] = "bottom center" if found[before] == "top center" else "top center"
    return found


def points_of(dimensions: int) -> list[Point]:
    """Every stop that was measured, along the dial.

    Raises:
        RunNotFound: none was that saw a reconstruction.
    """
    found = []
    for line in stops_of(dimensions):
        if (here := _terms(line)) is not None:
            others = [
                terms for one in measured_seeds_of(spec_of(line)) if one.key != line.key and (terms := _terms(one))
            ]
            found.append(Point(label_of(spec_of(line)), *here, tuple(others)))
    if all(one.label == KL_ONLY for one in found):
        raise RunNotFound(f"no run of the sweep at d = {dimensions} was measured; run 'python -m vae_core rebuild'.")
    return found


def _terms(line: Listed) -> tuple[float, float] | None:
    """A run's KL and reconstruction."""
    rate, distortion = figure(line, "kl"), figure(line, "reconstruction")
    return None if rate is None or distortion is None else (rate, distortion)


def rate_distortion(dimensions: int, label: str) -> Finished:
    """Reconstruction against KL, every point a trained model; the one on the dial has a ring.

    Small points are the same β from other random starts.

    Args:
        dimensions: d.
        label: of the stop on the dial.
    """
    return _curve(tuple(points_of(dimensions)), label, measured_on(*stops_of(dimensions)))


@once(maxsize=64)
def _curve(points: tuple[Point, ...], label: str, images: str) -> Finished:
    shown = [one for one in points if one.label != KL_ONLY]  # it would flatten the others: it is named at the edge
    chart = go.Figure()
    chart.add_scatter(
        x=[_across(one.rate) for one in shown], y=[one.distortion for one in shown],
        text=[one.label for one in shown], customdata=[one.rate for one in shown],
        mode="lines+markers", name="β", cliponaxis=False, line={"color": CLASS_COLOURS[0]},
        hovertemplate="β = %{text}<br>KL %{customdata:.1f}<br>reconstruction %{y:.1f}<extra></extra>",
    )  # fmt: skip
    sides = _beside([_across(one.rate) for one in shown])
    clear = [RING if side.endswith("center") else 0.6 * RING for side in sides]  # of a label in a corner less is enough
    chart.add_scatter(  # markers that are not seen keep the labels out of the ring
        x=[_across(one.rate) for one in shown], y=[one.distortion for one in shown], name="labels",
        text=[one.label for one in shown], textposition=sides, mode="markers+text",
        marker={"size": clear, "opacity": 0}, hoverinfo="skip", cliponaxis=False,
    )  # fmt: skip
    again = [(one.label, *other) for one in shown for other in one.others]
    if again:
        chart.add_scatter(
            x=[_across(rate) for _, rate, _ in again], y=[distortion for *_, distortion in again], mode="markers",
            text=[name for name, *_ in again], customdata=[rate for _, rate, _ in again], name="other starts",
            cliponaxis=False, marker={"size": 6, "color": CLASS_COLOURS[7], "symbol": "circle-open"},
            hovertemplate="β = %{text}, another start<br>"
            "KL %{customdata:.1f}<br>reconstruction %{y:.1f}<extra></extra>",
        )  # fmt: skip
    heights = [*(one.distortion for one in shown), *(distortion for *_, distortion in again)]
    low, high = min(heights), max(heights)
    margin = 0.15 * (high - low) or 1.0
    edge = high + 1.5 * margin
    ringed = [(one.rate, one.distortion) for one in shown if one.label == label]
    for one in (one for one in points if one.label == KL_ONLY):
        chart.add_scatter(
            x=[_across(one.rate)], y=[edge], mode="markers+text", name=one.label, hoverinfo="skip", cliponaxis=False,
            textposition="middle right",
            text=[f"   {one.label}: KL {one.rate:.0f}, reconstruction {one.distortion:.0f}"],
            marker={"symbol": "triangle-up", "size": 9, "color": CLASS_COLOURS[0]},
        )  # fmt: skip
        ringed += [(one.rate, edge)] if one.label == label else []
    for rate, height in ringed:
        chart.add_scatter(
            x=[_across(rate)], y=[height], mode="markers", name=name_of(label), hoverinfo="skip", cliponaxis=False,
            marker={"size": RING, "color": "rgba(0,0,0,0)", "line": {"color": CLASS_COLOURS[1], "width": 3}},
        )  # fmt: skip
    chart.update_layout(
        template=TEMPLATE,
        height=300,
        showlegend=False,
        xaxis={
            "title": "rate: KL, nats per image",
            "tickvals": [_across(rate) for rate in RATE_TICKS],
            "ticktext": [f"{rate:,}" for rate in RATE_TICKS],
        },
        yaxis={"title": "distortion: reconstruction, nats per image", "range": [low - margin, edge + margin / 2]},
        hovermode="closest",
    )
    told = {
        name_of(one.label): [
            f"KL {one.rate:.1f}",
            f"reconstruction {one.distortion:.1f}",
            *([f"over {1 + len(one.others)} starts {one.apart:.1f} nats apart"] if one.others else []),
        ]
        for one in points
    }
    what = f"Reconstruction against KL, nats per image, a trained model at each point; the ring is at {name_of(label)}."
    starts = "The line joins one random start of each β, that on the dial; small circles are others." if again else (
        "One random start of each β."
    )  # fmt: skip
    return Finished(chart, in_words(what, told), f"{images}, z sampled. {starts} The KL is on a scale of ratios.")


@per_shelf
def price(dimensions: int) -> str:
    """What the curve says in numbers, over all random starts: markdown."""
    free, usual, last = (_at(dimensions, label) for label in (NO_KL, USUAL, _largest(dimensions)))
    told = (
        f"{_of_starts(free, usual)}, from β = 0 to β = 1 the KL falls from {_nats_of(free.rates)} to "
        f"{_nats_of(usual.rates)} nats"
    )
    if max(free.distortions) < min(usual.distortions):
        told += (
            f", and the reconstruction gets worse, from {_nats_of(free.distortions)} to "
            f"{_nats_of(usual.distortions)} nats."
        )
    else:  # what one start would show, another would not
        told += (
            f". Their reconstructions cannot be told apart: {_nats_of(free.distortions)} and "
            f"{_nats_of(usual.distortions)} nats."
        )
    return (
        f"{told} At β = {last.label} the KL is **{last.rate:.1f} nats** and the reconstruction "
        f"**{last.distortion:.1f} nats**"
        + (": every code decodes to the same grey image." if last.rate < COLLAPSED_KL else ".")
    )


def _of_starts(*points: Point) -> str:
    """Of how many trained models a mean is."""
    counts = sorted({len(one.rates) for one in points})
    return "Of one random start" if counts == [1] else f"Over {' and '.join(map(str, counts))} random starts"


def _nats_of(values: list[float]) -> str:
    """Their mean with its range; without decimals where the starts lie far apart."""
    return with_range(values, ("{:.1f}" if max(values) - min(values) < 10 else "{:.0f}").format)


@per_shelf
def starts_differ(dimensions: int) -> str:
    """How far apart the starts of one β lie: markdown; empty where each has one start."""
    several = [one for one in points_of(dimensions) if one.others]
    if not several:
        return ""
    widest = max(several, key=lambda one: one.apart)
    return (
        "Small points are other random starts of the same β. Their reconstructions lie up to "
        f"**{widest.apart:.1f} nats** apart ({name_of(widest.label)}): read no smaller difference into two points."
    )


def _largest(dimensions: int) -> str:
    """The label of the largest β."""
    return [label_of(spec_of(line)) for line in stops_of(dimensions) if spec_of(line).data_weight != 0][-1]


def _at(dimensions: int, label: str) -> Point:
    """The stop of that name.

    Raises:
        RunNotFound: it was not measured.
    """
    for one in points_of(dimensions):
        if one.label == label:
            return one
    raise RunNotFound(f"the sweep at d = {dimensions} has no run at {label}; run 'python -m vae_core rebuild'.")


def largest_named(dimensions: int) -> str:
    """The largest β in a sentence: which one it is, where the runs can be read."""
    try:
        return name_of(_largest(dimensions))
    except VaeCoreError:
        return "the largest β"


def collapse_asked(dimensions: int) -> str:
    """The question that `collapse` answers, as the page and the lessons ask it."""
    return f"At {largest_named(dimensions)}, what is the loss made of?"


def collapse(dimensions: int) -> tuple[int, str]:
    """What becomes of the loss at the largest β: the index of the right one of `COLLAPSE`, and why."""
    label = _largest(dimensions)
    last, usual = _at(dimensions, label), _at(dimensions, USUAL)
    units = measured(stop_at(dimensions, label), "active_units")
    beta = float(label)
    told = (
        f"At β = {label} the KL is {last.rate:.2f} nats, the reconstruction {last.distortion:.1f} nats, and "
        f"{units:.0f} of {dimensions} dimensions are active. Coding as the model of β = 1 does would save "
        f"{last.distortion - usual.distortion:.0f} nats of reconstruction and cost {beta:g} × {usual.rate:.2f} = "
        f"{beta * usual.rate:.0f} nats of KL: it is cheaper to say nothing."
    )
    return (1 if last.rate < COLLAPSED_KL else 0), told


def agreement(run: Run) -> float:
    """Share of the 10 nearest neighbours that have the same label, of one z sampled for each held-out image.

    Of a sampled z, not of its mean: where the code is not used, the means still differ by less than any sample could
    tell.
    """
    return label_agreement(run.codes.drawn(np.random.default_rng(0)), run.codes.labels)


@per_shelf
def sweep_table(dimensions: int) -> Html:
    """Every stop with its numbers: HTML."""
    rows: list[dict[str, object]] = []
    for line in stops_of(dimensions):
        metrics, run = measured_of(line), load_run(line.key)
        ratio, aggregate = run.codes.sigma_over_spread(), aggregate_of(metrics)
        rows.append(
            {
                "β": label_of(spec_of(line)),
                "reconstruction": _nats(metrics.get("reconstruction")),
                "KL": _nats(metrics.get("kl")),
                "I(x; z)": aggregate.told() if aggregate else "–",
                "KL(q(z) ‖ p)": aggregate.in_nats() if aggregate else "–",
                "active units": metrics.get("active_units", "–"),
                "median σ / spread of μ": "collapsed" if ratio is None else small(ratio),
                "neighbours of the same class": f"{agreement(run):.0%}",
                "holes": _share(figure(line, "samples", "prior", "hole_rate")),
                "coverage": _two(figure(line, "samples", "prior", "coverage")),
            }
        )
    first = stops_of(dimensions)[0]
    count = len(load_run(first.key).codes.labels)
    tested, sampled = (round(figure(first, *path) or 0) for path in (("n",), ("samples", "prior", "n")))
    return as_html(
        rows,
        title=f"The sweep at d = {dimensions} in numbers",
        note=f"Nats per image, z sampled, {tested:,} test digits. I(x; z) is what a code tells of its image, and "
        f"KL(q(z) ‖ p) how far all codes together are from the prior; each is known between two bounds. {SUM} "
        f"Of {count:,} held-out digits are σ / spread, over the dimensions in use, and neighbours, the 10 nearest of "
        f"one z sampled for each. Holes and coverage: {sampled:,} samples from N(0, I).",
    )


def _nats(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}" if value >= 0.05 else "0"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"


def _two(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def formulas(dimensions: int) -> list[tuple[str, str]]:
    """The mathematics with the numbers of the stop that is the ordinary VAE."""
    usual = _at(dimensions, USUAL)
    rate, distortion = usual.rate, usual.distortion
    return [
        (
            f"The loss is a weighted sum of two terms. At β = 1 it is {distortion:.1f} + {rate:.1f} = "
            f"{distortion + rate:.1f} nats per image: the negative ELBO. On pixels of 0 and 1 it is never below "
            "−log p(x); on the grey ones that these runs saw, the Bernoulli formula is a loss and no probability, and "
            "there is no such bound. With any other β it is a loss only.",
            r"\mathcal{L}_\beta(x) = -\,\mathbb{E}_{q(z|x)}[\log p(x|z)]"
            r" + \beta\,\mathrm{KL}\big(q(z|x)\,\Vert\,\mathcal{N}(0, I)\big)",
        ),
        (
            "Without the KL nothing keeps σ away from 0 or μ near 0. With it both are held: the KL is least where "
            "μ = 0 and σ = 1.",
            r"\mathrm{KL} = \tfrac12 \sum_i \big(\mu_i^2 + \sigma_i^2 - 1 - \log \sigma_i^2\big)",
        ),
        (
            "With a Gaussian likelihood of variance c the reconstruction is a squared error divided by 2c. Multiply "
            "the loss by c/c₀: c and β are the same dial.",
            r"\frac{\lVert x - f(z) \rVert^2}{2c} + \mathrm{KL} \;\propto\;"
            r" \frac{\lVert x - f(z) \rVert^2}{2c_0} + \frac{c}{c_0}\,\mathrm{KL}",
        ),
    ]
