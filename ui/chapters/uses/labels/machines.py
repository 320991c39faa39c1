"""The classifiers that a page fits: on the features of the held-out digits, kept once they are computed."""

from __future__ import annotations

import base64
import binascii
import threading
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from ui.chapters.uses.labels.draws import draw
from ui.chapters.uses.labels.features import FEATURES
from ui.chapters.uses.runs import DATASET
from ui.once import once
from ui.runs.resources import held_out, load_run
from ui.runs.selection import per_shelf
from vae_core.errors import MeasureError, VaeCoreError
from vae_core.evaluation.few_labels import Machine
from vae_core.run import Run

PIXELS = 784
MOST_LIVE = 30  # labels of each class up to which a classifier is fitted while one waits
BROKEN = "The digit on the board did not arrive whole, so no classifier has answered: draw again."


def runs_of(name: str) -> list[Run]:
    """The shipped models that features come from.

    Raises:
        StoreError: one of them is not in the store.
    """
    return [load_run(spec.key) for spec in FEATURES[name].specs()]


@per_shelf
def known(name: str) -> np.ndarray:
    """The features of all held-out digits, float32 (N, d)."""
    return FEATURES[name].of(runs_of(name), held_out(DATASET).floats())


@once(maxsize=1)
def begin_to_prepare() -> None:
    """Compute the features of all digits beside the server, once, so that nobody waits for them at a click."""
    threading.Thread(target=_prepare, name="features", daemon=True).start()


def _prepare() -> None:
    for name in FEATURES:
        with suppress(VaeCoreError):  # a run that is missing: the page says so where it is needed
            known(name)


@per_shelf
def machine(name: str, per_class: int, number: int) -> Machine:
    """The classifier of one draw of labels, from 0."""
    images = held_out(DATASET)
    chosen = draw(images.labels, per_class, number)
    pixels = images.images[chosen].reshape(len(chosen), -1).astype(np.float32) / 255.0
    return Machine.fit(FEATURES[name].of(runs_of(name), pixels), images.labels[chosen])


class Answer(NamedTuple):
    """What one classifier says of a digit.

    Attributes:
        label: the class.
        votes: pairs of classes that it wins, of `most`.
        most: one less than there are classes.
    """

    label: int
    votes: int
    most: int


def sent_pixels(text: object) -> np.ndarray | None:
    """The board's pixels as a browser sent them, which is not trusted: float32 (1, 784) in [0, 1]; None for nothing.

    Raises:
        MeasureError: not so many bytes.
    """
    if text is None:
        return None
    try:
        raw = base64.b64decode(str(text)[: 4 * PIXELS], validate=True)
    except (binascii.Error, ValueError) as error:
        raise MeasureError(BROKEN) from error
    if len(raw) != PIXELS:
        raise MeasureError(BROKEN)
    return np.frombuffer(raw, np.uint8).astype(np.float32)[None] / 255.0


@once(maxsize=256)
def _answers(raw: bytes, per_class: int, number: int) -> dict[str, Answer]:
    pixels = np.frombuffer(raw, np.float32)[None]
    found = {}
    for name, features in FEATURES.items():
        one = machine(name, per_class, number)
        votes = one.votes(features.of(runs_of(name), pixels))[0]
        found[name] = Answer(int(one.classes[votes.argmax()]), int(votes.max()), len(one.classes) - 1)
    return found


def answers(pixels: np.ndarray, per_class: int, number: int) -> dict[str, Answer]:
    """What the classifier says of a digit with each kind of features, by their names.

    Args:
        pixels: float32 (1, 784).
        per_class: labels of each class.
        number: of the draw, from 0.
    """
    return _answers(pixels.astype(np.float32).tobytes(), per_class, number)


class Told(NamedTuple):
    """How well a classifier does that was told a few labels by hand.

    Attributes:
        accuracy: per cent of the other held-out digits, with the labels of the data set.
        classes: how many different labels it was told.
    """

    accuracy: float
    classes: int


@once(maxsize=256)
def told_by_hand(which: tuple[int, ...], labels: tuple[int, ...]) -> dict[str, Told]:
    """Fit the classifier on a few held-out digits with labels given by hand, with each kind of features.

    Args:
        which: the digits, by their numbers.
        labels: of each, as it was told.

    Raises:
        MeasureError: fewer than two different labels.
    """
    if len(set(labels)) < 2:
        raise MeasureError("A classifier needs two different labels at least: with one class there is nothing to tell.")
    truth = held_out(DATASET).labels
    others = np.setdiff1d(np.arange(len(truth)), which)
    found = {}
    for name in FEATURES:
        features = known(name)
        one = Machine.fit(features[list(which)], np.array(labels))
        found[name] = Told(100.0 * one.accuracy(features[others], truth[others]), len(set(labels)))
    return found
