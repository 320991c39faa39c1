"""How smoothly images change along paths through latent space."""

from __future__ import annotations

import numpy as np

from vae_core.errors import MeasureError
from vae_core.metrics.checks import equal_shape, finite_rows
from vae_core.metrics.generation import is_hole


def path_length(before: np.ndarray, after: np.ndarray, steps: np.ndarray) -> float:
    """Mean squared change of the image per squared step of the code: squared feature units, at least 0.

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
    return float(np.mean(np.square(after - before).sum(axis=1) / squared_steps))


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
