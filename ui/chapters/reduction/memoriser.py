"""One number for each image of a small set: what the network remembers, and what lies between."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ui.once import once
from ui.runs.resources import feature_space, load_run
from vae_core.datasets import load
from vae_core.metrics import holes, mean_squared_error, share_interval
from vae_core.payloads.plane import Payload, line_payload

MEMORISED = (10, 50, 200)
REAL_HOLES = 0.05  # of the validation digits, by the definition of a hole


@once(maxsize=64)
def memorised_line(key: str) -> Payload:
    """A memoriser's line with the images that it memorised."""
    run = load_run(key)
    images = load(run.spec.dataset, "train", download=False).first(run.spec.images)
    labels = [run.label_names[label] for label in images.labels]
    return line_payload(run, images.images, labels, options={"z": 3.5})


class Capacity(NamedTuple):
    """What a memoriser could do, and what it cannot.

    Attributes:
        weights: numbers that training sets.
        pixels: of the memorised images together.
        average_error: on new images, of one that always answers with the average of the memorised images.
    """

    weights: int
    pixels: int
    average_error: float


@once(maxsize=8)
def capacity_of(key: str) -> Capacity:
    """Measured on a memoriser's run and its data."""
    run = load_run(key)
    memorised = load(run.spec.dataset, "train", download=False).first(run.spec.images).floats()
    new = load(run.spec.dataset, "validation", download=False).floats()
    average = np.broadcast_to(memorised.mean(axis=0), new.shape)
    weights = sum(array.size for array in run.weights.values())
    return Capacity(weights, memorised.size, mean_squared_error(new, average))


@once(maxsize=64)
def holes_on_line(key: str) -> tuple[np.ndarray, np.ndarray]:
    """Which of a memoriser's images are holes: at the whole numbers, and halfway between."""
    run, space = load_run(key), feature_space("mnist_sample")
    whole = np.arange(float(run.spec.images or 0))[:, None]
    at, between = (
        holes(space.features(run.decode(z)), space.reference, space.threshold) for z in (whole, whole[:-1] + 0.5)
    )
    return at, between


def between_numbers(key: str) -> tuple[int, str]:
    """Answer to the memoriser's prediction: more holes than chance would put there, and at least twice as many."""
    at, between = holes_on_line(key)
    usual = max(float(at.mean()), REAL_HOLES)
    low, high = share_interval(int(between.sum()), len(between))
    worse = between.mean() >= 2 * usual and low > usual
    rest = len(between) - int(between.sum())
    return (
        1 if worse else 0,
        f"{between.sum()} of the {len(between)} images halfway between two numbers look like no training digit "
        f"({between.mean():.0%}; a 95% interval, if they were independent, of {low:.0%} to {high:.0%}); of the "
        f"{len(at)} at the numbers themselves, {at.sum()} ({at.mean():.0%}); of real digits, about {REAL_HOLES:.0%}. "
        f"The other {rest} are as near to a training digit as real ones are, which a blurred mixture of two can be, "
        f"too. Training asked for nothing between the numbers.{_why_in_order(key)}",
    )


def _why_in_order(key: str) -> str:
    """Why the last figure of a code is its digit's class, where that is so: a reader would take it for a discovery."""
    run = load_run(key)
    labels = load(run.spec.dataset, "train", download=False).first(run.spec.images).labels
    if not np.array_equal(labels, np.arange(len(labels)) % len(run.label_names)):
        return ""
    return (
        f" And the code 3 holds a {run.label_names[3]} for one reason only: the images were handed in in the order "
        f"{', '.join(run.label_names[:3])}, … The network was told the numbers; it did not find them."
    )
