"""How well images come back."""

from __future__ import annotations

import numpy as np


def mean_squared_error(images: np.ndarray, reconstructions: np.ndarray) -> float:
    """Mean over images and pixels of the squared difference; both (N, D), pixels in [0, 1]. At least 0."""
    if images.shape != reconstructions.shape:
        raise ValueError(f"images {images.shape} and reconstructions {reconstructions.shape} differ in shape")
    return float(np.mean(np.square(images.astype(np.float64) - reconstructions)))


def bernoulli_floor(images: np.ndarray) -> float:
    """The least cross-entropy that any decoder can reach on grey pixels, in nats per image.

    It is the pixels' own entropy, -sum x ln x + (1 - x) ln(1 - x), mean over images; 0 for binary images.

    Args:
        images: (N, D), pixels in [0, 1].
    """
    x = np.clip(images.astype(np.float64), 1e-12, 1.0 - 1e-12)
    return float(-(x * np.log(x) + (1.0 - x) * np.log1p(-x)).sum(axis=1).mean())
