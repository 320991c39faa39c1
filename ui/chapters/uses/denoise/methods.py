"""What denoises: the networks and the filters of the bench, and their figures as ``python -m tools.measure_denoising``
wrote them to measured.json."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ui.chapters.uses.runs import shipped
from ui.once import once
from vae_core.evaluation.filters import FILTERS, Setting
from vae_core.spec import RunSpec
from vae_core.storage.store import Listed

FILE = Path(__file__).with_name("measured.json")
DIMENSIONS = 32
AS_IT_IS, PCA = "as_it_is", "pca"
TRAINED = "denoising_ae"  # the one that was trained on damaged images
KIND, LEVEL = "gaussian", 0.5  # that it was trained on
COMPONENTS = (4, 8, 12, 16, 20, 24, 28, 32)  # of PCA, to choose from
INTERVAL = 1.96  # standard errors on either side: 95%


@dataclass(frozen=True)
class NetworkKind:
    """A model that rebuilds images.

    Attributes:
        title: name to display.
        fits: whether a specification is its.
    """

    title: str
    fits: Callable[[RunSpec], bool]


def _of(model: str, latent_dim: int) -> Callable[[RunSpec], bool]:
    return lambda spec: (
        spec.model == model and spec.latent_dim == latent_dim and spec.damage is None and spec.images is None
    )


NETWORKS = {
    TRAINED: NetworkKind(
        "Denoising autoencoder", lambda spec: spec.model == "conv_ae" and spec.damage == (KIND, LEVEL)
    ),
    "conv_ae": NetworkKind("Autoencoder", _of("conv_ae", DIMENSIONS)),
    "conv_vae": NetworkKind("VAE", _of("conv_vae", 16)),
}
CLASSICAL = {**{name: one.title for name, one in FILTERS.items()}, PCA: "PCA projection"}
TITLES = {
    AS_IT_IS: "As it is", **CLASSICAL, **{name: one.title for name, one in NETWORKS.items()}
}  # fmt: skip


def in_a_sentence(title: str) -> str:
    """A title as it stands within a sentence: names and abbreviations keep their capital."""
    keeps = title.startswith("Gaussian") or title[1:2].isupper()
    return title if keeps else f"{title[0].lower()}{title[1:]}"


def network(name: str) -> Listed:
    """The shipped run of one of `NETWORKS`.

    Raises:
        RunNotFound: it is not in the store.
    """
    return shipped(f"The {in_a_sentence(NETWORKS[name].title)} of the bench", NETWORKS[name].fits)


def projection() -> Listed:
    """The shipped PCA.

    Raises:
        RunNotFound: it is not in the store.
    """
    return shipped("The PCA of the bench", _of("pca", DIMENSIONS))


@once(maxsize=1)
def measured() -> dict[str, Any]:
    """The document that tools/measure_denoising.py describes."""
    document: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return document


def setting(name: str, kind: str, level: float) -> Setting:
    """How a classical method is set for damage of this kind: as tuned on validation images at the nearest level."""
    document = measured()
    levels = document["levels"][kind]
    nearest = min(range(len(levels)), key=lambda number: abs(levels[number] - level))
    return Setting(*document["settings"][name][kind][nearest])
