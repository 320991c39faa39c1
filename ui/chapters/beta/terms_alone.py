"""The ends of the β dial: what each term of the loss does alone, and the two ways out that β = 0 leaves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ui.chapters.beta.sweep import DATASET, USUAL, label_of, stops_of
from ui.figures.markup import Html
from ui.figures.palette import CLASS_COLOURS
from ui.figures.tables import as_html
from ui.runs.resources import held_out, load_run
from ui.runs.selection import figure, per_shelf
from vae_core.errors import RunNotFound
from vae_core.lessons.latent_scale import InUnits, in_other_units
from vae_core.metrics import label_agreement
from vae_core.payloads.plane import Payload, plane_payload
from vae_core.run import Run
from vae_core.storage.store import Listed

MEASURED_IMAGES = 1_000
ALONE = {"0": "Reconstruction alone", USUAL: "Both terms", "KL only": "KL alone"}


def _stop(dimensions: int, label: str) -> Listed:
    for line in stops_of(dimensions):
        if line.spec and label_of(line.spec) == label:
            return line
    raise RunNotFound(f"the sweep at d = {dimensions} has no run at {label}; run 'python -m vae_core rebuild'.")


@per_shelf
def terms_alone(images: str) -> list[Payload]:
    """The planes of the reconstruction alone, of both terms, and of the KL alone, one z drawn for each image.

    Of each, what was measured of the points on it.

    Args:
        images: name of the held-out images.
    """
    return [
        plane_payload(
            alone.run,
            codes=alone.codes,
            palette=list(CLASS_COLOURS),
            noun="digit",
            title=title,
            subtitle=f"{alone.agreement:.0%} of neighbours are of the same class; {_holes_text(alone)}.",
            options={"group": "terms-alone", "compact": True, "images": images},
        )
        for title, alone in _alone().items()
    ]


@dataclass(frozen=True)
class Alone:
    """One of the three.

    Attributes:
        run: the model.
        codes: (N, 2), one z drawn of each held-out image's posterior.
        agreement: share of their ten nearest neighbours that have the same label.
        holes: share of samples from N(0, I) that are holes, from the run's file; None if not measured.
    """

    run: Run
    codes: np.ndarray
    agreement: float
    holes: float | None


@per_shelf
def _alone() -> dict[str, Alone]:
    found = {}
    for label, title in ALONE.items():
        line = _stop(2, label)
        run = load_run(line.key)
        codes = run.codes.drawn(np.random.default_rng(0))
        agreement = label_agreement(codes, run.codes.labels)
        found[title] = Alone(run, codes, agreement, figure(line, "samples", "prior", "hole_rate"))
    return found


def _holes_text(alone: Alone) -> str:
    return "holes not measured" if alone.holes is None else f"{alone.holes:.0%} of samples from N(0, I) are holes"


@per_shelf
def alone_sentence() -> str:
    """What the three planes show, with their figures."""
    data, both, kl = _alone().values()
    shares = np.bincount(kl.run.codes.labels) / len(kl.codes)
    return (
        "Every point is a held-out digit, at a z drawn from its posterior. Trained on the KL alone, all of them fall "
        f"on the prior and a neighbour tells nothing: {kl.agreement:.0%} of neighbours are of the same class, where "
        f"chance is {float((shares**2).sum()):.0%}. With the reconstruction alone neighbours are alike "
        f"({data.agreement:.0%}), but the codes lie wherever training left them, with gaps between: "
        f"{_holes_text(data)}. Both terms together keep the likeness ({both.agreement:.0%}) and pack the classes "
        f"around 0: {_holes_text(both)}."
    )


@per_shelf
def two_ways_out(dimensions: int) -> Html:
    """β = 0 in three units of latent space, beside β = 1 as trained: HTML."""
    free, usual = load_run(_stop(dimensions, "0").key), load_run(_stop(dimensions, USUAL).key)
    pixels = held_out(DATASET).first(MEASURED_IMAGES).floats()
    trained = in_other_units(free, 1.0, pixels)
    shrunk, drifted = (in_other_units(free, 1 / unit, pixels) for unit in (trained.spread, trained.sigma))
    measured = (
        ("β = 0, as trained", trained),
        ("β = 0, in units of the codes' spread: the variances have shrunk", shrunk),
        ("β = 0, in units of the median σ: the means have drifted", drifted),
        ("β = 1, as trained", in_other_units(usual, 1.0, pixels)),
    )
    return as_html(
        [_row(name, figures) for name, figures in measured],
        title="The two ways out of a loss without KL",
        note=f"{MEASURED_IMAGES:,} held-out digits, one z each with the same noise, nats per image. The codes are "
        "multiplied by a factor and the decoder's first weights divided by it: the images stay the same.",
    )


def _row(name: str, figures: InUnits) -> dict[str, object]:
    return {
        "latent space": name,
        "median σ": f"{figures.sigma:.3g}",
        "spread of μ": f"{figures.spread:,.3g}" if figures.spread < 1_000 else f"{figures.spread:,.0f}",
        "σ / spread": f"{figures.sigma / figures.spread:.2g}",
        "reconstruction": f"{figures.reconstruction:.1f}",
        "KL": f"{figures.kl:.1f}" if figures.kl < 1e4 else f"{figures.kl:.2g}",
    }
