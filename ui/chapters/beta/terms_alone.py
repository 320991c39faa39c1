"""What each term of the loss does alone: three planes, and what was measured of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ui.chapters.beta.costs import agreement
from ui.chapters.beta.sweep import KL_ONLY, NO_KL, USUAL, stop_at
from ui.figures.palette import CLASS_COLOURS
from ui.runs.resources import load_run
from ui.runs.selection import figure, per_shelf
from vae_core.payloads.plane import Payload, plane_payload
from vae_core.run import Run
from vae_core.storage.store import Listed

ALONE = {NO_KL: "Reconstruction only", USUAL: "Both terms", KL_ONLY: KL_ONLY}


class Sampled(NamedTuple):
    """What was measured of samples from one place, from the run's file.

    Attributes:
        holes: share of them.
        coverage: of real images, by them.
        size: how many they were.
    """

    holes: float
    coverage: float
    size: float

    @property
    def told(self) -> str:
        """In words."""
        return f"holes {self.holes:.0%}, coverage {self.coverage:.2f}"


@dataclass(frozen=True)
class Alone:
    """One of the three.

    Attributes:
        run: the model.
        codes: float32 (N, 2), one z sampled for each held-out image.
        agreement: share of their nearest neighbours that have the same label.
        prior: of samples from N(0, I).
        box: of samples from the model's own region, a box around its codes.
    """

    run: Run
    codes: np.ndarray
    agreement: float
    prior: Sampled | None
    box: Sampled | None


@per_shelf
def _alone() -> dict[str, Alone]:
    found = {}
    for label, title in ALONE.items():
        line = stop_at(2, label)
        run = load_run(line.key)
        codes = run.codes.drawn(np.random.default_rng(0))
        found[title] = Alone(run, codes, agreement(run), _sampled(line, "prior"), _sampled(line, "box"))
    return found


def _sampled(line: Listed, source: str) -> Sampled | None:
    values = [figure(line, "samples", source, name) for name in ("hole_rate", "coverage", "n")]
    return None if None in values else Sampled(*values)  # type: ignore[arg-type]


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
    if alone.prior is None or alone.box is None:
        return "samples not measured"
    return f"from N(0, I): {alone.prior.told}, from a box around the codes: {alone.box.told}"


@per_shelf
def alone_sentence() -> str:
    """What to read off the three planes, with the numbers and how many images they are of: markdown."""
    data, both, kl = _alone().values()
    shares = np.bincount(kl.run.codes.labels) / len(kl.codes)
    measured = f" Samples: {both.prior.size:,.0f} from each place." if both.prior else ""
    return (
        f"- **Reconstruction only**: **{data.agreement:.0%}** of a dot's neighbours are of its class, but nothing says "
        f"where the codes lie. Their standard deviation is {data.codes.std():.0f}: N(0, I) is one spot of their plane. "
        f"Samples {_of_samples(data)}{_own_region(data, both)}.\n"
        f"- **Both terms**: **{both.agreement:.0%}** of neighbours are of one class, and the classes are packed around "
        f"0, where N(0, I) is. Samples {_of_samples(both)}.\n"
        f"- **KL only**: all codes match the prior, and the neighbours are chance, **{kl.agreement:.0%}** (by chance "
        f"{float((shares**2).sum()):.0%}). Samples {_of_samples(kl)}.\n\n"
        f"Neighbours: the 10 nearest of {len(both.codes):,} digits.{measured} One random start each."
    )


def _own_region(data: Alone, both: Alone) -> str:
    """That holes are not what is wrong with it, where they are not."""
    if data.box is None or both.prior is None or data.box.holes > both.prior.holes:
        return ""
    return (
        f": in its own region it has no more holes than the VAE has in the prior's ({both.prior.holes:.0%}). What it "
        "lacks is a region that is known in advance"
    )
