"""Measurements of a split's codes against the known factors of its images."""

from __future__ import annotations

from typing import Any

import numpy as np

from vae_core.datasets import Factor, ImageDataset
from vae_core.metrics import (
    dci,
    factor_entropies,
    factor_vae_score,
    isolation,
    mutual_information_gap,
    mutual_information_matrix,
    readability,
    separated_attribute_predictability,
)
from vae_core.metrics.factors import BINS
from vae_core.run import Codes

MOST_FITTED = 4_000  # images on whose codes readers and trees are fitted, the first to learn from
_SEED = 20_190_611


def measure_factors(
    factors: tuple[Factor, ...], values: np.ndarray, codes: Codes, fit_values: np.ndarray, fit_codes: Codes
) -> dict[str, Any]:
    """How dimensions of the codes and known factors belong to each other.

    Args:
        factors: of the dataset, F of them.
        values: (N, F), of the images measured.
        codes: of those, N.
        fit_values, fit_codes: of training images, on which trees and regressions are fitted.

    Returns:
        ``names`` of the factors; ``n`` images measured, ``fitted_n`` fitted to, ``bins`` of equal width.
        ``mutual_information``: (d, F) nats, which number found which factor, with each factor's ``entropy``, its most,
        and ``mutual_information_by_chance``, its mean where codes are dealt to the images anew. ``mig``, ``sap``,
        ``factor_vae_score``: 0 to 1, the first two with a list ``…_of_each`` factor. ``disentanglement``,
        ``completeness``, and ``importances`` (d, F), shares of each factor (DCI); ``informativeness``, the mean over
        ``informativeness_of_each``. ``r2`` of each number by a polynomial of degree 3 and ``r2_linear`` by linear
        regression, None for categories. ``jump``, ``overlap`` and ``shared``: see `metrics.isolation`.

    Raises:
        MeasureError: codes or factors that cannot be measured; the sentence says why.
    """
    kinds = tuple(factor.kind == "category" for factor in factors)
    mean, fitted = codes.mean.astype(np.float64), fit_codes.mean.astype(np.float64)
    gaps = mutual_information_gap(mean, values, categories=kinds)
    gains = separated_attribute_predictability(mean, values, categories=kinds)
    trees = dci(mean, values, fitted, fit_values, categories=kinds)
    dealt = np.random.default_rng(_SEED).permutation(len(mean))
    alone = isolation(mean, codes.log_var)
    return {
        "names": [factor.name for factor in factors],
        "n": len(mean),
        "fitted_n": len(fitted),
        "bins": BINS,
        "mutual_information": mutual_information_matrix(mean, values, categories=kinds).tolist(),
        "mutual_information_by_chance": float(mutual_information_matrix(mean[dealt], values, categories=kinds).mean()),
        "entropy": factor_entropies(values, categories=kinds).tolist(),
        "mig": float(gaps.mean()),
        "mig_of_each": gaps.tolist(),
        "sap": float(gains.mean()),
        "sap_of_each": gains.tolist(),
        "factor_vae_score": factor_vae_score(mean, values, categories=kinds).score,
        "disentanglement": trees.disentanglement,
        "completeness": trees.completeness,
        "importances": trees.importances.tolist(),
        "informativeness": float(trees.informativeness.mean()),
        "informativeness_of_each": trees.informativeness.tolist(),
        "r2": _of_numbers(kinds, mean, values, fitted, fit_values, 3),
        "r2_linear": _of_numbers(kinds, mean, values, fitted, fit_values, 1),
        "jump": alone.jump,
        "overlap": alone.overlap,
        "shared": alone.shared,
    }


def _of_numbers(
    kinds: tuple[bool, ...],
    codes: np.ndarray,
    values: np.ndarray,
    fit_codes: np.ndarray,
    fit_values: np.ndarray,
    degree: int,
) -> list[float | None]:
    """R² of every factor that is a number; None for a category."""
    numbers = [place for place, category in enumerate(kinds) if not category]
    if not numbers:
        return [None] * len(kinds)
    told = readability(codes, values[:, numbers], fit_codes, fit_values[:, numbers], degree=degree)
    by_place = dict(zip(numbers, told.tolist(), strict=True))
    return [by_place.get(place) for place in range(len(kinds))]


def first_to_fit(training: ImageDataset) -> ImageDataset:
    """The training images on whose codes readers are fitted."""
    return training.first(MOST_FITTED)
