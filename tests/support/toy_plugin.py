"""What a stranger's package adds to the registries: images whose causes are known, and a model with a codebook.

Cheap to import, as a plugin should be: torch comes with `toy_vq`, when the model is built.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from vae_core.datasets import DatasetInfo, Factor, register_dataset
from vae_core.models import ModelKind, register_model
from vae_core.models.bottleneck import BOTTLENECKS, Bottleneck
from vae_core.options import Real, Whole, option

FACTORS = (Factor("place", "category", 0.0, 7.0), Factor("light", low=0.2, high=1.0))
SIZES = {"train": 300, "validation": 60, "test": 40}


@cache
def _all(split: str) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(list(SIZES).index(split))
    place, light = draw.integers(0, 8, SIZES[split]), draw.uniform(0.2, 1.0, SIZES[split])
    images = np.zeros((SIZES[split], 1, 8, 8), np.uint8)
    images[np.arange(SIZES[split]), 0, :, place] = np.rint(255 * light)[:, None]
    return images, np.stack([place, light], axis=1).astype(np.float32)


def bars(split: str, _root: Path, _download: bool) -> tuple[np.ndarray, np.ndarray]:
    """One bright column each."""
    return _all(split)[0], np.zeros(SIZES[split], np.int64)


def causes(split: str, _root: Path) -> np.ndarray:
    """Its place, and how bright it is."""
    return _all(split)[1]


@dataclass(frozen=True)
class ToyOptions:
    """What only a codebook has to say."""

    entries: int = option(32, Whole(2, 1_024), "Entries of the codebook.")
    commitment: float = option(0.25, Real(0.0, 10.0), "Weight of the commitment term.")


register_dataset(
    "toy_bars", DatasetInfo("Bars with known causes", (1, 8, 8), SIZES["train"], ("bar",), bars, FACTORS, causes)
)
BOTTLENECKS.setdefault("toy_codebook", Bottleneck(continuous=False))
register_model(
    "toy_vq",
    ModelKind(
        "Toy with a codebook",
        "toy_vq:build",
        code="toy_codebook",
        step="toy_vq:TwoOptimisers",
        other_units=("commitment", "codebook"),
        options=ToyOptions,
        hidden=(16,),
        likelihoods=("bernoulli",),
    ),
)
