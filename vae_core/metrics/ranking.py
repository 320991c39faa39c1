"""How well a score tells images that belong from images that do not."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vae_core.errors import MeasureError


class Ranking(NamedTuple):
    """The area under the receiver operating characteristic.

    Attributes:
        auroc: probability that an odd image has the higher score than a usual one, ties counted half: 0 to 1, 0.5 by
            chance.
        standard_error: over the images drawn, with the model held fixed.
    """

    auroc: float
    standard_error: float


def average_precision(usual: np.ndarray, odd: np.ndarray) -> float:
    """The mean precision at the thresholds that find one odd image after the other, by scikit-learn: 0 to 1.

    Precision is the share of odd ones among all that are called odd. By chance it is the base rate, M / (N + M): a
    figure that says nothing without it.

    Args:
        usual: (N,), scores of images that belong.
        odd: (M,), of images that do not, at least one; these should be higher.

    Raises:
        MeasureError: no image of one kind, or a score that is not finite.
    """
    from sklearn.metrics import average_precision_score  # takes seconds to import

    usual, odd = _scores(usual, odd, least=1)
    truth = np.concatenate([np.zeros(len(usual)), np.ones(len(odd))])
    return float(average_precision_score(truth, np.concatenate([usual, odd])))


def precision_at(recall: float, false_alarms: float, base_rate: float) -> float:
    """The share of odd ones among all images called odd, at any share of odd ones among all (Bayes): 0 to 1.

    Args:
        recall: share of the odd images that are called odd.
        false_alarms: share of the usual images that are.
        base_rate: share of the odd among all images.

    Returns:
        NaN where no image at all is called odd.
    """
    right, wrong = base_rate * recall, (1.0 - base_rate) * false_alarms
    return right / (right + wrong) if right + wrong else float("nan")


def _scores(usual: np.ndarray, odd: np.ndarray, *, least: int) -> tuple[np.ndarray, np.ndarray]:
    usual, odd = np.asarray(usual, dtype=np.float64).ravel(), np.asarray(odd, dtype=np.float64).ravel()
    if min(len(usual), len(odd)) < least:
        raise MeasureError("a ranking needs two or more images of either kind: measure more of them")
    if not (np.isfinite(usual).all() and np.isfinite(odd).all()):
        raise MeasureError("some scores are infinite or NaN: train the model that made them again")
    return usual, odd


def auroc(usual: np.ndarray, odd: np.ndarray) -> Ranking:
    """The area under the ROC curve of a score, with its standard error (DeLong et al. 1988).

    It does not depend on how many odd images there are, and so says nothing of how many of the found ones are odd.

    Args:
        usual: (N,), scores of images that belong, at least two.
        odd: (M,), of images that do not, at least two; these should be higher.

    Raises:
        MeasureError: fewer than two of either, or a score that is not finite.
    """
    from scipy.stats import rankdata  # takes half a second to import

    usual, odd = _scores(usual, odd, least=2)
    ranks = rankdata(np.concatenate([usual, odd]))
    # Of each image, the share of images of the other kind that it is ranked rightly against.
    of_usual = 1.0 - (ranks[: len(usual)] - rankdata(usual)) / len(odd)
    of_odd = (ranks[len(usual) :] - rankdata(odd)) / len(usual)
    variance = of_usual.var(ddof=1) / len(usual) + of_odd.var(ddof=1) / len(odd)
    return Ranking(float(of_odd.mean()), float(variance**0.5))
