"""How well a mask covers the one that it should be."""

from __future__ import annotations

import numpy as np


def intersection_over_union(found: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The pixels in both masks, of those in either (Jaccard 1912): 0, apart, to 1, equal.

    Args:
        found, wanted: bool (N, P), true where the figure is.

    Returns:
        float64 (N,); 1 where both masks are empty.

    Raises:
        ValueError: shapes that differ, or masks that are not truth values.
    """
    if found.shape != wanted.shape or found.ndim != 2 or found.dtype != bool or wanted.dtype != bool:
        raise ValueError(
            f"masks must be bool (N, P), not {found.dtype} {found.shape} and {wanted.dtype} {wanted.shape}"
        )
    both, either = (found & wanted).sum(axis=1), (found | wanted).sum(axis=1)
    return np.where(either == 0, 1.0, both / np.maximum(either, 1))
