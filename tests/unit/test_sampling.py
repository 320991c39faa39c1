from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import multivariate_normal

from vae_core.errors import MeasureError
from vae_core.sampling import (
    SOURCES,
    Mixture,
    as_one_gaussian,
    directions,
    draw,
    fit_mixture,
    great_circle_path,
    log_density,
    straight_path,
    widened,
)

COUNT = 40_000
MEANS = np.array([[0.0, 0.0, 0.0], [10.0, 0.0, -5.0], [0.0, -12.0, 4.0]])
FACTORS = np.array(
    [
        [[1.0, 0.0, 0.0], [0.5, 0.8, 0.0], [0.0, 0.0, 0.3]],
        [[0.2, 0.0, 0.0], [0.0, 2.0, 0.0], [-0.1, 1.0, 0.5]],
        [[1.5, 0.0, 0.0], [0.0, 0.1, 0.0], [0.0, 0.0, 1.0]],
    ]
)
WEIGHTS = np.array([0.5, 0.2, 0.3])
KNOWN = Mixture(WEIGHTS, MEANS, FACTORS @ FACTORS.transpose(0, 2, 1))


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def by_hand(count: int, seed: int = 7) -> np.ndarray:
    """Draws from `KNOWN` without the code under test."""
    random = generator(seed)
    parts = [
        MEANS[k] + random.standard_normal((round(WEIGHTS[k] * count), 3)) @ FACTORS[k].T for k in range(len(WEIGHTS))
    ]
    return random.permutation(np.concatenate(parts))


def in_known_order(mixture: Mixture) -> Mixture:
    order = [int(np.linalg.norm(mixture.means - mean, axis=1).argmin()) for mean in MEANS]
    assert sorted(order) == [0, 1, 2]
    return Mixture(*(part[order] for part in mixture))


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
def test_a_mixture_of_well_separated_gaussians_is_recovered_on_every_scale(scale: float) -> None:
    codes = by_hand(9_000)
    fitted = fit_mixture((scale * codes).astype(np.float32), components=3)
    found = in_known_order(Mixture(fitted.weights, fitted.means / scale, fitted.covariances / scale**2))
    np.testing.assert_allclose(found.weights, WEIGHTS, atol=1e-3)
    nearest = np.linalg.norm(codes[:, None] - MEANS, axis=2).argmin(axis=1)
    for k in range(3):
        own = codes[nearest == k]
        np.testing.assert_allclose(found.means[k], own.mean(axis=0), atol=0.01)
        np.testing.assert_allclose(found.covariances[k], np.cov(own, rowvar=False), atol=0.02)
    # A floor under the variances that is absolute would show in the narrowest direction.
    assert found.covariances[2, 1, 1] == pytest.approx(0.01, rel=0.15)


def test_a_mixture_depends_on_its_seed_alone_and_on_the_first_codes_alone() -> None:
    codes = generator().standard_normal((10_500, 2))
    one, other = (fit_mixture(codes, components=4) for _ in range(2))
    cut = fit_mixture(np.concatenate([codes[:10_000], 100.0 + codes[10_000:]]), components=4)
    for again in (other, cut):
        assert all(np.array_equal(*parts) for parts in zip(one, again, strict=True))
    assert not np.array_equal(one.means, fit_mixture(codes, components=4, seed=1).means)


@pytest.mark.parametrize("count", [0, 1, 9])
def test_fewer_codes_than_components_are_refused_in_one_sentence(count: int) -> None:
    with pytest.raises(
        MeasureError, match=f"a mixture of 10 Gaussians needs at least 10 codes, not {count}"
    ) as refused:
        fit_mixture(np.zeros((count, 2)))
    assert str(refused.value).endswith(".")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dimensions", [1, 2, 40])
def test_codes_on_top_of_each_other_can_be_drawn_again(dimensions: int) -> None:
    codes = np.full((50, dimensions), 3.25, np.float32)
    mixture = fit_mixture(codes)
    np.testing.assert_allclose(mixture.weights.sum(), 1.0)
    drawn = draw("mixture", 200, codes, mixture, generator())
    np.testing.assert_allclose(drawn, 3.25, atol=0.05)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("unused", [1, 100])
def test_dimensions_that_codes_do_not_use_can_be_drawn_from_a_stored_mixture(unused: int) -> None:
    # As PCA with more dimensions than the images have: the least variance is the floor, 10^-5 of the rest and less.
    places = 300.0 * generator().standard_normal((10, 1, 20))
    used = (places + generator(1).standard_normal((10, 60, 20)) * np.geomspace(100.0, 0.1, 20)).reshape(-1, 20)
    codes = np.hstack([used, np.zeros((600, unused))]).astype(np.float32)
    stored = Mixture(*(part.astype(np.float32) for part in fit_mixture(codes)))
    drawn = draw("mixture", 5_000, codes, stored, generator())
    np.testing.assert_allclose(drawn[:, :20].std(axis=0), used.std(axis=0), rtol=0.1)
    assert drawn[:, 20:].std() < 0.01 * used.std()


def test_the_prior_is_standard_normal_whatever_the_codes() -> None:
    z = draw("prior", COUNT, 100.0 + np.zeros((5, 3)), None, generator())
    assert z.shape == (COUNT, 3)
    error = 4 / np.sqrt(COUNT)
    np.testing.assert_allclose(z.mean(axis=0), 0.0, atol=error)
    np.testing.assert_allclose(np.cov(z, rowvar=False), np.eye(3), atol=2 * error)
    assert np.mean(np.abs(z) < 1.959964) == pytest.approx(0.95, abs=error)


def test_the_box_is_filled_evenly_from_the_least_to_the_greatest_code() -> None:
    codes = np.array([[-1.0, 5.0, 0.0], [3.0, 5.5, 0.0], [0.0, 5.1, 0.0]])
    z = draw("box", COUNT, codes, None, generator())
    assert (z >= codes.min(axis=0)).all()
    assert (z <= codes.max(axis=0)).all()
    widths = np.array([4.0, 0.5, 0.0])
    np.testing.assert_allclose(z.mean(axis=0), [1.0, 5.25, 0.0], atol=0.02)
    np.testing.assert_allclose(z.var(axis=0), widths**2 / 12, rtol=0.03)
    assert np.corrcoef(z[:, 0], z[:, 1])[0, 1] == pytest.approx(0.0, abs=4 / np.sqrt(COUNT))


@pytest.mark.parametrize("precision", [np.float32, np.float64])
def test_the_mixture_is_drawn_with_its_weights_means_and_covariances(precision: type) -> None:
    mixture = Mixture(*(part.astype(precision) for part in KNOWN))
    z = draw("mixture", COUNT, np.zeros((1, 3)), mixture, generator())
    nearest = np.linalg.norm(z[:, None] - MEANS, axis=2).argmin(axis=1)
    np.testing.assert_allclose(np.bincount(nearest) / COUNT, WEIGHTS, atol=0.01)
    for k in range(3):
        own = z[nearest == k]
        np.testing.assert_allclose(own.mean(axis=0), MEANS[k], atol=0.08)
        np.testing.assert_allclose(np.cov(own, rowvar=False), KNOWN.covariances[k], atol=0.15)


@pytest.mark.parametrize("source", SOURCES)
def test_a_draw_is_fixed_by_its_generator(source: str) -> None:
    codes = generator(5).standard_normal((20, 3))
    one, again, other = (draw(source, 50, codes, KNOWN, generator(seed)) for seed in (1, 1, 2))
    assert one.shape == (50, 3)
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("source", SOURCES)
def test_nothing_can_be_drawn(source: str) -> None:
    assert draw(source, 0, np.zeros((4, 3)), KNOWN, generator()).shape == (0, 3)


def test_a_run_without_a_mixture_says_so_and_an_unknown_source_is_a_bug() -> None:
    with pytest.raises(MeasureError, match="no mixture was fitted to the codes of this run"):
        draw("mixture", 5, np.zeros((4, 3)), None, generator())
    with pytest.raises(ValueError, match="there is no source 'posterior'; choose one of prior, box, gaussian, mixture"):
        draw("posterior", 5, np.zeros((4, 3)), None, generator())


def test_one_gaussian_has_the_mean_and_covariance_of_the_codes() -> None:
    codes = by_hand(9_000)
    ((weight,), (mean,), (covariance,)) = as_one_gaussian(fit_mixture(codes, components=3))
    assert weight == 1.0
    np.testing.assert_allclose(mean, codes.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(covariance, np.cov(codes, rowvar=False, bias=True), rtol=1e-3, atol=1e-3)
    z = draw("gaussian", COUNT, np.zeros((1, 3)), KNOWN, generator())
    np.testing.assert_allclose(z.mean(axis=0), WEIGHTS @ MEANS, atol=0.1)
    np.testing.assert_allclose(np.cov(z, rowvar=False), np.cov(by_hand(COUNT), rowvar=False), atol=0.7)


def test_the_density_of_a_mixture_is_that_of_its_parts() -> None:
    z = by_hand(50) + 0.3
    parts = [multivariate_normal(MEANS[k], KNOWN.covariances[k]).logpdf(z) + np.log(WEIGHTS[k]) for k in range(3)]
    np.testing.assert_allclose(log_density(KNOWN, z), np.logaddexp.reduce(parts), rtol=1e-10)
    far = np.full((1, 3), 1e3)  # where every density is 0 as a number
    assert -1e8 < log_density(KNOWN, far)[0] < -1e5


def test_noise_added_to_codes_widens_their_mixture() -> None:
    variances = np.array([0.5, 2.0, 0.1])
    wide = widened(KNOWN, variances)
    noisy = draw("mixture", COUNT, np.zeros((1, 3)), KNOWN, generator())
    noisy = noisy + np.sqrt(variances) * generator(1).standard_normal(noisy.shape)
    nearest = np.linalg.norm(noisy[:, None] - MEANS, axis=2).argmin(axis=1)
    for k in range(3):
        np.testing.assert_allclose(wide.covariances[k], np.cov(noisy[nearest == k], rowvar=False), atol=0.2)


def test_directions_are_even_within_what_is_used_and_nothing_beyond_it() -> None:
    found = directions(COUNT, np.array([True, False, True]), generator())
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0)
    assert not found[:, 1].any()
    np.testing.assert_allclose(np.square(found).mean(axis=0), [0.5, 0.0, 0.5], atol=0.01)


def test_a_straight_path_has_even_steps() -> None:
    start, end = np.array([[0.0, 1.0], [2.0, 2.0]]), np.array([[4.0, -1.0], [2.0, 2.0]])
    path = straight_path(start, end, 5)
    assert path.shape == (2, 5, 2)
    np.testing.assert_allclose(path[0], [[0, 1], [1, 0.5], [2, 0], [3, -0.5], [4, -1]])
    np.testing.assert_allclose(path[1], 2.0)


def test_a_great_circle_turns_evenly() -> None:
    quarter = great_circle_path(np.array([[2.0, 0.0]]), np.array([[0.0, 2.0]]), 4)[0]
    angles = np.deg2rad([0, 30, 60, 90])
    np.testing.assert_allclose(quarter, 2.0 * np.stack([np.cos(angles), np.sin(angles)], axis=1), atol=1e-12)
    longer = great_circle_path(np.array([[1.0, 0.0]]), np.array([[0.0, 4.0]]), 4)[0]
    np.testing.assert_allclose(np.linalg.norm(longer, axis=1), [1, 2, 3, 4])
    np.testing.assert_allclose(np.arctan2(longer[:, 1], longer[:, 0]), angles, atol=1e-12)


CODES = arrays(np.float64, (1, 3), elements=st.floats(-100, 100, allow_subnormal=False))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("path", [straight_path, great_circle_path])
@given(start=CODES, end=CODES, count=st.integers(2, 12))
@settings(max_examples=200, deadline=None)
def test_the_ends_of_a_path_are_the_two_codes_and_no_point_is_nan(path, start, end, count: int) -> None:
    points = path(start, end, count)
    assert points.shape == (1, count, 3)
    assert np.isfinite(points).all()
    np.testing.assert_allclose(points[:, 0], start, rtol=0, atol=1e-8)
    np.testing.assert_allclose(points[:, -1], end, rtol=0, atol=1e-8)


@given(start=CODES, end=CODES)
@settings(max_examples=200, deadline=None)
def test_a_great_circle_never_leaves_the_shell_between_its_ends(start: np.ndarray, end: np.ndarray) -> None:
    lengths = np.linalg.norm(start), np.linalg.norm(end)
    on_the_way = np.linalg.norm(great_circle_path(start, end, 9), axis=2)
    assert on_the_way.max() <= max(lengths) + 1e-6


def test_a_great_circle_keeps_the_length_of_codes_of_one_length() -> None:
    ends = generator().standard_normal((2, 500, 16))
    start, end = 3.0 * ends / np.linalg.norm(ends, axis=2, keepdims=True)
    np.testing.assert_allclose(np.linalg.norm(great_circle_path(start, end, 11), axis=2), 3.0)
    middle = np.linalg.norm(straight_path(start, end, 11)[:, 5], axis=1)
    assert middle.max() < 2.9  # which a straight line does not


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("precision", [np.float32, np.float64])
@pytest.mark.parametrize("factor", [-1.0, -2.5, 1.0, 3.0, 0.0])
@pytest.mark.parametrize("dimensions", [1, 2, 3, 50])
def test_between_opposite_or_equal_directions_or_from_nowhere_the_path_is_straight(
    dimensions: int, factor: float, precision: type
) -> None:
    start = generator(dimensions).standard_normal((40, dimensions)).astype(precision)
    end = (start * precision(factor)).astype(precision)
    for one, other in itertools.permutations((start, end)):
        path = great_circle_path(one, other, 7)
        assert np.isfinite(path).all()
        tolerance = 2e-6 if precision is np.float32 else 1e-9
        if factor != 0.0:
            np.testing.assert_allclose(path, straight_path(one, other, 7), rtol=0, atol=tolerance)


def test_paths_of_stored_codes_are_as_exact_as_those_of_double_precision() -> None:
    start, end = generator().standard_normal((2, 60, 8)).astype(np.float32)
    expected = great_circle_path(start.astype(np.float64), end.astype(np.float64), 11)
    np.testing.assert_allclose(great_circle_path(start, end, 11), expected, rtol=0, atol=1e-12)
