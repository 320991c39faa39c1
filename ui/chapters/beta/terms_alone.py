"""What each term of the loss does alone: three planes, and what was measured of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ui.chapters.beta.costs import agreement
from ui.chapters.beta.sweep import KL_ONLY, NO_KL, USUAL, stop_at
from ui.figures.palette import CLASS_COLOURS
from ui.runs.resources import load_run
from ui.runs.selection import figure, per_shelf
from vae_core.payloads.plane import Payload, plane_payload
from vae_core.run import Run

ALONE = {NO_KL: "Reconstruction only", USUAL: "Both terms", KL_ONLY: KL_ONLY}


@dataclass(frozen=True)
class Alone:
    """One of the three.

    Attributes:
        run: the model.
        codes: float32 (N, 2), one z sampled for each held-out image.
        agreement: share of their nearest neighbours that have the same label.
        holes: share of samples from N(0, I) that are holes, from the run's file; None if not measured.
        coverage: of the same samples.
        samples: how many they were.
    """

    run: Run
    codes: np.ndarray
    agreement: float
    holes: float | None
    coverage: float | None
    samples: float | None


@per_shelf
def _alone() -> dict[str, Alone]:
    found = {}
    for label, title in ALONE.items():
        line = stop_at(2, label)
        run = load_run(line.key)
        holes, coverage, count = (figure(line, "samples", "prior", name) for name in ("hole_rate", "coverage", "n"))
        codes = run.codes.drawn(np.random.default_rng(0))
        found[title] = Alone(run, codes, agreement(run), holes, coverage, count)
    return found


@per_shelf
def terms_alone(images: str) -> list[Payload]:
    """The planes of the reconstruction only, of both terms, and of the KL only, one z sampled for each image.

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
            subtitle=f"neighbours alike {alone.agreement:.0%}, {_of_samples(alone)}",
            options={"group": "terms-alone", "compact": True, "images": images},
        )
        for title, alone in _alone().items()
    ]


def _of_samples(alone: Alone) -> str:
    if alone.holes is None or alone.coverage is None:
        return "samples not measured"
    return f"holes {alone.holes:.0%}, coverage {alone.coverage:.2f}"


@per_shelf
def alone_sentence() -> str:
    """What to read off the three planes, with the numbers and how many images they are of: markdown."""
    data, both, kl = _alone().values()
    shares = np.bincount(kl.run.codes.labels) / len(kl.codes)
    measured = f" Samples: {both.samples:,.0f}." if both.samples else ""
    return (
        f"- **Reconstruction only**: **{data.agreement:.0%}** of a dot's neighbours are of its class, but nothing says "
        f"where the codes lie: {_of_samples(data)}.\n"
        f"- **Both terms**: **{both.agreement:.0%}** of neighbours are of one class, and the classes are packed around "
        f"0: {_of_samples(both)}.\n"
        f"- **KL only**: all codes match the prior, and the neighbours are chance, **{kl.agreement:.0%}** (by chance "
        f"{float((shares**2).sum()):.0%}): {_of_samples(kl)}.\n\n"
        f"Neighbours: the 10 nearest of {len(both.codes):,} digits.{measured}"
    )
