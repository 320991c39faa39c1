"""Anomaly scores: how odd an image is, judged from pixels, reconstructions or codes. Each is higher for odder images.

What scores images by nats is in `losses.likelihoods` and `evaluation.left_out`; how well a score ranks, in `ranking`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vae_core.errors import MeasureError
from vae_core.metrics.checks import equal_shape, equal_width, finite_rows


def squared_errors(images: np.ndarray, reconstructions: np.ndarray) -> np.ndarray:
    """Mean over the pixels of the squared difference of each image: (N, D), (N, D) -> float64 (N,), at least 0."""
    equal_shape(images, reconstructions)
    found: np.ndarray = np.square(images.astype(np.float64) - reconstructions).mean(axis=1)
    return found


class Subspace(NamedTuple):
    """The affine subspace that fits images best (Pearson 1901).

    Attributes:
        mean: (D,), of the images.
        components: (d, D), orthonormal rows.
    """

    mean: np.ndarray
    components: np.ndarray


def fit_subspace(images: np.ndarray, dimensions: int) -> Subspace:
    """PCA by scikit-learn: (N, D), N and D at least `dimensions` -> float64."""
    from sklearn.decomposition import PCA  # takes seconds to import

    fitted = PCA(dimensions, svd_solver="covariance_eigh").fit(images.astype(np.float64))
    return Subspace(fitted.mean_, fitted.components_)


def subspace_errors(images: np.ndarray, subspace: Subspace) -> np.ndarray:
    """Squared distance of each image to a subspace, mean over its pixels: (N, D) -> float64 (N,), at least 0."""
    centred = images.astype(np.float64) - subspace.mean
    equal_width(centred, subspace.components)
    left: np.ndarray = centred - centred @ subspace.components.T @ subspace.components
    return np.asarray(np.square(left).mean(axis=1))


class Cloud(NamedTuple):
    """A Gaussian fitted to codes.

    Attributes:
        mean: (d,).
        precision: (d, d), the inverse of their covariance.
    """

    mean: np.ndarray
    precision: np.ndarray


def cloud_of(mean: np.ndarray, covariance: np.ndarray) -> Cloud:
    """The Gaussian with this mean (d,) and covariance (d, d).

    Raises:
        MeasureError: it does not spread in every direction: a dimension that is the same for all images has no scale to
            measure distances with.
    """
    mean, covariance = np.asarray(mean, np.float64), np.asarray(covariance, np.float64)
    if np.linalg.matrix_rank(covariance, hermitian=True) < len(covariance):
        raise MeasureError("the codes lie in fewer dimensions than they have: use fewer latent dimensions")
    return Cloud(mean, np.linalg.inv(covariance))


def mahalanobis(codes: np.ndarray, cloud: Cloud) -> np.ndarray:
    """Distance of codes (N, d) to the middle of a cloud, in its own standard deviations (Mahalanobis 1936): (N,)."""
    away = finite_rows("codes", codes) - cloud.mean
    equal_width(away, cloud.precision)
    return np.asarray(np.sqrt(np.maximum(np.einsum("nd,de,ne->n", away, cloud.precision, away), 0.0)))


def nearest_by_class(images: np.ndarray, others: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Euclidean distance of each image to the nearest other image of each class, by scikit-learn.

    The score "distance to the nearest usual image", with any class left out, is the least of the other columns.

    Args:
        images: (M, D).
        others: (N, D), with an image of each class.
        labels: (N,), of the others.
        classes: K, how many there are.

    Returns:
        float64 (M, K); infinite for a class of which there is no image.
    """
    from sklearn.neighbors import NearestNeighbors  # takes seconds to import

    found = np.full((len(images), classes), np.inf)
    for label in range(classes):
        if len(chosen := others[labels == label]):
            nearest = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(chosen)
            found[:, label] = nearest.kneighbors(images)[0][:, 0]
    return found


def nearest_usual(by_class: np.ndarray, left_out: int) -> np.ndarray:
    """Of the distances of `nearest_by_class`, (M, K), those to the nearest image that is not of one class: (M,)."""
    least: np.ndarray = np.delete(by_class, left_out, axis=1).min(axis=1)
    return least
