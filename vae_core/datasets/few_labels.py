"""Which images have a label, where only a few have one."""

from __future__ import annotations

import numpy as np

DRAWS = 20  # of labelled images, the same for all features


def labelled(labels: np.ndarray, per_class: int, seed: int) -> np.ndarray:
    """Draw as many images of each class, without repetition.

    A larger number with the same seed contains a smaller one: what is learned from more labels differs in those alone.

    Args:
        labels: (N,), whole numbers.
        per_class: how many; a class with fewer gives all of its images.
        seed: of the draw.

    Returns:
        int64, indices, class after class.

    Raises:
        ValueError: no labels, or less than one per class.
    """
    if per_class < 1 or not len(labels):
        raise ValueError("labels are drawn from at least one image of each class")
    rng = np.random.default_rng(seed)
    drawn = [rng.permutation(np.flatnonzero(labels == label))[:per_class] for label in np.unique(labels)]
    return np.concatenate(drawn).astype(np.int64)
