"""How smoothly images change along paths through latent space."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vae_core.errors import MeasureError
from vae_core.metrics.checks import equal_shape, finite_rows
from vae_core.metrics.generation import is_hole


def path_length(before: np.ndarray, after: np.ndarray, steps: np.ndarray) -> float:
    """The mean of `path_lengths`; of few steps, a single very large one can make most of it. Same arguments, errors."""
    return float(np.mean(path_lengths(before, after, steps)))


def path_lengths(before: np.ndarray, after: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Squared change of the image per squared step of the code, of each step: (N,), squared feature units, at least 0.

    The perceptual path length of Karras et al. 2019, section 4.1, with the features of the dataset's own classifier
    and the step measured in standard deviations of the codes, so that the scale of latent space does not matter.
    Features are float32: with steps much below 0.01, rounding dominates.

    Args:
        before: (N, f) features of the images decoded from N codes.
        after: (N, f) features of those decoded from the codes moved by one step each.
        steps: (N, d), divided by the standard deviation of the codes, none of length 0.

    Raises:
        MeasureError: nothing to measure, values that are not finite, or a step of length 0.
        ValueError: the arrays do not correspond row by row.
    """
    before, after, steps = (
        finite_rows("images", before),
        finite_rows("images", after),
        finite_rows("steps", steps),
    )
    equal_shape(before, after)
    if len(steps) != len(before):
        raise ValueError(f"{len(steps)} steps do not match {len(before)} images")
    squared_steps = np.square(steps).sum(axis=1)
    if not squared_steps.all():
        raise MeasureError("a step has length 0, so the change per step is undefined: take steps of one length")
    return np.square(after - before).sum(axis=1) / squared_steps


def on_path_share(distances: np.ndarray, threshold: float) -> float:
    """Share of the points on paths between codes that decode to something like the data, not to a hole: 0 to 1.

    Args:
        distances: (P, T) of T points on each of P paths to the nearest training image, in feature space.
        threshold: of `hole_threshold`, same features.

    Raises:
        MeasureError: no points, or distances that are not finite.
        ValueError: `threshold` is negative or not finite.
    """
    return float(1.0 - np.mean(is_hole(finite_rows("paths", distances), threshold)))


class ClassChange(NamedTuple):
    """How a classifier's verdict passes from one class to another along paths.

    Attributes:
        falls_back: (P,), how far the end's probability lost again to the start's on the way, 0 where the change is
            monotone. It is the sum of all falls of (end - start) / 2, which rises by 1 in all on a whole path.
        largest_step: (P,), the largest change between neighbouring points, in total variation: 0 to 1.
    """

    falls_back: np.ndarray
    largest_step: np.ndarray


def class_change(probabilities: np.ndarray, start: np.ndarray, end: np.ndarray) -> ClassChange:
    """Along paths between images of two classes, how gradually the one turns into the other.

    Args:
        probabilities: (P, T, K) of T points on each of P paths, at least two.
        start: (P,), the class that each path begins in.
        end: (P,), the class that it ends in.

    Raises:
        MeasureError: no paths, fewer than two points, or values that are not finite.
        ValueError: a path for which no classes are given, or one that ends in the class it began in.
    """
    paths, points = probabilities.shape[:2]
    finite_rows("paths", probabilities.reshape(paths * points, -1))
    if points < 2:
        raise MeasureError("a path has a start and an end: measure at two points or more")
    if not (start.shape == end.shape == (paths,)):
        raise ValueError(f"{paths} paths need as many starts and ends, not {start.shape} and {end.shape}")
    if (start == end).any():
        raise ValueError("a path must lead from one class to another")
    each = np.arange(paths)
    lead = (probabilities[each, :, end] - probabilities[each, :, start]) / 2.0  # (P, T)
    falls = np.maximum(-np.diff(lead, axis=1), 0.0).sum(axis=1)
    steps = 0.5 * np.abs(np.diff(probabilities, axis=1)).sum(axis=2)
    return ClassChange(falls, steps.max(axis=1))
