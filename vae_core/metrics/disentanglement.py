"""Whether single dimensions of a code belong to single known factors: MIG, SAP and the FactorVAE score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from vae_core.errors import MeasureError
from vae_core.metrics.factors import BINS, as_classes, binned, codes_with_factors

VOTES, VOTING_IMAGES = 800, 64
_SEED = 20_180_215


def mutual_information_matrix(
    codes: np.ndarray, factors: np.ndarray, *, categories: Sequence[bool] = (), bins: int = BINS
) -> np.ndarray:
    """I(z_j; factor) in nats, of dimensions and factors in bins: (d, F), from 0 to the entropy of a factor's bins.

    Both are cut into bins of equal width, as disentanglement_lib cuts codes (Locatello et al. 2019); its factors are
    categories, and so are those named here. Bins lose information, and chance adds some: of unrelated numbers about
    (bins - 1)² / 2N nats, .18 of at most ln 20 = 3.0 for 1,000 codes, alike for all dimensions that use all bins.
    One code far from all others widens the bins, which lowers a whole row.

    Args:
        codes: (N, d), means of posteriors or codes.
        factors: (N, F).
        categories: for each factor, whether its values are categories; left out, none.
        bins: for each dimension and factor.

    Raises:
        MeasureError: fewer than two codes, a value that is not finite, or a factor that is the same for all.
        ValueError: not one row of factors per code.
    """
    codes, factors, kinds = codes_with_factors(codes, factors, categories, least=2)
    classes, numbers = as_classes(factors, kinds, bins), binned(codes, bins)
    return np.array([[_information(one, other) for other in classes.T] for one in numbers.T])


def _information(one: np.ndarray, other: np.ndarray) -> float:
    """I of two columns of integers from 0, in nats, of their counts."""
    width = int(other.max()) + 1
    joint = np.bincount(one * width + other, minlength=(int(one.max()) + 1) * width).reshape(-1, width) / len(one)
    apart = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0)
    used = joint > 0.0
    return max(0.0, float((joint[used] * np.log(joint[used] / apart[used])).sum()))


def factor_entropies(factors: np.ndarray, *, categories: Sequence[bool] = (), bins: int = BINS) -> np.ndarray:
    """Entropy of every factor's bins or categories, (F,), nats: what I(z_j; factor) can be at most.

    Args, Raises: as of `mutual_information_matrix`.
    """
    _, factors, kinds = codes_with_factors(factors, factors, categories, least=2)
    return np.array([_information(column, column) for column in as_classes(factors, kinds, bins).T])


def mutual_information_gap(
    codes: np.ndarray, factors: np.ndarray, *, categories: Sequence[bool] = (), bins: int = BINS
) -> np.ndarray:
    """MIG of every factor (Chen et al. 2018, eq. 6): (F,), 0 to 1; the score is their mean.

    By how much the dimension that tells most of a factor tells more than the second one, in shares of the factor's
    entropy: 1 where one dimension alone tells it, 0 where two tell equally much, or none anything. Chance counts for
    both, so the gap of unrelated codes is of the order of .01; a factor found well but coarsely has a small gap too,
    because a dimension that follows it with noise of a tenth of its spread loses half of its entropy.

    Args, Raises: as of `mutual_information_matrix`; two dimensions or more, of one the second tells nothing.
    """
    information = mutual_information_matrix(codes, factors, categories=categories, bins=bins)
    ordered = np.sort(np.vstack([information, np.zeros_like(information[:1])]), axis=0)[::-1]
    return (ordered[0] - ordered[1]) / factor_entropies(factors, categories=categories, bins=bins)


def attribute_scores(
    codes: np.ndarray, factors: np.ndarray, *, categories: Sequence[bool] = (), fit: int | None = None
) -> np.ndarray:
    """How well each dimension alone predicts each factor linearly: (d, F), 0 to 1 (Kumar et al. 2018, section 3).

    Of a number, the squared correlation, over all rows. Of a category, the share of the other half that a linear
    support vector machine names, as in disentanglement_lib: C = .01, classes weighted evenly.

    Args:
        codes, factors, categories: as of `mutual_information_matrix`.
        fit: of categories, how many rows fit, the first ones; the others are named. Left out, half of them.

    Raises: as of `mutual_information_matrix`.
    """
    codes, factors, kinds = codes_with_factors(codes, factors, categories, least=4)
    centred, wanted = codes - codes.mean(axis=0), factors - factors.mean(axis=0)
    spread = np.outer(np.square(centred).sum(axis=0), np.square(wanted).sum(axis=0))
    still = centred.var(axis=0) <= 1e-12
    scores = np.square(centred.T @ wanted) / np.where(spread > 0.0, spread, 1.0)
    scores[still] = 0.0
    for place in np.flatnonzero(kinds):
        scores[:, place] = [_named(column, factors[:, place], fit or len(codes) // 2) for column in codes.T]
    return scores


def _named(column: np.ndarray, classes: np.ndarray, fit: int) -> float:
    from sklearn.svm import LinearSVC

    machine = LinearSVC(C=0.01, class_weight="balanced", random_state=0).fit(column[:fit, None], classes[:fit])
    return float(np.mean(machine.predict(column[fit:, None]) == classes[fit:]))


def separated_attribute_predictability(
    codes: np.ndarray, factors: np.ndarray, *, categories: Sequence[bool] = (), fit: int | None = None
) -> np.ndarray:
    """SAP of every factor (Kumar et al. 2018): (F,), 0 to 1; the score is their mean.

    By how much the dimension that predicts a factor best does so better than the second one. It sees straight lines
    only: a factor that a dimension follows up and down again scores 0.

    Args, Raises: as of `attribute_scores`.
    """
    scores = attribute_scores(codes, factors, categories=categories, fit=fit)
    ordered = np.sort(np.vstack([scores, np.zeros_like(scores[:1])]), axis=0)[::-1]
    return ordered[0] - ordered[1]


class Votes(NamedTuple):
    """The FactorVAE score.

    Attributes:
        score: share of the second half of the votes that the first half's rule names, 0 to 1.
        counts: (F, d) of the first half: how often a dimension varied least while a factor was fixed.
    """

    score: float
    counts: np.ndarray


def factor_vae_score(
    codes: np.ndarray,
    factors: np.ndarray,
    *,
    categories: Sequence[bool] = (),
    bins: int = BINS,
    votes: int = VOTES,
    images: int = VOTING_IMAGES,
) -> Votes:
    """The FactorVAE score (Kim and Mnih 2018, section 4), of images that are there: 0 to 1.

    A vote: a factor drawn by lot is fixed, and the dimension that varies least over images alike in it, relative to its
    variance over all, is noted. A dimension is taken to be the factor for which it was noted most often in the first
    half of the votes; the score is the share of the second half that this names. By chance 1 / F. The paper renders
    images with a factor fixed; here they are drawn, with replacement, from those in one of its bins, that of an image
    drawn by lot. Dimensions that do not vary at all are left out.

    Args:
        codes, factors, categories, bins: as of `mutual_information_matrix`.
        votes: of each half.
        images: drawn for a vote, at least 2.

    Raises:
        MeasureError: as of `mutual_information_matrix`, or no dimension varies.
        ValueError: likewise.
    """
    codes, factors, kinds = codes_with_factors(codes, factors, categories, least=2)
    everywhere = codes.var(axis=0, ddof=1)
    active = np.flatnonzero(everywhere > 0.0)
    if not len(active):
        raise MeasureError("all codes are the same, so that none varies least: measure a model that tells images apart")
    draws = np.random.default_rng(_SEED)
    alike = _alike(as_classes(factors, kinds, bins))
    halves = np.zeros((2, factors.shape[1], codes.shape[1]), dtype=np.int64)
    for half in halves:
        for _ in range(votes):
            factor, row = draws.integers(factors.shape[1]), draws.integers(len(codes))
            rows = draws.choice(alike[factor][row], images)
            relative = codes[rows][:, active].var(axis=0, ddof=1) / everywhere[active]
            half[factor, active[relative.argmin()]] += 1
    rule = halves[0].argmax(axis=0)
    return Votes(float(halves[1][rule, np.arange(codes.shape[1])].sum() / votes), halves[0])


def _alike(classes: np.ndarray) -> list[list[np.ndarray]]:
    """For every factor and row, the rows of the same class."""
    found = []
    for column in classes.T:
        members = [np.flatnonzero(column == one) for one in range(int(column.max()) + 1)]
        found.append([members[one] for one in column])
    return found
