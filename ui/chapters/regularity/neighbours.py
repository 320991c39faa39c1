"""Continuity: how much the image changes when its code moves by a small step, and how far training asks for little."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ui.chapters.regularity.judge import probabilities
from ui.figures.pictures import tiles
from ui.once import once
from ui.runs.resources import load_run
from vae_core.errors import MeasureError
from vae_core.sampling import directions

STEPS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)  # in standard deviations of the codes
USUAL_STEP = 0.2
USUAL_IMAGE = 133  # a 3 whose neighbourhoods in the shipped pair at d = 2 are near the average of all
AROUND = 8  # neighbours shown
MEASURED = 1_000  # codes
SEED = 20_061_123
NOTHING_USED = "No dimension of this model is in use, so there is no step to take: choose another."


@dataclass(frozen=True)
class Neighbourhood:
    """A code and its neighbours, decoded.

    Attributes:
        picture: PNG file, three by three, the code in the middle; another class is marked.
        changed: how many of the neighbours are of another class than the middle, by the classifier.
        classes: what the classifier sees in the nine images, in the order of reading.
    """

    picture: bytes
    changed: int
    classes: tuple[int, ...]


@once(maxsize=256)
def neighbourhood(key: str, image: int, step: float) -> Neighbourhood:
    """The code of a held-out image, and eight codes one step away from it.

    On a plane they lie in the directions in which they are shown; in more dimensions in eight random ones, among the
    dimensions in use.

    Args:
        key: of the run.
        image: its number.
        step: in standard deviations of the codes.

    Raises:
        RunNotFound: the dataset has no classifier here.
        MeasureError: no dimension is in use.
    """
    run = load_run(key)
    code = _codes(key)[image]
    around = code + step * _compass(_used(key)) * _spread(key)
    pixels = run.decode(np.concatenate([around[: AROUND // 2], code[None], around[AROUND // 2 :]]))
    seen = probabilities(pixels, run.spec.dataset).argmax(axis=1)
    marked = seen != seen[AROUND // 2]
    picture = tiles(pixels, run.image_shape, columns=3, marked=marked)
    return Neighbourhood(picture, int(marked.sum()), tuple(seen.tolist()))


@once(maxsize=256)
def changed_share(key: str, step: float) -> tuple[float, int]:
    """How often a step in a random direction changes the class that the classifier sees, and at how many codes.

    The direction lies within the dimensions in use: steps into others change nothing, and would flatter a model that
    has such.

    Raises:
        RunNotFound: the dataset has no classifier here.
        MeasureError: no dimension is in use.
    """
    chosen = _chosen(key)
    direction = directions(len(chosen), _used(key), np.random.default_rng(SEED))
    after = _classes(key, chosen + step * direction * _spread(key))
    return float((_classes_before(key) != after).mean()), len(chosen)


@once(maxsize=64)
def trained_alike(key: str) -> str:
    """How far around a code a VAE's training asks for the same image: two sentences.

    Within the dimensions in use: in the others σ is 1, the codes have hardly any spread, and the image stays as it is.

    Raises:
        MeasureError: no dimension is in use.
    """
    share = load_run(key).codes.sigma_over_spread()
    if share is None:
        raise MeasureError(NOTHING_USED)
    return (
        "A VAE decodes *samples* around each code while it learns, so the points within one [[approximate posterior]] "
        f"are trained to decode alike. Its σ is here {share:.2g} standard deviations of the codes (median over images "
        "and dimensions in use, one trained model)."
    )


def _chosen(key: str) -> np.ndarray:
    """The codes at which steps are measured."""
    codes = _codes(key)
    return codes[np.random.default_rng(SEED).permutation(len(codes))[:MEASURED]]


@once(maxsize=64)
def _classes_before(key: str) -> np.ndarray:
    return _classes(key, _chosen(key))


def _classes(key: str, z: np.ndarray) -> np.ndarray:
    """Codes (N, d) -> the classes that the classifier sees in their images, (N,)."""
    run = load_run(key)
    return probabilities(run.decode(z), run.spec.dataset).argmax(axis=1)


def _codes(key: str) -> np.ndarray:
    return load_run(key).codes.mean.astype(np.float64)


def _used(key: str) -> np.ndarray:
    """The dimensions in use, bool (d,)."""
    used = load_run(key).codes.used()
    if not used.any():
        raise MeasureError(NOTHING_USED)
    return used


def _spread(key: str) -> np.ndarray:
    """The codes' standard deviation in each dimension: a step is measured in it, or a large scale would flatter."""
    return _codes(key).std(axis=0)


def _compass(used: np.ndarray) -> np.ndarray:
    """Eight directions of length 1, (8, d): those of the compass in the order of reading, or random ones."""
    if len(used) == 2:
        angles = np.array([3, 2, 1, 4, 0, 5, 6, 7]) * math.pi / 4
        return np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return directions(AROUND, used, np.random.default_rng(SEED))
