"""How well known factors can be read from codes, and on which dimensions a reader relies."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement
from typing import Any, NamedTuple

import numpy as np

from vae_core.errors import MeasureError
from vae_core.metrics.factors import codes_with_factors

MOST_FEATURES = 600  # of a polynomial
TREES, DEPTH = 100, 3  # scikit-learn's usual ones, as in disentanglement_lib


class Reader(NamedTuple):
    """Ridge regression on powers and products of standardised codes: a small formula from a code to its factors.

    Attributes:
        mean, spread: (d,), of the codes that it was fitted to.
        powers: which dimensions each feature multiplies.
        weights: (features + 1, F), the last row for the constant.
    """

    mean: np.ndarray
    spread: np.ndarray
    powers: tuple[tuple[int, ...], ...]
    weights: np.ndarray

    def __call__(self, codes: np.ndarray) -> np.ndarray:
        """Codes (N, d) -> factors (N, F)."""
        return _features(codes, self.mean, self.spread, self.powers) @ self.weights


def _features(
    codes: np.ndarray, mean: np.ndarray, spread: np.ndarray, powers: tuple[tuple[int, ...], ...]
) -> np.ndarray:
    standard = (np.asarray(codes, dtype=np.float64) - mean) / spread
    # Far outside of what was seen a cube says nothing.
    standard = standard.clip(-5.0, 5.0)
    columns = [standard[:, list(one)].prod(axis=1) for one in powers]
    return np.stack([*columns, np.ones(len(standard))], axis=1)


def fit_reader(codes: np.ndarray, factors: np.ndarray, *, degree: int = 3, ridge: float = 1e-3) -> Reader:
    """The least-squares polynomial from codes to factors, with a small penalty.

    Args:
        codes: (N, d).
        factors: (N, F), numbers.
        degree: of the polynomial, lowered where it would have more than 600 features: d = 6 has 83 of degree 3.
        ridge: penalty on squared weights of standardised features, in shares of N.

    Raises: as of `mutual_information_matrix`.
    """
    codes, factors, _ = codes_with_factors(codes, factors, (), least=2)
    dimensions = range(codes.shape[1])
    while degree > 1 and _count(len(dimensions), degree) > MOST_FEATURES:
        degree -= 1
    powers = tuple(one for power in range(1, degree + 1) for one in combinations_with_replacement(dimensions, power))
    spread = codes.std(axis=0)
    mean, spread = codes.mean(axis=0), np.where(spread > 0.0, spread, 1.0)
    features = _features(codes, mean, spread, powers)
    scale = features.std(axis=0)
    penalty = np.diag(ridge * len(codes) * np.square(scale))  # none on the constant
    weights = np.linalg.lstsq(features.T @ features + penalty, features.T @ factors, rcond=None)[0]
    return Reader(mean, spread, powers, weights)


def _count(dimensions: int, degree: int) -> int:
    count, term = 0, 1
    for power in range(1, degree + 1):
        term = term * (dimensions + power - 1) // power
        count += term
    return count


def explained(factors: np.ndarray, read: np.ndarray) -> np.ndarray:
    """R² of every factor, (F,): 1 where all is read, 0 where no more than the mean is, and below where less.

    Args:
        factors: (N, F), the truth, of images that the reader was not fitted to.
        read: (N, F), what it says.

    Raises:
        MeasureError: a factor is the same for all.
        ValueError: the shapes differ.
    """
    _, factors, _ = codes_with_factors(factors, factors, (), least=2)
    if np.shape(read) != factors.shape:
        raise ValueError(f"factors {factors.shape} and what was read {np.shape(read)} differ")
    return 1.0 - np.square(factors - read).mean(axis=0) / factors.var(axis=0)


def readability(
    codes: np.ndarray, factors: np.ndarray, fit_codes: np.ndarray, fit_factors: np.ndarray, *, degree: int = 3
) -> np.ndarray:
    """R² of every factor as a polynomial of the code tells it, of images that had no part in fitting: (F,), at most 1.

    Degree 1 is linear regression. It says whether a factor is in the code at all, whichever dimensions hold it: a
    rotated code is as readable, to which MIG and its like would give less.

    Args:
        codes, factors: (N, d), (N, F), measured.
        fit_codes, fit_factors: (M, d), (M, F), fitted to.
        degree: as of `fit_reader`.

    Raises:
        MeasureError: as of `mutual_information_matrix`.
    """
    reader = fit_reader(fit_codes, fit_factors, degree=degree)
    return explained(factors, reader(codes))


class DCI(NamedTuple):
    """Disentanglement, completeness and informativeness (Eastwood and Williams 2018).

    Attributes:
        disentanglement: 0 to 1: 1 where every dimension serves one factor only; dimensions weigh by their use.
        completeness: 0 to 1: 1 where every factor is told by one dimension only.
        informativeness: (F,), R² of numbers, or share of categories named, of images that had no part in fitting.
        importances: (d, F), relative importance of a dimension for a factor; each column sums to 1.
    """

    disentanglement: float
    completeness: float
    informativeness: np.ndarray
    importances: np.ndarray


def disentanglement_completeness(importances: np.ndarray) -> tuple[float, float]:
    """D and C of a matrix of importances (d, F), none below 0, as in disentanglement_lib.

    Of each dimension, 1 less the entropy of its row in units of ln F, weighed by its share of all; of each factor, 1
    less the entropy of its column in units of ln d. A matrix of zeros has 0 for both.

    Raises:
        ValueError: an importance below 0, or not two factors and two dimensions.
    """
    importances = np.asarray(importances, dtype=np.float64)
    if importances.ndim != 2 or min(importances.shape) < 2 or (importances < 0.0).any():
        raise ValueError(f"importances must be (d, F), at least (2, 2) and none below 0, not {importances.shape}")
    rows = 1.0 - _entropy(importances) / np.log(importances.shape[1])
    columns = 1.0 - _entropy(importances.T) / np.log(importances.shape[0])
    total = importances.sum()
    if total == 0.0:
        return float(rows.mean()), float(columns.mean())
    return float(rows @ importances.sum(axis=1) / total), float(columns @ importances.sum(axis=0) / total)


def _entropy(rows: np.ndarray) -> np.ndarray:
    """Of every row's shares, nats; an empty row's are even."""
    filled = rows + 1e-11
    shares = filled / filled.sum(axis=1, keepdims=True)
    return -(shares * np.log(shares)).sum(axis=1)


def dci(
    codes: np.ndarray,
    factors: np.ndarray,
    fit_codes: np.ndarray,
    fit_factors: np.ndarray,
    *,
    categories: Sequence[bool] = (),
) -> DCI:
    """DCI by gradient boosted trees, 100 of depth 3 for every factor, as in disentanglement_lib.

    Importance is by how much splits on a dimension lower the error. The paper has random forests, or lasso; another
    regressor gives other numbers. Trees rely on the better one of two dimensions that say nearly the same, and cut a
    slanted line into steps, so that R² of a rotated code is a little low.

    Args:
        codes, factors: (N, d), (N, F), which informativeness is measured on.
        fit_codes, fit_factors: (M, d), (M, F), which the trees are grown on.
        categories: for each factor, whether its values are categories; left out, none.

    Raises:
        MeasureError: as of `mutual_information_matrix`; fewer than two dimensions or factors.
    """
    from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

    fit_codes, fit_factors, kinds = codes_with_factors(fit_codes, fit_factors, categories, least=2)
    codes, factors, _ = codes_with_factors(codes, factors, kinds, least=2)
    if min(codes.shape[1], factors.shape[1]) < 2:
        raise MeasureError("DCI compares dimensions and factors: two or more of each are needed")
    told, importances = [], []
    for place, category in enumerate(kinds):
        grow: Any = GradientBoostingClassifier if category else GradientBoostingRegressor
        trees = grow(n_estimators=TREES, max_depth=DEPTH, random_state=0).fit(fit_codes, fit_factors[:, place])
        found, wanted = trees.predict(codes), factors[:, place]
        told.append(np.mean(found == wanted) if category else 1.0 - np.mean(np.square(wanted - found)) / wanted.var())
        importances.append(trees.feature_importances_)
    matrix = np.abs(np.stack(importances, axis=1))  # rounding leaves a few just below 0
    return DCI(*disentanglement_completeness(matrix), np.array(told), matrix)
