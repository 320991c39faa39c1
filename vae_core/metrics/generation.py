"""Whether samples look like data.

All distances are Euclidean in the feature space of a classifier that was trained on the same dataset, so they have
the units of its features and compare only within one classifier.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from vae_core.errors import MeasureError
from vae_core.metrics.checks import equal_width, finite_rows, positive_count
from vae_core.metrics.neighbours import nearest_distances

BLOCK = 512
UNSURE_BELOW = 0.7  # a classifier's top probability


def hole_threshold(held_out: np.ndarray, reference: np.ndarray, share: float = 0.95) -> float:
    """The distance to the nearest training image beyond which a sample is called a hole.

    It is the quantile `share` of that distance for real images the model has not seen: by construction 1 - share of
    these very images are holes, and about as many of other real ones.

    Args:
        held_out: (M, f) features of real images that are not in `reference`.
        reference: (N, f) features of the training images.
        share: 0 to 1.

    Raises:
        MeasureError: an input is empty or not finite.
        ValueError: the widths differ, or `share` is outside 0 to 1.
    """
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"share must lie between 0 and 1, not {share}")
    return float(np.quantile(nearest_distances(held_out, reference), share))


def is_hole(distances: np.ndarray, threshold: float) -> np.ndarray:
    """Which distances to the nearest training image exceed `hole_threshold`: bool, any shape."""
    if not (math.isfinite(threshold) and threshold >= 0.0):
        raise ValueError(f"threshold must be a distance, not {threshold}")
    return distances > threshold


def holes(samples: np.ndarray, reference: np.ndarray, threshold: float) -> np.ndarray:
    """Which samples lie farther from every training image than real images do: bool (M,).

    Args:
        samples: (M, f) features of decoded samples.
        reference: (N, f) features of the training images.
        threshold: of `hole_threshold`, same features.

    Raises:
        MeasureError: an input is empty or not finite.
        ValueError: the widths differ, or `threshold` is negative or not finite.
    """
    return is_hole(nearest_distances(samples, reference), threshold)


def hole_rate(samples: np.ndarray, reference: np.ndarray, threshold: float) -> float:
    """Share of the samples that are holes, 0 to 1; see `holes`.

    It cannot tell a blurred average from a good image: read it beside coverage.
    """
    return float(np.mean(holes(samples, reference, threshold)))


class CoverageDensity(NamedTuple):
    """How much of the data the samples reach, and how much of the samples lies where the data is dense.

    Attributes:
        coverage: share of the real images with a sample in their neighbourhood, 0 to 1.
        density: real neighbourhoods that a sample lies in, mean over samples, divided by k; at least 0, about 1 for
            samples of the data's own distribution, more where they gather in its densest parts.
    """

    coverage: float
    density: float


def coverage_and_density(real: np.ndarray, fake: np.ndarray, k: int = 5) -> CoverageDensity:
    """Coverage and density of samples (Naeem et al. 2020, section 3).

    The neighbourhood of a real image is the open ball that reaches to its k-th nearest other real image. Samples of
    the data's own distribution do not score a coverage of 1, but 1 - prod_{i=1..k} (N - i) / (N + M - i) on average
    (their lemma 2): 0.969 for many samples, as many as real images, and k = 5.

    Args:
        real: (N, f) features of real images, more than k.
        fake: (M, f) features of samples. Coverage grows with M: compare at equal sizes only.
        k: neighbours, at least 1.

    Raises:
        MeasureError: too few images, no samples, values that are not finite, or real images so much alike that no
            neighbourhood has a size.
        ValueError: the widths differ, or k is below 1.
    """
    from scipy.spatial.distance import cdist  # takes half a second to import

    positive_count("k", k)
    real, fake = finite_rows("real images", real, least=k + 1), finite_rows("samples", fake)
    equal_width(real, fake)
    covered = inside = 0
    widest = 0.0
    # cdist computes each difference separately: equal pairs give equal distances, on which the open ball relies.
    for start in range(0, len(real), BLOCK):
        block = real[start : start + BLOCK]
        radii = np.partition(cdist(block, real, "sqeuclidean"), k, axis=1)[:, k, None]  # at 0, the image itself
        within = cdist(block, fake, "sqeuclidean") < radii
        covered += int(np.count_nonzero(within.any(axis=1)))
        inside += int(np.count_nonzero(within))
        widest = max(widest, float(radii.max()))
    if widest == 0.0:
        raise MeasureError(f"every real image has {k} copies with the same features: measure images that differ")
    return CoverageDensity(covered / len(real), inside / (k * len(fake)))


class PrecisionRecall(NamedTuple):
    """How many samples look like data, and how much of the data the samples could be.

    Attributes:
        precision: share of the samples within the real images' manifold, 0 to 1.
        recall: share of the real images within the samples' manifold, 0 to 1.
    """

    precision: float
    recall: float


def precision_and_recall(real: np.ndarray, fake: np.ndarray, k: int = 3) -> PrecisionRecall:
    """Precision and recall of samples (Kynkäänniemi et al. 2019, section 2; k = 3 as there).

    The manifold of a set is the union of the closed balls around its members that reach to their k-th nearest other
    member. Two sets of one distribution do not score 1: compare with real images against real ones. One image that is
    far from all others has a large ball, which can make either too large (Naeem et al. 2020, section 3.1).

    Args:
        real: (N, f) features of real images, more than k.
        fake: (M, f) features of samples, more than k. Compare at equal sizes only.
        k: neighbours, at least 1.

    Raises:
        MeasureError: too few images or samples, or values that are not finite.
        ValueError: the widths differ, or k is below 1.
    """
    positive_count("k", k)
    real, fake = finite_rows("real images", real, least=k + 1), finite_rows("samples", fake, least=k + 1)
    equal_width(real, fake)
    return PrecisionRecall(_share_within(fake, real, k), _share_within(real, fake, k))


def _share_within(rows: np.ndarray, members: np.ndarray, k: int) -> float:
    """Share of the rows within the manifold of the members."""
    from scipy.spatial.distance import cdist  # takes half a second to import

    within = np.zeros(len(rows), dtype=bool)
    for start in range(0, len(members), BLOCK):
        block = members[start : start + BLOCK]
        radii = np.partition(cdist(block, members, "sqeuclidean"), k, axis=1)[:, k, None]  # at 0, the image itself
        within |= (cdist(block, rows, "sqeuclidean") <= radii).any(axis=0)
    return float(within.mean())


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Squared 2-Wasserstein distance between the Gaussians fitted to two sets, in squared feature units; at least 0.

    |m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a^1/2 C_b C_a^1/2)^1/2) (Dowson and Landau 1982; Heusel et al. 2017), with
    covariances over N - 1. It falls with the number of images, so it compares only at equal sizes.

    Args:
        a: (N, f) features, at least two rows.
        b: (M, f) features, at least two rows; there may be fewer rows than f.

    Raises:
        MeasureError: fewer than two rows, or values that are not finite.
        ValueError: the widths differ.
    """
    a, b = finite_rows("images", a, least=2), finite_rows("images", b, least=2)
    equal_width(a, b)
    root_a, root_b = _covariance_root(a), _covariance_root(b)
    # The eigenvalues under the trace's root are the squared singular values of this product. Rooting them would turn
    # rounding of 1e-16 into 1e-8 in every direction without variance; the singular values are never squared.
    overlap = np.linalg.svd(root_a @ root_b.T, compute_uv=False).sum()
    spread = np.square(root_a).sum() + np.square(root_b).sum() - 2.0 * overlap
    return max(0.0, float(np.square(a.mean(axis=0) - b.mean(axis=0)).sum() + spread))


def _covariance_root(rows: np.ndarray) -> np.ndarray:
    """R with R^T R the covariance of rows (N, f): (min(N, f), f)."""
    return np.linalg.qr(rows - rows.mean(axis=0)).R / math.sqrt(len(rows) - 1)


def ambiguous(probabilities: np.ndarray, below: float = UNSURE_BELOW) -> np.ndarray:
    """Of which samples the classifier is unsure, with a top probability below `below`: bool (M,).

    Args:
        probabilities: (M, K), rows that sum to 1, at least two classes.
        below: a probability.

    Raises:
        MeasureError: no samples, one class only, or values that are not finite.
        ValueError: rows that are not probabilities.
    """
    probabilities = finite_rows("samples", probabilities)
    if probabilities.shape[1] < 2:
        raise MeasureError("a classifier of one class is always sure: use one of two or more classes")
    if probabilities.min() < 0.0 or not np.allclose(probabilities.sum(axis=1), 1.0, atol=1e-3):
        raise ValueError("the rows are not probabilities: apply softmax to the classifier's output first")
    return probabilities.max(axis=1) < below


def ambiguity(probabilities: np.ndarray, below: float = UNSURE_BELOW) -> float:
    """Share of the samples that are `ambiguous`: 0 to 1; the same arguments and errors."""
    return float(np.mean(ambiguous(probabilities, below)))
