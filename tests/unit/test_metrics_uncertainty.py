from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from vae_core.errors import MeasureError
from vae_core.metrics import median_with_interval, share_interval, share_standard_error


@pytest.mark.parametrize(("share", "count"), [(0.5, 10), (0.03, 3_000), (0.9, 300), (0.0, 5), (1.0, 5)])
def test_the_error_of_a_share_is_the_deviation_of_a_binomial(share: float, count: int) -> None:
    assert share_standard_error(share, count) == pytest.approx(binom(count, share).std() / count)


@pytest.mark.parametrize(("share", "count"), [(-0.1, 5), (1.1, 5), (0.5, 0)])
def test_what_is_no_share_of_anything_is_the_callers_mistake(share: float, count: int) -> None:
    with pytest.raises(ValueError, match="share"):
        share_standard_error(share, count)


@pytest.mark.parametrize(("hits", "count"), [(0, 9), (11, 49), (102, 199), (5, 5)])
def test_the_interval_of_a_share_is_the_exact_one(hits: int, count: int) -> None:
    expected = binomtest(hits, count).proportion_ci(method="exact")
    assert share_interval(hits, count) == pytest.approx((expected.low, expected.high), abs=1e-9)


@pytest.mark.parametrize(("hits", "count"), [(0, 0), (3, 2), (-1, 4)])
def test_more_hits_than_draws_are_the_callers_mistake(hits: int, count: int) -> None:
    with pytest.raises(ValueError, match="no share"):
        share_interval(hits, count)


# The ranks of the published tables, such as David and Nagaraja 2003: the k-th smallest and the k-th largest.
@pytest.mark.parametrize(("count", "rank"), [(6, 1), (10, 2), (15, 4), (20, 6), (30, 10), (100, 40)])
def test_the_median_lies_between_the_order_statistics_of_the_tables(count: int, rank: int) -> None:
    values = np.random.default_rng(0).permutation(count) + 1.0
    assert median_with_interval(values) == ((count + 1) / 2, rank, count + 1 - rank)


def test_the_interval_holds_its_median_as_often_as_it_says_where_a_mean_would_never_settle() -> None:
    random = np.random.default_rng(3)
    draws = np.exp(3.0 * random.standard_normal((4_000, 200)))  # median 1, mean 90
    found = np.array([median_with_interval(row)[1:] for row in draws])
    holds = ((found[:, 0] <= 1.0) & (found[:, 1] >= 1.0)).mean()
    assert 0.95 - 3 * math.sqrt(0.05 * 0.95 / 4_000) < holds < 0.975
    few = np.array([median_with_interval(row, confidence=0.5)[1:] for row in draws])
    assert 0.48 < ((few[:, 0] <= 1.0) & (few[:, 1] >= 1.0)).mean() < 0.6


def test_so_few_values_that_none_encloses_the_median_give_all_of_them() -> None:
    assert median_with_interval(np.array([3.0, 1.0, 2.0])) == (2.0, 1.0, 3.0)
    assert median_with_interval(np.array([4.0])) == (4.0, 4.0, 4.0)


@pytest.mark.parametrize("values", [np.array([]), np.array([1.0, np.nan]), np.array([np.inf])])
def test_a_median_of_nothing_or_of_what_is_no_number_is_refused(values: np.ndarray) -> None:
    with pytest.raises(MeasureError, match="measure again"):
        median_with_interval(values)


def test_the_median_names_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="of values"):
        median_with_interval(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="confidence"):
        median_with_interval(np.zeros(3), confidence=1.0)
