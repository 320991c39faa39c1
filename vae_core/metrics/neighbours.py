"""Nearest neighbours."""

from __future__ import annotations

import numpy as np

from vae_core.errors import MeasureError
from vae_core.metrics.checks import distinct, equal_width, finite_rows, positive_count

TREE_DIMENSIONS = 15  # beyond, a tree visits nearly every row


def nearest_distances(points: np.ndarray, reference: np.ndarray, *, block: int = 512) -> np.ndarray:
    """Euclidean distance from each point to its nearest reference row, in the units of the points.

    Exhaustive: in the 64 dimensions of a feature space a tree would visit every row anyway. Memory beyond copies of
    the inputs is block * block numbers.

    Args:
        points: (M, k), at least one.
        reference: (N, k), at least one.
        block: rows of each that are compared at a time; changes speed and memory only.

    Returns:
        float64 (M,), at least 0, and exactly 0 for a point that is itself a reference row.

    Raises:
        MeasureError: an input is empty or not finite.
        ValueError: the widths differ, or `block` is not positive.
    """
    points, reference = finite_rows("points", points), finite_rows("reference rows", reference)
    equal_width(points, reference)
    positive_count("block", block)
    nearest = _nearest_rows(points, reference, block)
    # The products only choose the row. Its distance is computed again, because the root of a small difference of
    # large squares would be far less exact.
    return np.linalg.norm(points - reference[nearest], axis=1)


def _nearest_rows(points: np.ndarray, reference: np.ndarray, block: int) -> np.ndarray:
    """For each point (M, k) the index of the nearest reference row (N, k): integers (M,)."""
    origin = reference.mean(axis=0)  # centred, rounding errors are small
    # |p - r|^2 = |p|^2 - 2 p.r + |r|^2, and |p|^2 does not change which r is nearest: one product [p, 1].[-2r, |r|^2].
    centred = reference - origin
    right = np.hstack([-2.0 * centred, np.square(centred).sum(axis=1, keepdims=True)])
    left = np.hstack([points - origin, np.ones((len(points), 1))])
    nearest = np.zeros(len(points), dtype=np.int64)
    least = np.full(len(points), np.inf)
    for start in range(0, len(points), block):
        rows = slice(start, start + block)
        for first in range(0, len(reference), block):
            values = left[rows] @ right[first : first + block].T
            column = values.argmin(axis=1)
            value = np.take_along_axis(values, column[:, None], axis=1)[:, 0]
            closer = value < least[rows]
            nearest[rows] = np.where(closer, first + column, nearest[rows])
            least[rows] = np.where(closer, value, least[rows])
    return nearest


def label_agreement(codes: np.ndarray, labels: np.ndarray, k: int = 10) -> float:
    """Mean share of a code's k nearest other codes that have its label: 0 to 1.

    Codes that are unrelated to their images score the probability that two random images have the same label, the
    sum of the squared class shares: 0.1 for ten equal classes.

    Args:
        codes: (N, d), more than k.
        labels: (N,), at least two different.
        k: neighbours, at least 1.

    Raises:
        MeasureError: too few codes, one class only, all codes the same, or codes that are not finite.
        ValueError: not one label per code, or k below 1.
    """
    positive_count("k", k)
    codes = finite_rows("codes", codes, least=k + 1)
    labels = np.asarray(labels)
    if labels.shape != (len(codes),):
        raise ValueError(f"labels {labels.shape} do not match {len(codes)} codes")
    if len(np.unique(labels)) < 2:
        raise MeasureError("all labels are the same, so every neighbour agrees: measure images of two or more classes")
    distinct("codes", codes)
    return float(np.mean(labels[nearest_others(codes, k)] == labels[:, None]))


def nearest_others(codes: np.ndarray, k: int) -> np.ndarray:
    """For each code (N, d) its k nearest other codes: integers (N, k)."""
    if codes.shape[1] > TREE_DIMENSIONS:
        from sklearn.neighbors import NearestNeighbors  # takes seconds to import

        return NearestNeighbors(n_neighbors=k).fit(codes).kneighbors(return_distance=False)
    from scipy.spatial import KDTree  # takes half a second to import

    indices = KDTree(codes).query(codes, k + 1)[1]
    # A code comes first among its neighbours, unless more than k others coincide with it.
    itself = indices == np.arange(len(codes))[:, None]
    itself[~itself.any(axis=1), -1] = True
    return indices[~itself].reshape(len(codes), k)


def trustworthiness(images: np.ndarray, codes: np.ndarray, k: int = 10) -> float:
    """How well neighbours among the codes are neighbours among the images: 0 to 1, about 0.5 for random codes.

    Each of a code's k nearest that is not among its image's k nearest costs its rank there minus k, scaled so that
    the worst layout scores 0 (Venna and Kaski 2001). Time and memory grow with the square of N: a few
    thousand images.

    Args:
        images: (N, D), more than 2k.
        codes: (N, d), in the order of the images.
        k: neighbours, at least 1.

    Raises:
        MeasureError: too few images, all images or all codes the same, or values that are not finite.
        ValueError: not one code per image, or k below 1.
    """
    from sklearn.manifold import trustworthiness as venna_and_kaski

    positive_count("k", k)
    images = finite_rows("images", images, least=2 * k + 1)
    codes = finite_rows("codes", codes)
    if len(images) != len(codes):
        raise ValueError(f"{len(images)} images do not match {len(codes)} codes")
    distinct("images", images)
    distinct("codes", codes)
    return float(venna_and_kaski(images, codes, n_neighbors=k))
