"""Two ways to cheat when there is no KL: σ shrinks, or the means move apart; the same thing in another unit."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ui.chapters.beta.by_beta import against_beta
from ui.chapters.beta.sweep import (
    DATASET,
    NO_KL,
    USUAL,
    label_of,
    small,
    spec_of,
    stop_at,
    stops_of,
)
from ui.figures.markup import Html
from ui.figures.plots import Finished
from ui.figures.tables import as_html
from ui.runs.resources import held_out, load_run
from ui.runs.selection import per_shelf
from vae_core.lessons.latent_scale import InUnits, in_other_units

TINY = 0.001


@per_shelf
def ratios(dimensions: int) -> dict[str, float]:
    """Median σ over the spread of μ, by label, of the stops that use their code."""
    found = {label_of(spec_of(line)): load_run(line.key).codes.sigma_over_spread() for line in stops_of(dimensions)}
    return {label: value for label, value in found.items() if value is not None}


@per_shelf
def ratio_figure(dimensions: int) -> Finished:
    """Median σ over the spread of μ against β."""
    found = ratios(dimensions)
    return against_beta(
        found,
        {"title": "median σ / spread of μ", "type": "log", "exponentformat": "power", "dtick": 1},
        "Median σ of the approximate posteriors over the spread of their means, against β.",
        number=small,
        note=f"{len(held_out(DATASET)):,} held-out digits; the median is over them and the dimensions in use: one that "
        "is switched off has σ = 1 and no spread. One random start of each β. At β = 0 nothing sets σ, and other "
        "digits have another median.",
        positions=["middle right", *["top center"] * (len(found) - 1)],  # the first lies at the axis
    )


@per_shelf
def cheating_text(dimensions: int) -> str:
    """How far it goes, in numbers: markdown; empty if one of both uses no dimension."""
    free, usual = (load_run(stop_at(dimensions, label).key).codes.sigma_over_spread() for label in (NO_KL, USUAL))
    if free is None or usual is None:
        return ""
    return (
        f"At β = 0 the median σ is **{small(free)}** of the spread of the means; at β = 1 it is **{small(usual)}**. "
        "In units of that spread, σ has shrunk. In units of σ, the means have moved apart, to a spread of about "
        f"**{two_figures(1 / free)} σ**. It is one model in two units, and it decodes to the same images. Only the KL "
        "term tells the units apart, and at β = 0 it does not count."
    )


def two_figures(value: float) -> str:
    """A large number as exactly as other digits would give it: 250,000."""
    return f"{float(f'{value:.1e}'):,.0f}"


@per_shelf
def _in_units(dimensions: int) -> tuple[InUnits, InUnits, InUnits, InUnits]:
    """β = 0 as trained, in units of the codes' spread, in units of the median σ; and β = 1 as trained."""
    free, usual = (load_run(stop_at(dimensions, label).key) for label in (NO_KL, USUAL))
    pixels = held_out(DATASET).floats()
    trained = in_other_units(free, 1.0, pixels)
    shrunk, drifted = (in_other_units(free, 1 / unit, pixels) for unit in (trained.spread, trained.sigma))
    return trained, shrunk, drifted, in_other_units(usual, 1.0, pixels)


@per_shelf
def halves_text(dimensions: int) -> str:
    """What each half of the KL asks for, and why neither alone would do: markdown."""
    free = load_run(stop_at(dimensions, NO_KL).key)
    pixels = held_out(DATASET).floats()
    trained, *_, usual = _in_units(dimensions)
    tiny = in_other_units(free, TINY / trained.spread, pixels)
    even = replace(free, codes=replace(free.codes, log_var=np.full_like(free.codes.mean, 2 * math.log(trained.sigma))))
    wide = in_other_units(even, 1 / trained.sigma, pixels)
    return (
        "The KL has two halves: ½ Σ μ² holds the means together, which is *global* regularity, and "
        "½ Σ (σ² − 1 − log σ²) holds each variance open towards its neighbours, which is *local*.\n\n"
        "**Either alone could be had for nothing.** Take the model of β = 0 and multiply all codes by one small "
        f"number, to a spread of {TINY}: the half of the means is {_nats(tiny.of_means)} nats, that of the variances "
        f"{_nats(tiny.of_variances)}. Or give all images the median σ and multiply, to σ = 1: the half of the "
        f"variances is {_nats(wide.of_variances)} nats, that of the means {_nats(wide.of_means)}. The reconstruction "
        f"stays at {tiny.reconstruction:.1f} nats the first way, and is {wide.reconstruction:.1f} the second. Only "
        f"both halves together fix the scale: at β = 1 they are {_nats(usual.of_means)} and "
        f"{_nats(usual.of_variances)} nats."
    )


@per_shelf
def two_ways_table(dimensions: int) -> Html:
    """β = 0 in three units of latent space, beside β = 1 as trained: HTML."""
    names = (
        "β = 0, as trained",
        "β = 0, in units of the codes' spread: σ has shrunk",
        "β = 0, in units of the median σ: the means have moved apart",
        "β = 1, as trained",
    )
    return as_html(
        [_row(name, figures) for name, figures in zip(names, _in_units(dimensions), strict=True)],
        title="Two ways to cheat when there is no KL",
        note=f"{len(held_out(DATASET)):,} held-out digits; σ and spread of the dimensions in use; one z each with the "
        "same noise, nats per image; one random start of each β. The codes are multiplied by a factor and the "
        "decoder's first weights divided by it: the images stay the same.",
    )


def _row(name: str, figures: InUnits) -> dict[str, object]:
    return {
        "latent space": name,
        "median σ": small(figures.sigma),
        "spread of μ": f"{figures.spread:,.3g}" if figures.spread < 1_000 else two_figures(figures.spread),
        "σ / spread": small(figures.sigma / figures.spread),
        "reconstruction": f"{figures.reconstruction:.1f}",
        "KL": _nats(figures.kl),
        "of it the means": _nats(figures.of_means),
        "the variances": _nats(figures.of_variances),
    }


def _nats(value: float) -> str:
    return f"{value:.1f}" if value < 1e4 else f"{value:.2g}".replace("e+", "e")
