"""What compresses: the coders of the bench, and their figures as ``python -m tools.measure_compression`` wrote them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from ui.chapters.uses.runs import DATASET, shipped
from ui.once import once
from ui.runs.resources import load_run
from ui.runs.selection import per_shelf
from vae_core.coding.bits_back import BitsBack
from vae_core.coding.grid import GridCoder
from vae_core.coding.linear import LinearCoder
from vae_core.spec import RunSpec
from vae_core.storage.store import Listed

__all__ = ["DATASET", "FILE", "PCA_FILE", "TARGET", "bits_back", "fits_prior", "fits_vae", "grid", "measured", "pca"]

FILE = Path(__file__).with_name("measured.json")
PCA_FILE = Path(__file__).with_name("pca.npz")
TARGET = 0.0042  # squared error per pixel, within which settings are chosen
ENTRIES = 64
DIMENSIONS = 16  # of the VAE


def fits_prior(spec: RunSpec) -> bool:
    """Whether a run is the codebook with a prior that codes digits here."""
    options = spec.options
    own = spec.dataset == DATASET and spec.model == "vq_prior"
    return own and options.entries == ENTRIES and not options.classes


def fits_vae(spec: RunSpec) -> bool:
    """Whether a run is the VAE that codes binarised digits here."""
    return spec.dataset == DATASET and spec.model == "vae" and bool(spec.binarised) and spec.latent_dim == DIMENSIONS


def prior_line() -> Listed:
    """The prior.

    Raises:
        RunNotFound: it is not in the store.
    """
    return shipped("The codebook's prior of the bench", fits_prior)


def vae_line() -> Listed:
    """The VAE.

    Raises:
        RunNotFound: it is not in the store.
    """
    return shipped("The binarised VAE of the bench", fits_vae)


@per_shelf
def grid() -> GridCoder:
    """The coder of codebook entries."""
    return GridCoder(load_run(prior_line().key))


@per_shelf
def bits_back() -> BitsBack:
    """The coder of binarised digits."""
    return BitsBack(load_run(vae_line().key))


@once(maxsize=1)
def pca() -> LinearCoder:
    """The coder of quantised coefficients."""
    with np.load(PCA_FILE, allow_pickle=False) as arrays:
        return LinearCoder.of_arrays({name: arrays[name] for name in arrays.files})


@once(maxsize=1)
def measured() -> dict[str, Any]:
    """The document of measured.json."""
    document: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return document


def chosen(name: str, part: str = "files") -> dict[str, Any]:
    """The figures of a method at the setting that was chosen on validation digits; `setting` says which."""
    found = measured()[part][name] if part == "files" else measured()[name]
    figures: dict[str, Any] = found["all"][found["chosen"]]
    return figures


def setting(name: str, part: str = "files") -> float:
    """The chosen setting: a quality, a step or a penalty."""
    found = measured()[part][name] if part == "files" else measured()[name]
    return float(found["chosen"])
