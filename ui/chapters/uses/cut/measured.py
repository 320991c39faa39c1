"""What cuts out: the shipped networks of the bench, and the figures that ``python -m tools.measure_cut`` wrote."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ui.chapters.uses.runs import shipped
from vae_core.datasets.images import PICTURE
from vae_core.spec import RunSpec
from vae_core.storage.store import Listed
from vae_core.training.schedule import images_per_epoch

FILE = Path(__file__).with_name("measured.json")
DATASET = "textured"
COUNTS = (10, 30, 100, 300, 1_000, 3_000)  # masks to learn from
FEW = 300  # of the shipped networks that learned from few
SEEDS = 3
STEPS, BATCH, RATE = 1_000, 16, 1e-2  # of every training that is measured
INTERVAL = 1.96  # standard errors on either side: 95%
STUDENT = 4.303  # the same over three random starts: 95% of Student's t with two degrees of freedom


def trained_on(count: int, *, skips: bool, seed: int) -> RunSpec:
    """A network that learns from the first so many masks, with about `STEPS` steps however many there are."""
    epochs = round(STEPS / math.ceil(images_per_epoch(count) / BATCH))
    options = {"target": "mask", "skips": skips}
    return RunSpec(
        DATASET, "unet", epochs=epochs, batch_size=BATCH, learning_rate=RATE, seed=seed, images=count, options=options
    )


def steps_of(spec: RunSpec) -> int:
    """Steps of a whole training on the images that a specification names."""
    assert spec.images is not None  # the networks that learned from few
    return spec.epochs * math.ceil(images_per_epoch(spec.images) / spec.batch_size)


@dataclass(frozen=True)
class Kind:
    """A shipped network.

    Attributes:
        title: name to display.
        target: what it gives.
        skips: whether it has skip connections.
        images: how many targets it learned from; None for all.
    """

    title: str
    target: str
    skips: bool
    images: int | None


NETWORKS = {
    "few": Kind("{few} masks, skips", "mask", True, FEW),
    "few_without": Kind("{few} masks, no skips", "mask", False, FEW),
    "all": Kind("all {all} masks, skips", "mask", True, None),
    "clean": Kind("the clean digit", "clean", True, None),
    PICTURE: Kind("the picture", PICTURE, True, None),
}
MASKS = tuple(name for name, kind in NETWORKS.items() if kind.target == "mask")


def title_of(name: str) -> str:
    """A shipped network's name, with its numbers of masks."""
    from vae_core.datasets import info

    return NETWORKS[name].title.format(few=FEW, all=f"{info(DATASET).training_images:,}")


def fits(name: str) -> Callable[[RunSpec], bool]:
    """Whether a specification is that of a shipped network."""
    kind = NETWORKS[name]
    return lambda spec: (
        spec.model == "unet"
        and (spec.target, spec.options.skips, spec.images) == (kind.target, kind.skips, kind.images)
    )


def network(name: str) -> Listed:
    """The shipped run of one of `NETWORKS`.

    Raises:
        RunNotFound: it is not in the store.
    """
    return shipped(f"The network of {title_of(name)}", fits(name), dataset=DATASET)


def spec_of(name: str) -> RunSpec:
    """That of one of `NETWORKS`; raises as `network`."""
    spec = network(name).spec
    assert spec is not None  # the store lists it by its specification
    return spec


class Mean(NamedTuple):
    """A mean IoU, and half the width of its 95% interval."""

    mean: float
    half: float


@cache
def measured() -> dict[str, Any]:
    """The document that tools/measure_cut.py describes."""
    document: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return document


def by_masks(count: int, *, skips: bool) -> Mean:
    """Over random starts, of networks that learned from so many masks."""
    values = np.array(measured()["iou"][str(skips).lower()][str(count)])
    return Mean(float(values.mean()), STUDENT * float(values.std(ddof=1)) / math.sqrt(len(values)))


def classical(name: str) -> Mean:
    """Over test pictures, of a method that learns from no mask."""
    of = measured()["classical"][name]
    return Mean(of["mean"], INTERVAL * of["standard_error"])


def of_shipped(name: str) -> Mean:
    """Over test pictures, of a shipped network that gives masks."""
    of = measured()["shipped"][name]
    return Mean(of["iou"], INTERVAL * of["iou_standard_error"])
