"""The photographs to choose from, their codes, and the directions between groups of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import streamlit as st

from ui.once import once
from ui.runs.resources import held_out, load_run
from vae_core.datasets import ImageDataset, load, own
from vae_core.payloads.plane import Payload, thumbnails_payload

TILES = 48  # photographs to choose from
POOL = 1_000  # photographs that a class's mean code is taken from, and that errors are measured on
FARTHEST = 3.0  # times the direction, to both sides

Stretch = tuple[np.ndarray, np.ndarray]  # a code and a direction from it, (d,) each


class Pool(NamedTuple):
    """Photographs, held-out ones first.

    Attributes:
        images: uint8 (N, C, H, W).
        labels: (N,).
        label_names: of the classes.
        held_out: how many of the first are held out.
    """

    images: np.ndarray
    labels: np.ndarray
    label_names: tuple[str, ...]
    held_out: int

    @property
    def pixels(self) -> np.ndarray:
        """As a model gets them, float32 (N, D), 0 to 1: made when asked for, because a cache keeps the pool."""
        return self.images.reshape(len(self.images), -1).astype(np.float32) / np.float32(255.0)


@st.cache_resource(show_spinner=False, max_entries=4)
def pool(dataset: str) -> Pool:
    """At most `POOL` photographs of a set, of visitors' own sets also those to learn from.

    Raises:
        DatasetUnavailable: they are not on this machine.
    """
    parts = [held_out(dataset).first(POOL // 2)]
    if own.shape_in(dataset):
        parts.append(load(dataset, "train", download=False).first(POOL - len(parts[0])))
    images = np.concatenate([part.images for part in parts])
    labels = np.concatenate([part.labels for part in parts])
    return Pool(images, labels, parts[0].label_names, len(parts[0]))


@st.cache_resource(show_spinner=False, max_entries=8)
def sheet(dataset: str) -> Payload:
    """The first photographs of the pool as one picture, with the names of their classes."""
    some = pool(dataset)
    shown = ImageDataset(dataset, "album", some.images[:TILES], some.labels[:TILES], some.label_names)
    names = [some.label_names[label] for label in shown.labels] if len(some.label_names) > 1 else None
    return thumbnails_payload(shown, names=names)


@once(maxsize=32)
def codes(key: str, dataset: str) -> np.ndarray:
    """(N, d), the codes of the pool, mean codes if the model has posteriors."""
    found = load_run(key).encode(pool(dataset).pixels)
    found.flags.writeable = False
    return found


def first_photograph(dataset: str) -> np.ndarray:
    """(1, D), the pixels of the first photograph."""
    some = pool(dataset)
    return some._replace(images=some.images[:1]).pixels


def usual_pair(dataset: str) -> list[int]:
    """Two photographs to begin with, of different classes where there are some."""
    labels = pool(dataset).labels[:TILES]
    other = next((number for number, label in enumerate(labels) if label != labels[0]), 1)
    return [0, int(other)]


def walk(key: str, dataset: str, first: int, second: int) -> Stretch:
    """From the code of a photograph to that of another."""
    z = codes(key, dataset)
    return z[first], z[second] - z[first]


@dataclass(frozen=True)
class Groups:
    """Photographs with an attribute and without it, by number in the pool."""

    having: tuple[int, ...]
    lacking: tuple[int, ...]

    @property
    def told(self) -> bool:
        """Whether both groups have a photograph."""
        return bool(self.having and self.lacking)


def of_class(dataset: str, label: int) -> Groups:
    """A class against all others, over the whole pool."""
    labels = pool(dataset).labels
    return Groups(tuple(np.flatnonzero(labels == label).tolist()), tuple(np.flatnonzero(labels != label).tolist()))


@once(maxsize=64)
def direction(key: str, dataset: str, groups: Groups) -> np.ndarray:
    """(d,), the mean code of the photographs with the attribute, less that of those without."""
    z = codes(key, dataset).astype(np.float64)
    return z[list(groups.having)].mean(axis=0) - z[list(groups.lacking)].mean(axis=0)


@once(maxsize=64)
def by_chance(key: str, dataset: str, groups: Groups) -> float:
    """How far apart the mean codes of two random groups of these sizes lie: the root of the mean squared distance.

    A mean of n codes varies by their variance divided by n, and the two groups' means vary independently.
    """
    variance = codes(key, dataset).astype(np.float64).var(axis=0, ddof=1).sum()
    return float(np.sqrt(variance * (1 / len(groups.having) + 1 / len(groups.lacking))))


def added(key: str, dataset: str, groups: Groups, onto: int) -> Stretch:
    """From the code of a photograph in that direction."""
    return codes(key, dataset)[onto], direction(key, dataset, groups)


def compared(key: str, dataset: str, groups: Groups) -> str:
    """The length of the direction beside what chance gives, in a sentence."""
    length, chance = float(np.linalg.norm(direction(key, dataset, groups))), by_chance(key, dataset, groups)
    return f"{length:.2f} apart; random groups of this size: {chance:.2f}"


def counted(groups: Groups) -> str:
    """How many photographs the direction is of, and what that means."""
    having, lacking = len(groups.having), len(groups.lacking)
    few = min(having, lacking) < 10
    text = f"The direction is the mean code of **{having:,}** photographs less that of **{lacking:,}** others."
    if few:
        text += (
            " With so few, it also holds whatever else differs between the two groups: the background, the light, "
            "where things stand. Mark photographs that differ in many ways, but share the attribute."
        )
    else:
        text += " What the photographs of a group have in common besides the attribute is in it too."
    return text


def first_outside(numbers: Sequence[int], count: int) -> int:
    """The first photograph to choose from that is not in a group; the first of all where there is none."""
    return next((number for number in range(count) if number not in numbers), 0)
