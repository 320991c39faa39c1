"""How much of the pictures' variance each cause explains."""

from __future__ import annotations

import numpy as np


def first_order(images: np.ndarray, values: np.ndarray, bins: int = 20) -> np.ndarray:
    """First-order Sobol indices of the pixels' summed variance: (F,), near 0 to 1.

    The index of a factor is the variance of the mean picture given this factor, over the variance of pictures. The
    means are taken within equally filled bins, and what the others' noise adds to their variance is subtracted (as in
    an analysis of variance). The indices of independent factors add to 1 where nothing interacts.

    Args:
        images: (N, D), any scale.
        values: (N, F), independent of each other.
        bins: of at least 2 images each.

    Source: Sobol 1993; Saltelli et al. 2008, Global Sensitivity Analysis, chapter 4.
    """
    x = np.asarray(images, dtype=np.float64)
    x = x - x.mean(axis=0)
    total, count = float((x**2).sum()), len(x)
    found = []
    for column in np.asarray(values).T:
        rank = np.argsort(np.argsort(column, kind="stable"), kind="stable")
        place = rank * bins // count
        each = np.bincount(place, minlength=bins)
        sums = np.zeros((bins, x.shape[1]))
        np.add.at(sums, place, x)
        between = float((sums**2 / each[:, None]).sum())
        noise = (total - between) / (count - bins)
        found.append((between - (bins - 1) * noise) / total)
    return np.array(found)
