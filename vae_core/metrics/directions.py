"""Directions in latent space along which a labelled feature changes, and what else changes with it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from vae_core.errors import MeasureError
from vae_core.metrics.checks import equal_shape, finite_rows

FEWEST = 2  # codes with the feature, and without


def halves(values: np.ndarray) -> np.ndarray:
    """Which images have more of a factor than the median: bool (N,), for directions of a factor that is a number.

    Raises:
        MeasureError: all are alike.
    """
    values = np.asarray(values, dtype=np.float64)
    upper = values > np.median(values)
    if not upper.any():  # more than half have the largest value
        upper = values == values.max()
    if upper.all():
        raise MeasureError("all images have the same value: choose a factor in which they differ")
    return upper


def difference_of_means(codes: np.ndarray, labelled: np.ndarray) -> np.ndarray:
    """Mean code with the feature less mean code without it: (d,), latent units (Radford et al. 2016; White 2016).

    One step of it is the mean difference between the two groups. It takes along whatever else differs between them.

    Args:
        codes: (N, d).
        labelled: bool (N,), which have the feature.

    Raises:
        MeasureError: fewer than two codes with or without it, or codes that are not finite.
        ValueError: not one label per code.
    """
    codes, labelled = _both(codes, labelled)
    return codes[labelled].mean(axis=0) - codes[~labelled].mean(axis=0)


def logistic_direction(codes: np.ndarray, labelled: np.ndarray) -> np.ndarray:
    """The normal of the plane by which logistic regression parts the two groups, (d,), latent units.

    Scaled so that one step crosses as far, along the normal, as the group means are apart: then it compares with
    `difference_of_means`. It leaves alone what merely goes with the feature and tells nothing beyond it.

    Args, Raises: as of `difference_of_means`; MeasureError, too, where the groups have the same mean along it.
    """
    from sklearn.linear_model import LogisticRegression

    codes, labelled = _both(codes, labelled)
    mean, spread = codes.mean(axis=0), codes.std(axis=0)
    spread[spread == 0.0] = 1.0
    fitted = LogisticRegression(max_iter=1_000).fit((codes - mean) / spread, labelled)
    normal = fitted.coef_[0] / spread
    length = float(np.linalg.norm(normal))
    apart = float((codes[labelled].mean(axis=0) - codes[~labelled].mean(axis=0)) @ normal)
    if length == 0.0 or apart <= 0.0:
        raise MeasureError("no direction parts the images with the feature from those without: label more of them")
    return normal / length * (apart / length)


def _both(codes: np.ndarray, labelled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    codes = finite_rows("codes", codes, least=2 * FEWEST)
    labelled = np.asarray(labelled)
    if labelled.shape != (len(codes),) or labelled.dtype != bool:
        raise ValueError(f"labels {labelled.dtype} {labelled.shape} do not say yes or no of {len(codes)} codes")
    if not FEWEST <= labelled.sum() <= len(codes) - FEWEST:
        raise MeasureError(f"{FEWEST} or more images with the feature and as many without are needed: label more")
    return codes, labelled


def moves_along(
    direction: np.ndarray,
    codes: np.ndarray,
    read: Callable[[np.ndarray], np.ndarray],
    spreads: np.ndarray,
    *,
    step: float = 0.5,
) -> np.ndarray:
    """What a step along a direction does to every factor, as a reader of codes tells it: (F,), in the factor's own
    standard deviations per whole step.

    Mean over codes of what is read half a `step` ahead less what is read half a `step` behind. The factor asked for is
    one of them; the others are what moves along. It judges codes and not images: where the reader is poor
    (`readability`), so is this.

    Args:
        direction: (d,).
        codes: (N, d), where steps begin.
        read: codes (N, d) -> factors (N, F), such as a `Reader`.
        spreads: (F,), standard deviations of the factors, above 0.
        step: how far, in lengths of the direction, above 0.

    Raises:
        MeasureError: a value that is not finite.
        ValueError: shapes that do not fit, or a spread or step that is not above 0.
    """
    codes = finite_rows("codes", codes)
    direction, spreads = np.asarray(direction, dtype=np.float64), np.asarray(spreads, dtype=np.float64)
    if direction.shape != codes.shape[1:] or step <= 0.0 or not (spreads > 0.0).all():
        raise ValueError("a direction has one number per dimension, a step and every spread are above 0")
    half = 0.5 * step * direction
    change = (read(codes + half) - read(codes - half)).mean(axis=0) / step
    return change / spreads


def analogy(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """The code that is to c as b is to a: c + b - a, (N, d) of three (N, d) (Reed et al. 2015; Radford et al. 2016).

    Raises:
        MeasureError: a value that is not finite.
        ValueError: the shapes differ.
    """
    a, b, c = (finite_rows("codes", one) for one in (a, b, c))
    equal_shape(a, b)
    equal_shape(a, c)
    return c + b - a
