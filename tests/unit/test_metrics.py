from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vae_core.errors import MeasureError
from vae_core.losses.likelihoods import bernoulli_floor
from vae_core.metrics import active_units, empty_beyond, mean_squared_error, sigma_over_spread


def test_the_error_of_a_perfect_reconstruction_is_0(rng: np.random.Generator) -> None:
    images = rng.random((5, 7)).astype(np.float32)
    assert mean_squared_error(images, images.copy()) == 0.0


def test_the_squared_error_is_a_mean_over_images_and_pixels() -> None:
    images = np.array([[0.0, 1.0], [0.5, 0.5]])
    reconstructions = np.array([[0.0, 0.0], [1.0, 0.5]])
    assert mean_squared_error(images, reconstructions) == pytest.approx((1.0 + 0.25) / 4)


def test_predicting_the_mean_image_scores_the_pixel_variance(rng: np.random.Generator) -> None:
    images = rng.random((200, 9))
    mean_image = np.broadcast_to(images.mean(axis=0), images.shape)
    assert mean_squared_error(images, mean_image) == pytest.approx(images.var(axis=0).mean())


@pytest.mark.parametrize("shape", [(5, 6), (4, 7), (7, 5), (1, 7), (5,), ()])
def test_the_squared_error_refuses_to_broadcast(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="differ in shape"):
        mean_squared_error(np.zeros((5, 7)), np.zeros(shape))


def test_the_bernoulli_floor_of_binary_images_is_0(rng: np.random.Generator) -> None:
    assert bernoulli_floor(rng.integers(0, 2, (10, 784)).astype(np.float32)) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("pixels", [1, 64, 784])
def test_the_bernoulli_floor_of_mid_grey_is_ln_2_per_pixel(pixels: int) -> None:
    assert bernoulli_floor(np.full((3, pixels), 0.5, np.float32)) == pytest.approx(math.log(2.0) * pixels)


@given(st.floats(0, 1), st.floats(0.001, 0.999))
@settings(max_examples=200, deadline=None)
def test_no_prediction_beats_the_bernoulli_floor(pixel: float, predicted: float) -> None:
    cross_entropy = -(pixel * math.log(predicted) + (1.0 - pixel) * math.log1p(-predicted))
    assert bernoulli_floor(np.array([[pixel]])) <= cross_entropy + 1e-9


@given(st.floats(0.001, 0.999))
@settings(max_examples=50, deadline=None)
def test_the_bernoulli_floor_is_reached_by_predicting_the_pixel(pixel: float) -> None:
    cross_entropy = -(pixel * math.log(pixel) + (1.0 - pixel) * math.log1p(-pixel))
    assert bernoulli_floor(np.array([[pixel]])) == pytest.approx(cross_entropy)


def test_collapsed_dimensions_are_not_active(rng: np.random.Generator) -> None:
    assert active_units(np.zeros((100, 4), np.float32)) == 0
    assert active_units(np.full((100, 4), 3.0, np.float32)) == 0  # constant, wherever it lies
    assert active_units(0.05 * rng.standard_normal((5_000, 4))) == 0


def test_used_dimensions_are_counted_one_by_one(rng: np.random.Generator) -> None:
    scales = np.array([1.0, 0.0, 0.5, 0.01, 2.0])
    assert active_units(rng.standard_normal((5_000, 5)) * scales) == 3


@pytest.mark.parametrize(("variance", "active"), [(0.0099, 0), (0.0101, 1)])
def test_a_dimension_is_active_above_a_variance_of_a_hundredth(variance: float, active: int) -> None:
    codes = math.sqrt(variance) * np.array([[-1.0], [1.0]])
    assert active_units(codes) == active


@pytest.mark.parametrize(("sigma", "spread"), [(1.0, 1.0), (0.1, 2.0), (1e-30, 5.0), (3.0, 0.01)])
def test_sigma_over_spread_is_what_it_says(sigma: float, spread: float, rng: np.random.Generator) -> None:
    means = rng.standard_normal((1_000, 4))
    means *= spread / means.std(axis=0)
    log_var = np.full_like(means, 2 * math.log(sigma))
    log_var[:100] = 500.0  # a few wild ones do not move a median
    assert sigma_over_spread(means, log_var) == pytest.approx(sigma / spread, rel=1e-9)


def test_sigma_over_spread_does_not_depend_on_the_unit_or_the_place(rng: np.random.Generator) -> None:
    means, log_var = rng.standard_normal((200, 3)), rng.standard_normal((200, 3))
    expected = sigma_over_spread(means, log_var)
    assert sigma_over_spread(1_000 * means + 7, log_var + 2 * math.log(1_000)) == pytest.approx(expected)


def test_sigma_over_spread_of_points_is_0_and_not_an_error(rng: np.random.Generator) -> None:
    means = rng.standard_normal((50, 2))
    assert sigma_over_spread(means, np.full_like(means, -1e30)) == 0.0


def test_codes_all_in_one_place_have_no_spread() -> None:
    with pytest.raises(MeasureError, match=r"^the codes of all images are the same"):
        sigma_over_spread(np.ones((50, 2)), np.zeros((50, 2)))


def grid(columns: int, rows: int, spacing: float) -> np.ndarray:
    return spacing * np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1).reshape(-1, 2)


@pytest.mark.parametrize("spacing", [0.25, 1.0, 3.0])
@pytest.mark.parametrize("share", [0.5, 0.99, 1.0])
def test_on_a_regular_grid_a_place_is_empty_beyond_the_spacing(spacing: float, share: float) -> None:
    assert empty_beyond(grid(10, 8, spacing), share) == pytest.approx(spacing)


def test_one_stray_point_does_not_make_the_plane_full() -> None:
    points = np.concatenate([grid(20, 20, 1.0), [[1000.0, 1000.0]]])
    assert empty_beyond(points, 0.99) == pytest.approx(1.0)
    assert empty_beyond(points, 1.0) > 1000.0


def test_points_on_top_of_each_other_leave_no_room() -> None:
    assert empty_beyond(np.zeros((5, 2))) == 0.0


@pytest.mark.parametrize("count", [0, 1])
def test_emptiness_needs_two_points(count: int) -> None:
    with pytest.raises(ValueError, match="at least two points"):
        empty_beyond(np.zeros((count, 2)))
