"""The distance of an image to the nearest usual digit: of the training images where they are, else of the held-out."""

from __future__ import annotations

import base64
import binascii
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ui.chapters.uses.belong.recipe import DATASET
from ui.runs.resources import held_out
from vae_core.datasets import is_here, load
from vae_core.metrics.anomaly import Subspace, nearest_usual

REFERENCES = Path(__file__).parent / "references.npz"  # made by tools.measure_belong
AT_ONCE = 5_000  # images that are compared together
SIDE = 28
SHOWN_IMAGES = 2_000  # held-out digits, the first, of which the instrument shows the scores


class References(NamedTuple):
    """What the methods without a network know of the training images.

    Attributes:
        nearest: (N, K), distance of each held-out image to the nearest training image of each class.
        subspaces: PCA of the training images without each class.
    """

    nearest: np.ndarray
    subspaces: tuple[Subspace, ...]


@lru_cache(maxsize=1)
def references() -> References:
    """Those shipped with the bench."""
    with np.load(REFERENCES, allow_pickle=False) as file:
        parts = zip(file["pca_mean"].astype(np.float32), file["pca_components"].astype(np.float32), strict=True)
        return References(file["nearest"].astype(np.float64), tuple(Subspace(*part) for part in parts))


def training_is_here() -> bool:
    """Whether the training images are, so that a drawing can be compared with all of them."""
    return is_here(DATASET)


@lru_cache(maxsize=2)
def _usual(left_out: int, training: bool) -> np.ndarray:
    """The images that a drawing is compared with, uint8 (N, D)."""
    images = load(DATASET, "train", download=False) if training else held_out(DATASET)
    usual = images.without(left_out)
    return usual.images.reshape(len(usual), -1)


@lru_cache(maxsize=20)
def held_out_distances(left_out: int, training: bool) -> np.ndarray:
    """Of each shown held-out image to the nearest usual one, float64 (n,): of the training images, or of the other
    held-out ones."""
    if training:
        return nearest_usual(references().nearest[:SHOWN_IMAGES], left_out)
    images = held_out(DATASET)
    usual = np.flatnonzero(images.labels != left_out)
    points = images.images[:SHOWN_IMAGES].reshape(-1, SIDE * SIDE).astype(np.float32)
    squares = _squares(points, _usual(left_out, False).astype(np.float32))
    rows = np.flatnonzero(images.labels[:SHOWN_IMAGES] != left_out)
    squares[rows, np.searchsorted(usual, rows)] = np.inf  # a usual image is not its own nearest
    return _as_distances(squares.min(axis=1))


def _squares(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Squared distances of images of levels 0 to 255: (n, D), (m, D) -> float32 (n, m)."""
    found = points @ others.T
    found *= -2.0
    found += np.einsum("nd,nd->n", others, others)
    found += np.einsum("nd,nd->n", points, points)[:, None]
    return found


def _as_distances(squares: np.ndarray) -> np.ndarray:
    """Of pixels in [0, 1]."""
    return np.sqrt(np.maximum(squares.astype(np.float64), 0.0)) / 255.0


def reference_in_words(left_out: int, training: bool) -> str:
    """With what a drawing is compared, in a sentence."""
    if training:
        return f"Compared with {len(load(DATASET, 'train', download=False).without(left_out)):,} training digits."
    return (
        f"The training digits are not on this machine: compared with {len(_usual(left_out, False)):,} held-out digits "
        "instead, as are those of the histogram."
    )


@lru_cache(maxsize=64)
def distance_of(asked: str, left_out: int, training: bool) -> float | None:
    """The distance that the browser asks for.

    Args:
        asked: the place of a held-out digit, or the bytes of a drawing in base64.
        left_out: the digit that is not compared with.
        training: whether the training images are compared with, or the held-out ones.

    Returns:
        None if it is neither.
    """
    known = held_out_distances(left_out, training)
    if asked.isdecimal() and len(asked) < 10:
        return float(known[int(asked)]) if int(asked) < len(known) else None
    try:
        content = base64.b64decode(asked, validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(content) != SIDE * SIDE:
        return None
    drawing, usual = np.frombuffer(content, np.uint8).astype(np.float32)[None], _usual(left_out, training)
    parts = [usual[start : start + AT_ONCE].astype(np.float32) for start in range(0, len(usual), AT_ONCE)]
    return float(_as_distances(np.array(min(_squares(drawing, part).min() for part in parts))))
