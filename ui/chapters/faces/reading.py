"""Features read of what a decoder draws: by a formula that was fitted to codes of training images."""

from __future__ import annotations

import numpy as np

from ui.chapters.faces.family import Shown, run_of
from ui.once import once
from ui.runs.selection import per_shelf
from vae_core.datasets import ImageDataset, info, load
from vae_core.errors import MeasureError
from vae_core.metrics import Reader, fit_reader

LABELLED = 2_000  # training images whose features are looked at, at most


@once(maxsize=4)
def labelled(dataset: str) -> ImageDataset:
    """The training images whose features are looked at."""
    return load(dataset, "train", download=False).first(LABELLED)


def features(dataset: str) -> tuple[str, ...]:
    """The names of the known features of some images; none if none are known."""
    return tuple(factor.name for factor in info(dataset).factors)


def values_of(images: ImageDataset) -> np.ndarray:
    """The features of some images, (N, F).

    Raises:
        ValueError: none are known.
    """
    if images.factor_values is None:
        raise ValueError(f"{images.name} has no known factors")
    return images.factor_values


def spreads_of(dataset: str) -> np.ndarray:
    """The standard deviation of every feature over the labelled images, (F,).

    Raises:
        MeasureError: one is the same for all of them.
    """
    spreads: np.ndarray = values_of(labelled(dataset)).std(axis=0, dtype=np.float64)
    for name, spread in zip(features(dataset), spreads, strict=True):
        if spread == 0.0:
            raise MeasureError(f"“{name}” is the same for all images that are looked at: nothing can be said in it")
    return spreads


@per_shelf
def labelled_codes(shown: Shown) -> np.ndarray:
    """(N, d), of the labelled images.

    Raises:
        RunNotFound: the run is not in the store.
    """
    codes: np.ndarray = run_of(shown).encode(labelled(shown.dataset).floats())
    return codes


@per_shelf
def reader_of(shown: Shown) -> Reader:
    """Code -> features, of a kind's latent space.

    Raises:
        RunNotFound: its run is not in the store.
        MeasureError: its codes are not finite.
    """
    return fit_reader(labelled_codes(shown), values_of(labelled(shown.dataset)))


def seen_in(shown: Shown, codes: np.ndarray) -> np.ndarray:
    """Features of what is drawn of some codes: (N, d) -> (N, F).

    Codes are decoded, the encoder sees what was drawn, and the reader reads its codes: only what can be seen counts.
    """
    return read_of(shown, run_of(shown).decode(codes.astype(np.float32)))


def read_of(shown: Shown, pixels: np.ndarray) -> np.ndarray:
    """Features of some pictures: (N, D) -> (N, F)."""
    found: np.ndarray = reader_of(shown)(run_of(shown).encode(pixels.clip(0.0, 1.0)))
    return found
