"""Which directions carry the variance of data, and how the directions that models keep lie to each other."""

from __future__ import annotations

import numpy as np

from vae_core.errors import MeasureError
from vae_core.metrics.checks import equal_shape, finite_rows


def covariance_spectrum(x: np.ndarray) -> np.ndarray:
    """Eigenvalues of the data's covariance: the variance along each principal component (Hotelling 1933).

    Those after the first d, summed, are the least squared error per row of any linear encoder and decoder with d
    numbers on these rows (Eckart and Young 1936).

    Args:
        x: (N, D), two rows or more.

    Returns:
        float64 (D,), descending, none below 0; their sum is the total variance, with N in the denominator.

    Raises:
        MeasureError: fewer than two rows, or values that are not finite.
        ValueError: not two-dimensional.
    """
    x = finite_rows("rows of the data", x, least=2)
    covariance = np.atleast_2d(np.cov(x, rowvar=False, bias=True))
    return np.linalg.eigvalsh(covariance)[::-1].clip(min=0.0)


def principal_angles(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Angles between the subspaces that two sets of directions span, whatever their bases (Björck and Golub 1973).

    Args:
        a: (D, d), directions as columns, linearly independent, any length.
        b: (D, d), likewise.

    Returns:
        float64 (d,) degrees, 0 to 90, ascending: all 0 for the same subspace, all 90 for perpendicular ones.

    Raises:
        MeasureError: directions that are not linearly independent, or values that are not finite.
        ValueError: the shapes differ.
    """
    from scipy.linalg import subspace_angles  # takes half a second to import

    a, b = finite_rows("rows of the directions", a), finite_rows("rows of the directions", b)
    equal_shape(a, b)
    for directions in (a, b):
        if np.linalg.matrix_rank(directions) < directions.shape[1]:
            raise MeasureError("some directions are combinations of the others: compare models that use all of theirs")
    return np.rad2deg(subspace_angles(a, b)[::-1])


def orthonormality_error(directions: np.ndarray) -> float:
    """Largest difference between the Gram matrix of the directions, scaled to unit length, and the identity.

    It is the largest cosine, regardless of sign, between two of them: 0 if all are orthogonal, 1 if two are
    parallel; 0 for one direction.

    Args:
        directions: (D, d), as columns.

    Raises:
        MeasureError: a direction of length 0, or values that are not finite.
        ValueError: not two-dimensional.
    """
    directions = finite_rows("rows of the directions", directions)
    lengths = np.linalg.norm(directions, axis=0)
    if not lengths.all():
        raise MeasureError("a direction has length 0 and so no angle: leave the unused dimension out")
    unit = directions / lengths
    return float(np.abs(unit.T @ unit - np.eye(unit.shape[1])).max())
