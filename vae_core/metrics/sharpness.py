"""How sharp images are, which classes they show, and whether they are copies."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vae_core.metrics.checks import positive_count

COVERED = 0.5  # of the class's share among real images: below that it counts as lost


def laplacian_variance(images: np.ndarray) -> np.ndarray:
    """Variance of an image's Laplacian, over its pixels: high where edges are sharp (Pech-Pacheco et al. 2000).

    The Laplacian has four neighbours and is taken where all of them are within the image.

    Args:
        images: (N, C, H, W), pixels in [0, 1], at least 3 by 3.

    Returns:
        float64 (N,), squared pixel units, the mean over channels; at least 0.

    Raises:
        ValueError: another shape.
    """
    if images.ndim != 4 or min(images.shape[2:]) < 3:
        raise ValueError(f"images must have shape (N, C, H, W) with at least 3 by 3 pixels, not {images.shape}")
    x = images.astype(np.float64)
    inside = x[..., 1:-1, 1:-1]
    around = x[..., :-2, 1:-1] + x[..., 2:, 1:-1] + x[..., 1:-1, :-2] + x[..., 1:-1, 2:]
    return (around - 4.0 * inside).var(axis=(2, 3)).mean(axis=1)


class Classes(NamedTuple):
    """Which classes a set of images shows.

    Attributes:
        shares: by class, summing to 1.
        covered: how many classes have at least half of their share among real images.
        imbalance: share of the images that would need another class to have the balance of real ones: the total
            variation distance, ½ Σ |share - real share|, from 0 to 1. That of as many real images is not 0 either:
            its expectation is about Σ √(p (1 - p) / (2 π N)) over the classes' shares p.
    """

    shares: np.ndarray
    covered: int
    imbalance: float


def class_balance(predicted: np.ndarray, real: np.ndarray) -> Classes:
    """Compare the classes of generated images with those of real ones.

    Args:
        predicted: whole numbers (N,), the classifier's most probable class of each generated image.
        real: whole numbers (M,), its classes of real ones, told by the same classifier.

    Raises:
        ValueError: no image.
    """
    positive_count("the number of images", min(len(predicted), len(real)))
    count = int(max(predicted.max(), real.max())) + 1
    shares, wanted = (np.bincount(one, minlength=count) / len(one) for one in (predicted, real))
    covered = int(((shares >= COVERED * wanted) & (wanted > 0)).sum())
    return Classes(shares, covered, float(0.5 * np.abs(shares - wanted).sum()))


def near_copies(distances: np.ndarray, real: np.ndarray) -> float:
    """Share of images that are nearer to their nearest training image than 95% of real held-out images are to theirs.

    About .05 for images that are as new as real ones; more says that training images are copied, or that samples are
    common where real ones vary.

    Args:
        distances: (N,), each generated image's distance to the nearest training image.
        real: (M,), the same of held-out images.

    Raises:
        ValueError: one of them is empty.
    """
    positive_count("the number of images", min(len(distances), len(real)))
    return float((distances < np.quantile(real, 0.05)).mean())
