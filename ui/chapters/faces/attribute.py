"""Directions in latent space from heads whose features are known, and what else moves along."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ui.chapters.faces.family import RENDERED, Shown, run_of
from ui.figures.markup import Html
from ui.figures.tables import as_html
from ui.once import once
from ui.runs.resources import held_out
from ui.runs.selection import per_shelf
from vae_core.datasets import Factor, ImageDataset, info, load
from vae_core.metrics import Reader, difference_of_means, explained, fit_reader, moves_along
from vae_core.metrics.directions import halves

LABELLED = 2_000  # training heads whose features are looked at
MOVED = 300  # held-out images that steps are taken from
FARTHEST = 2.0  # times the direction, to both sides


@once(maxsize=4)
def labelled(dataset: str) -> ImageDataset:
    """The training images whose features are looked at."""
    return load(dataset, "train", download=False).first(LABELLED)


def features(dataset: str) -> tuple[str, ...]:
    """The names of the known features of some images; none if none are known."""
    return tuple(factor.name for factor in info(dataset).factors)


def values_of(images: ImageDataset) -> np.ndarray:
    """The features of some heads, (N, F).

    Raises:
        ValueError: they are no heads of this chapter, whose features are known.
    """
    if images.factor_values is None:
        raise ValueError(f"{images.name} has no known factors")
    return images.factor_values


class Directions(NamedTuple):
    """What was computed from the labelled heads.

    Attributes:
        vectors: (F, d), the mean code of the half with more of a feature, less that of the other half.
        reader: code -> features.
    """

    vectors: np.ndarray
    reader: Reader


@per_shelf
def directions(shown: Shown) -> Directions:
    """The directions of a kind's latent space.

    Raises:
        RunNotFound: its run is not in the store.
        MeasureError: its codes are not finite.
    """
    some = labelled(shown.dataset)
    codes = run_of(shown).encode(some.floats())
    vectors = [difference_of_means(codes, halves(column)) for column in values_of(some).T]
    return Directions(np.stack(vectors), fit_reader(codes, values_of(some)))


class Moved(NamedTuple):
    """What one step of a direction does to heads.

    Attributes:
        steps: (F,), mean change of each feature, in its standard deviations.
        readable: (F,), R² of the reader on held-out images.
        n: heads that steps were taken from.
    """

    steps: np.ndarray
    readable: np.ndarray
    n: int


@per_shelf
def moved(shown: Shown, factor: int) -> Moved:
    """What is read of held-out images after a step, less what is read before.

    Codes are decoded, the encoder sees what was drawn, and the reader reads its codes: only what can be seen counts.
    """
    run, found, images = run_of(shown), directions(shown), held_out(shown.dataset)

    def read(z: np.ndarray) -> np.ndarray:
        drawn = run.decode(z.astype(np.float32)).clip(0.0, 1.0)
        return found.reader(run.encode(drawn))

    codes, values = run.codes.mean, values_of(images)
    steps = moves_along(found.vectors[factor], codes[:MOVED], read, values.std(axis=0), step=1.0)
    return Moved(steps, explained(values, found.reader(codes)), len(codes[:MOVED]))


def signed(value: float, digits: int = 2) -> str:
    """A change, with its sign; none before zero."""
    told = f"{value:+.{digits}f}"
    return told.replace("-", "−") if float(told) else told[1:]


def _in_unit(value: float, factor: Factor) -> str:
    return f"{signed(value, 1)} {factor.unit}".replace(" °", "°") if factor.unit else signed(value)


@per_shelf
def table(shown: Shown, factor: int) -> Html:
    """What moves with one step of a feature's direction."""
    found, spreads = moved(shown, factor), values_of(held_out(shown.dataset)).std(axis=0)
    rows = [
        {
            "feature": one.name,
            "moves by": _in_unit(float(found.steps[place] * spreads[place]), one),
            "in standard deviations": signed(float(found.steps[place])),
            "R² of the reader": f"{found.readable[place]:.2f}",
        }
        for place, one in enumerate(info(shown.dataset).factors)
    ]
    note = (
        f"One step of α, around {found.n:,} held-out {shown.noun}s, on average. Codes are decoded, and what was drawn "
        f"is encoded and read by a polynomial that was fitted to the codes of {LABELLED:,} training {shown.noun}s. R²: "
        f"how well it reads held-out {shown.noun}s; where it is far below 1, what it says of the step is little worth."
    )
    return as_html([dict(row) for row in rows], title="What moves along", note=note)


@per_shelf
def told(shown: Shown, factor: int) -> str:
    """How much moves along, in a sentence."""
    steps, names = moved(shown, factor).steps, features(shown.dataset)
    first = max((place for place in range(len(names)) if place != factor), key=lambda place: abs(float(steps[place])))
    more = "more" if steps[first] > 0 else "less"
    return (
        f"One step changes “{names[factor]}” by **{signed(float(steps[factor]))}** standard deviations. What moves "
        "most along "
        f"with it is “{names[first]}”: {abs(steps[first]):.2f} {more}." + _INDEPENDENT * (shown.dataset in RENDERED)
    )


_INDEPENDENT = (
    " The features of these heads were drawn independently, so the labels do not bring it along: the model does."
)


def sent_code(shown: Shown, pixels: np.ndarray) -> np.ndarray:
    """(d,), the code of one picture (1, D)."""
    code: np.ndarray = run_of(shown).encode(pixels)[0]
    return code
