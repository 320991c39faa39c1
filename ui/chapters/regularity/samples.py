"""What the regularity chapter computes: samples and paths, judged by the dataset's classifier; spreads over seeds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ui.figures.pictures import tiles
from ui.runs.resources import feature_space, held_out, load_run
from ui.runs.selection import figure
from vae_core.metrics import holes
from vae_core.sampling import draw, great_circle_path, straight_path
from vae_core.storage.store import Listed

WAYS = {"straight": straight_path, "great circle": great_circle_path}
COLUMNS, FILM_FRAMES, JUDGED = 9, 11, 41


@dataclass(frozen=True)
class Sheet:
    """Decoded samples.

    Attributes:
        picture: PNG file, holes marked.
        count: samples.
        holes: how many of them are like no training image.
    """

    picture: bytes
    count: int
    holes: int


@dataclass(frozen=True)
class Film:
    """Images along a path between two codes.

    Attributes:
        picture: PNG file, ends included, holes marked.
        share: of finer spaced places on the path, ends left out, that are no holes.
    """

    picture: bytes
    share: float


@lru_cache(maxsize=256)
def sample_sheet(key: str, source: str, count: int, seed: int) -> Sheet:
    """Draw codes from a source, decode them, and judge each.

    Raises:
        MeasureError: the run cannot be sampled from this source.
        RunNotFound: the dataset has no classifier here.
    """
    run = load_run(key)
    z = draw(source, count, run.codes.mean, run.mixture, np.random.default_rng(seed))
    pixels = run.decode(z)
    marked = judged(pixels, run.spec.dataset)
    return Sheet(tiles(pixels, run.image_shape, columns=COLUMNS, marked=marked), count, int(marked.sum()))


@lru_cache(maxsize=256)
def film(key: str, way: str, first: int, second: int) -> Film:
    """The path between the codes of two held-out images.

    Raises:
        RunNotFound: the dataset has no classifier here.
    """
    run = load_run(key)
    ends = run.codes.mean[[first]], run.codes.mean[[second]]
    frames = run.decode(WAYS[way](*ends, FILM_FRAMES)[0])
    between = run.decode(WAYS[way](*ends, JUDGED)[0, 1:-1])
    holes_between = judged(between, run.spec.dataset)
    marked = judged(frames, run.spec.dataset)
    picture = tiles(frames, run.image_shape, columns=FILM_FRAMES, marked=marked)
    return Film(picture, float(1.0 - holes_between.mean()))


def judged(pixels: np.ndarray, dataset: str) -> np.ndarray:
    """Which images are holes: farther from every training image than 95% of real held-out images are."""
    space = feature_space(dataset)
    return holes(space.features(pixels), space.reference, space.threshold)


@lru_cache(maxsize=256)
def pair_of_classes(dataset: str, ends: tuple[int, int], turn: int) -> tuple[int, int]:
    """Numbers of a held-out image of each class; another pair with every turn."""
    labels = held_out(dataset).labels
    members = [np.flatnonzero(labels == label) for label in ends]
    return int(members[0][turn % len(members[0])]), int(members[1][(turn + 1) % len(members[1])])


def spread(lines: list[Listed], *path: str, digits: str) -> str:
    """Mean over seeds with least and most, such as ``162 (158 to 171)``; a dash where nothing was measured."""
    values = [value for line in lines if (value := figure(line, *path)) is not None]
    if not values:
        return "–"
    mean = tidy(sum(values) / len(values), digits)
    return mean if len(values) == 1 else f"{mean} ({tidy(min(values), digits)} to {tidy(max(values), digits)})"


def tidy(value: float, digits: str) -> str:
    """A number in the given format; large ones whole, with commas."""
    return f"{value:,.0f}" if abs(value) >= 1000 else format(value, digits)
