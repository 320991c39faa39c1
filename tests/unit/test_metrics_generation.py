from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from vae_core.errors import MeasureError
from vae_core.metrics import (
    CoverageDensity,
    PrecisionRecall,
    ambiguity,
    ambiguous,
    coverage_and_density,
    frechet_distance,
    hole_rate,
    hole_threshold,
    holes,
    precision_and_recall,
)

EMPTY = np.zeros((0, 3))
NOT_A_NUMBER = np.full((9, 3), np.nan)
NINE = np.arange(27.0).reshape(9, 3)


def column(*values: float) -> np.ndarray:
    return np.array(values)[:, None]


def test_the_hole_threshold_is_a_quantile_of_the_distance_to_the_nearest_training_image() -> None:
    held_out = column(*range(101))  # distances 0 to 100 from the only training image
    assert hole_threshold(held_out, column(0)) == pytest.approx(95.0)
    assert hole_threshold(held_out, column(0), share=0.5) == pytest.approx(50.0)


def test_a_hole_lies_farther_from_every_training_image_than_the_threshold() -> None:
    reference, samples = column(0, 10), column(0, 2, 3, 5, 9, 13, -2.5)
    assert holes(samples, reference, threshold=2.0).tolist() == [False, False, True, True, False, True, True]
    assert hole_rate(samples, reference, threshold=2.0) == pytest.approx(4 / 7)


@pytest.mark.parametrize("share", [0.8, 0.95])
def test_real_images_score_the_rest_of_the_share_by_construction(share: float, rng: np.random.Generator) -> None:
    reference, held_out = rng.standard_normal((300, 8)), rng.standard_normal((400, 8))
    threshold = hole_threshold(held_out, reference, share)
    assert hole_rate(held_out, reference, threshold) == pytest.approx(1.0 - share, abs=1 / 400)


def test_training_images_are_no_holes_and_noise_far_away_is_nothing_else(rng: np.random.Generator) -> None:
    reference = rng.standard_normal((300, 8))
    threshold = hole_threshold(rng.standard_normal((400, 8)), reference)
    assert hole_rate(reference, reference, threshold) == 0.0
    assert hole_rate(reference + 100.0, reference, threshold) == 1.0


@pytest.mark.parametrize("share", [-0.1, 1.1, math.nan])
def test_a_share_lies_between_0_and_1(share: float) -> None:
    with pytest.raises(ValueError, match="share must lie between 0 and 1"):
        hole_threshold(NINE, NINE, share)


@pytest.mark.parametrize("threshold", [-1.0, math.nan, math.inf])
def test_a_hole_threshold_is_a_distance(threshold: float) -> None:
    with pytest.raises(ValueError, match="threshold must be a distance"):
        holes(NINE, NINE, threshold)


@pytest.mark.parametrize("bad", [EMPTY, NOT_A_NUMBER])
def test_hole_measures_refuse_what_has_no_distance(bad: np.ndarray) -> None:
    for measure in (lambda: hole_threshold(bad, NINE), lambda: hole_rate(bad, NINE, 1.0), lambda: holes(NINE, bad, 1)):
        with pytest.raises(MeasureError):
            measure()


def by_the_definition(real: np.ndarray, fake: np.ndarray, k: int) -> CoverageDensity:
    """Naeem et al. 2020, one pair at a time."""
    inside = np.zeros((len(real), len(fake)), dtype=bool)
    for i, centre in enumerate(real):
        radius = sorted(math.dist(centre, other) for j, other in enumerate(real) if j != i)[k - 1]
        inside[i] = [math.dist(centre, sample) < radius for sample in fake]
    return CoverageDensity(float(inside.any(axis=1).mean()), float(inside.sum() / (k * len(fake))))


@pytest.mark.parametrize(("real", "fake", "k"), [(30, 20, 1), (30, 20, 5), (12, 40, 11)])
def test_coverage_and_density_equal_their_definition(real: int, fake: int, k: int, rng: np.random.Generator) -> None:
    here = rng.standard_normal((real, 3)).astype(np.float32)
    there = 0.5 + 0.7 * rng.standard_normal((fake, 3)).astype(np.float32)
    assert coverage_and_density(here, there, k) == pytest.approx(by_the_definition(here, there, k))


def test_coverage_and_density_of_more_images_than_one_block_equal_their_definition(rng: np.random.Generator) -> None:
    here, there = rng.standard_normal((530, 2)), 0.5 * rng.standard_normal((40, 2))
    assert coverage_and_density(here, there) == pytest.approx(by_the_definition(here, there, 5))


def test_coverage_and_density_by_hand() -> None:
    # Balls for k = 1: 0 and 1 reach 1, 3 reaches 2, 10 reaches 7. The samples lie in those of {0, 1} and of {10}.
    result = coverage_and_density(column(0, 1, 3, 10), column(0.5, 16), k=1)
    assert result == CoverageDensity(coverage=3 / 4, density=3 / 2)


@pytest.mark.parametrize("k", [1, 5])
def test_the_data_itself_has_coverage_1_and_density_1(k: int, rng: np.random.Generator) -> None:
    real = rng.standard_normal((700, 4))
    assert coverage_and_density(real, real.copy(), k) == CoverageDensity(1.0, 1.0)


def test_samples_far_from_the_data_cover_nothing(rng: np.random.Generator) -> None:
    real = rng.standard_normal((100, 4))
    assert coverage_and_density(real, real + 1e3) == CoverageDensity(0.0, 0.0)


def test_samples_collapsed_onto_one_place_can_be_dense_and_cover_little(rng: np.random.Generator) -> None:
    cross = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])  # balls of sqrt 2, all with 0 inside
    elsewhere = np.stack([np.arange(100.0, 136.0), np.zeros(36)], axis=1)
    result = coverage_and_density(np.concatenate([cross, elsewhere]), 1e-3 * rng.standard_normal((500, 2)), k=1)
    assert result == CoverageDensity(coverage=4 / 40, density=4.0)


@pytest.mark.parametrize(("count", "samples", "k"), [(200, 200, 5), (200, 60, 3)])
def test_the_coverage_of_the_datas_own_distribution_is_that_of_lemma_2(count: int, samples: int, k: int) -> None:
    random = np.random.default_rng(1)
    draws = [
        coverage_and_density(random.standard_normal((count, 4)), random.standard_normal((samples, 4)), k)
        for _ in range(60)
    ]
    expected = 1.0 - math.prod((count - i) / (count + samples - i) for i in range(1, k + 1))
    coverage, density = np.array(draws).T
    for values, mean in ((coverage, expected), (density, count / (count - 1))):
        error_bar = values.std() / math.sqrt(len(values))
        assert error_bar < 0.02  # or agreement would mean little
        assert abs(values.mean() - mean) < 4.0 * error_bar


@given(st.integers(0, 2**32 - 1), st.integers(3, 25), st.integers(1, 25), st.integers(1, 2))
@settings(max_examples=50, deadline=None)
def test_coverage_is_a_share_and_both_ignore_order_and_scale(seed: int, real: int, fake: int, k: int) -> None:
    random = np.random.default_rng(seed)
    here, there = random.standard_normal((real, 2)), random.standard_normal((fake, 2))
    result = coverage_and_density(here, there, k)
    assert 0.0 <= result.coverage <= 1.0
    assert 0.0 <= result.density <= real / k
    assert coverage_and_density(8.0 * random.permutation(here), 8.0 * random.permutation(there), k) == result


@pytest.mark.parametrize(
    ("real", "fake", "says"),
    [
        (NINE[:5], NINE, "6 or more real images are needed and there are 5"),
        (NINE, EMPTY, "1 or more samples are needed and there are 0"),
        (np.ones((9, 3)), NINE, "every real image has 5 copies"),
        (NOT_A_NUMBER, NINE, "some real images are infinite or NaN"),
        (NINE, NOT_A_NUMBER, "some samples are infinite or NaN"),
    ],
)
def test_coverage_refuses_what_has_no_neighbourhood(real: np.ndarray, fake: np.ndarray, says: str) -> None:
    with pytest.raises(MeasureError, match=says):
        coverage_and_density(real, fake)


@pytest.mark.parametrize(
    ("fake", "k", "says"), [(np.zeros((9, 2)), 5, "cannot be compared"), (NINE, 0, "k must be at least 1")]
)
def test_coverage_names_the_callers_mistake(fake: np.ndarray, k: int, says: str) -> None:
    with pytest.raises(ValueError, match=says) as raised:
        coverage_and_density(NINE, fake, k)
    assert not isinstance(raised.value, MeasureError)


def with_moments(mean: np.ndarray, covariance: np.ndarray, count: int = 50) -> np.ndarray:
    """Points (count, f) whose own mean and covariance are exactly these."""
    draw = np.random.default_rng(0).standard_normal((count, len(mean)))
    draw -= draw.mean(axis=0)
    white = draw @ np.linalg.inv(np.linalg.cholesky(np.cov(draw, rowvar=False))).T
    return mean + white @ np.linalg.cholesky(covariance).T


@pytest.mark.parametrize(("real", "fake", "k"), [(40, 40, 3), (30, 60, 1), (9, 7, 5)])
def test_precision_and_recall_equal_their_definition(real: int, fake: int, k: int, rng: np.random.Generator) -> None:
    """Written out pair by pair; the next test has more images than one block."""
    a, b = rng.standard_normal((real, 3)), 0.5 + rng.standard_normal((fake, 3))

    def share(rows: np.ndarray, members: np.ndarray) -> float:
        balls = [(one, sorted(np.linalg.norm(members - one, axis=1))[k]) for one in members]
        return np.mean([any(np.linalg.norm(row - one) <= r for one, r in balls) for row in rows])

    assert precision_and_recall(a, b, k) == pytest.approx((share(b, a), share(a, b)))


def test_precision_and_recall_by_hand(rng: np.random.Generator) -> None:
    rows = rng.standard_normal((700, 4))
    assert precision_and_recall(rows, rows) == (1.0, 1.0)
    assert precision_and_recall(rows, rows + 100) == (0.0, 0.0)
    two, one = column(0, 1, 2, 3, 100, 101, 102, 103), column(0.5, 1.5, 2.5, 1.2)  # one of two places is covered
    assert precision_and_recall(two, one, k=1) == PrecisionRecall(1.0, 4 / 8)
    assert precision_and_recall(one, two, k=1) == PrecisionRecall(4 / 8, 1.0)
    # A ball is closed: a sample at the distance of the k-th neighbour lies within.
    assert precision_and_recall(column(0, 2), column(4, 4.5), k=1).precision == 0.5


@pytest.mark.parametrize("bad", [EMPTY, NOT_A_NUMBER, NINE[:3]])
def test_precision_and_recall_refuse_what_has_no_neighbourhood(bad: np.ndarray) -> None:
    for pair in ((bad, NINE), (NINE, bad)):
        with pytest.raises(MeasureError):
            precision_and_recall(*pair)
    with pytest.raises(ValueError, match="k must be at least 1"):
        precision_and_recall(NINE, NINE, k=0)


@pytest.mark.parametrize("count", [2, 10, 500])  # fewer rows than features, and more
def test_the_frechet_distance_of_a_set_to_itself_is_0(count: int, rng: np.random.Generator) -> None:
    features = rng.gamma(1.0, 20.0, (count, 64))
    assert frechet_distance(features, rng.permutation(features)) == pytest.approx(0.0, abs=1e-8)


@pytest.mark.parametrize("count", [2, 10, 500])
def test_the_frechet_distance_of_a_shift_is_its_squared_length(count: int, rng: np.random.Generator) -> None:
    features, shift = rng.gamma(1.0, 20.0, (count, 64)), 0.01 * rng.standard_normal(64)
    assert frechet_distance(features, features + shift) == pytest.approx(shift @ shift, rel=1e-5)


def test_the_frechet_distance_of_diagonal_covariances_is_that_of_the_deviations() -> None:
    deviations_a, deviations_b = np.array([1.0, 2.0, 0.5]), np.array([3.0, 2.0, 0.1])
    a = with_moments(np.array([0.0, 1.0, 2.0]), np.diag(deviations_a**2))
    b = with_moments(np.array([1.0, 1.0, 0.0]), np.diag(deviations_b**2), count=80)
    expected = 5.0 + np.square(deviations_a - deviations_b).sum()
    assert frechet_distance(a, b) == pytest.approx(expected)


def test_the_frechet_distance_of_a_set_scaled_about_its_mean_is_its_variance_times_the_squared_change() -> None:
    features = with_moments(np.zeros(2), np.array([[2.0, 1.0], [1.0, 3.0]]))
    assert frechet_distance(features, 3.0 * features) == pytest.approx(4.0 * 5.0)


def test_the_frechet_distance_equals_the_textbook_formula_with_a_matrix_root(rng: np.random.Generator) -> None:
    mixing = rng.standard_normal((6, 6))
    a, b = rng.standard_normal((80, 6)), rng.standard_normal((120, 6)) @ mixing + 0.3
    covariance_a, covariance_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = np.real(sqrtm(covariance_a @ covariance_b))
    expected = np.square(a.mean(axis=0) - b.mean(axis=0)).sum() + np.trace(covariance_a + covariance_b - 2.0 * root)
    assert frechet_distance(a, b) == pytest.approx(expected)


def test_features_that_are_never_active_do_not_break_the_frechet_distance(rng: np.random.Generator) -> None:
    a, b = with_moments(np.zeros(2), np.eye(2)), with_moments(np.zeros(2), 4.0 * np.eye(2))
    rotation = np.linalg.qr(rng.standard_normal((32, 32))).Q  # 30 directions without variance, along no axis
    wide_a, wide_b = (np.hstack([rows, np.zeros((50, 30))]) @ rotation for rows in (a, b))
    assert frechet_distance(wide_a, wide_b) == pytest.approx(2.0, rel=1e-10)


def test_spreads_in_perpendicular_directions_do_not_overlap() -> None:
    a, b = np.array([[-1.0, 0.0], [1.0, 0.0]]), np.array([[0.0, -1.0], [0.0, 1.0]])
    assert frechet_distance(a, b) == pytest.approx(2.0 + 2.0)  # the sum of the variances, each 2 over N - 1


@given(st.integers(0, 2**32 - 1), st.integers(2, 20), st.integers(2, 20), st.integers(1, 6))
@settings(max_examples=50, deadline=None)
def test_the_frechet_distance_is_symmetric_and_never_negative(seed: int, count: int, other: int, width: int) -> None:
    random = np.random.default_rng(seed)
    a, b = random.standard_normal((count, width)), 2.0 * random.standard_normal((other, width))
    distance = frechet_distance(a, b)
    assert distance >= 0.0
    assert frechet_distance(random.permutation(b), a) == pytest.approx(distance, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("bad", "says"),
    [(EMPTY, "2 or more images"), (NINE[:1], "2 or more images"), (NOT_A_NUMBER, "infinite or NaN")],
)
def test_the_frechet_distance_refuses_what_has_no_covariance(bad: np.ndarray, says: str) -> None:
    for pair in ((bad, NINE), (NINE, bad)):
        with pytest.raises(MeasureError, match=says):
            frechet_distance(*pair)


def test_the_frechet_distance_needs_one_feature_space() -> None:
    with pytest.raises(ValueError, match="cannot be compared") as raised:
        frechet_distance(NINE, NINE[:, :2])
    assert not isinstance(raised.value, MeasureError)


def test_ambiguity_counts_the_samples_whose_top_probability_is_below() -> None:
    probabilities = np.array([[0.7, 0.3, 0.0], [0.69, 0.31, 0.0], [0.0, 0.0, 1.0], [0.3, 0.3, 0.4]])
    assert ambiguity(probabilities) == 0.5 == ambiguous(probabilities).mean()
    assert ambiguity(probabilities, below=0.5) == 0.25
    assert ambiguity(probabilities, below=0.0) == 0.0


@pytest.mark.parametrize(
    ("bad", "says"),
    [(EMPTY, "1 or more samples"), (np.ones((4, 1)), "one class is always sure"), (NOT_A_NUMBER, "infinite or NaN")],
)
def test_ambiguity_refuses_what_leaves_no_doubt(bad: np.ndarray, says: str) -> None:
    with pytest.raises(MeasureError, match=says):
        ambiguity(bad)


@pytest.mark.parametrize("logits", [np.array([[2.0, -1.0]]), np.array([[3.0, 4.0]]), np.array([[0.2, 0.2]])])
def test_ambiguity_tells_logits_from_probabilities(logits: np.ndarray) -> None:
    with pytest.raises(ValueError, match="apply softmax") as raised:
        ambiguity(logits)
    assert not isinstance(raised.value, MeasureError)
