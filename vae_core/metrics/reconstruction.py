"""Reconstruction error."""

from __future__ import annotations

import numpy as np


def mean_squared_error(images: np.ndarray, reconstructions: np.ndarray) -> float:
    """Mean over images and pixels of the squared difference; both (N, D), pixels in [0, 1]. At least 0."""
    if images.shape != reconstructions.shape:
        raise ValueError(f"images {images.shape} and reconstructions {reconstructions.shape} differ in shape")
    return float(np.mean(np.square(images.astype(np.float64) - reconstructions)))
