"""Which images have a label: twenty draws from the held-out digits, the same for all features."""

from __future__ import annotations

import numpy as np

from vae_core.datasets.few_labels import DRAWS, labelled

__all__ = ["DRAWS", "LEVELS", "draw"]
LEVELS = (1, 3, 10, 30, 100, 300)  # labels of each class


def draw(labels: np.ndarray, per_class: int, number: int) -> np.ndarray:
    """The indices of one draw's images, class after class; those of fewer labels are among those of more.

    Args:
        labels: (N,), of the held-out digits, which no shipped model has seen.
        per_class: one of `LEVELS`.
        number: of the draw, from 0.
    """
    return labelled(labels, per_class, number)
