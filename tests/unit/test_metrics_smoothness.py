from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vae_core.errors import MeasureError
from vae_core.metrics import class_change, on_path_share, path_length

MATRIX = np.random.default_rng(1).standard_normal((6, 3))


def measured_on(codes: np.ndarray, steps: np.ndarray, scale: float) -> float:
    """Path length of the linear decoder A z / scale on codes that were scaled up: the same images."""
    codes, deviation = scale * codes, scale * codes.std(axis=0)
    return path_length(codes @ MATRIX.T / scale, (codes + steps * deviation) @ MATRIX.T / scale, steps)


def test_the_path_length_of_a_linear_decoder_is_its_mean_squared_gain(rng: np.random.Generator) -> None:
    steps = 0.1 * rng.standard_normal((500, 3))
    codes = rng.standard_normal((500, 3))
    directions = steps / np.linalg.norm(steps, axis=1, keepdims=True)
    expected = np.square(directions @ MATRIX.T).sum(axis=1).mean()
    assert path_length(codes @ MATRIX.T, (codes + steps) @ MATRIX.T, steps) == pytest.approx(expected)
    # Over all directions the mean is tr(A^T A) / d.
    assert expected == pytest.approx(np.square(MATRIX).sum() / 3, rel=0.1)


def test_the_path_length_along_an_axis_is_the_squared_length_of_its_column(rng: np.random.Generator) -> None:
    steps = 0.25 * np.repeat([[0.0, 1.0, 0.0]], 4, axis=0)
    codes = rng.standard_normal((4, 3))
    after = (codes + steps) @ MATRIX.T
    assert path_length(codes @ MATRIX.T, after, steps) == pytest.approx(np.square(MATRIX[:, 1]).sum())


def test_each_pair_counts_alike_whatever_its_step() -> None:
    before = np.zeros((2, 1))
    assert path_length(before, np.array([[2.0], [30.0]]), np.array([[1.0], [10.0]])) == pytest.approx((4 + 9) / 2)


@given(st.floats(0.01, 100.0), st.floats(1e-3, 1.0))
@settings(max_examples=50, deadline=None)
def test_neither_the_scale_of_the_codes_nor_the_step_of_a_linear_decoder_changes_it(scale: float, step: float) -> None:
    random = np.random.default_rng(1)
    codes, directions = random.standard_normal((50, 3)), random.standard_normal((50, 3))
    assert measured_on(codes, step * directions, scale) == pytest.approx(measured_on(codes, directions, 1.0))


def test_images_that_do_not_change_have_no_path(rng: np.random.Generator) -> None:
    images = rng.random((5, 4))
    assert path_length(images, images.copy(), np.ones((5, 2))) == 0.0


@pytest.mark.parametrize(
    ("before", "steps", "says"),
    [
        (np.zeros((0, 4)), np.zeros((0, 2)), "1 or more images"),
        (np.full((2, 4), np.nan), np.ones((2, 2)), "some images are infinite or NaN"),
        (np.zeros((2, 4)), np.array([[1.0, 0.0], [0.0, 0.0]]), "a step has length 0"),
        (np.zeros((2, 4)), np.full((2, 2), np.inf), "some steps are infinite or NaN"),
    ],
)
def test_path_length_refuses_what_is_no_step(before: np.ndarray, steps: np.ndarray, says: str) -> None:
    with pytest.raises(MeasureError, match=says):
        path_length(before, before, steps)


@pytest.mark.parametrize(
    ("after", "steps", "says"),
    [(np.zeros((1, 4)), np.ones((3, 2)), "differ"), (np.zeros((3, 4)), np.ones((1, 2)), "do not match 3 images")],
)
def test_path_length_refuses_to_broadcast(after: np.ndarray, steps: np.ndarray, says: str) -> None:
    with pytest.raises(ValueError, match=says) as raised:
        path_length(np.zeros((3, 4)), after, steps)
    assert not isinstance(raised.value, MeasureError)


def test_the_share_on_the_path_counts_the_points_within_the_threshold() -> None:
    distances = np.array([[0.0, 1.0, 2.0], [2.5, 3.0, 2.0]])
    assert on_path_share(distances, 2.0) == pytest.approx(4 / 6)
    assert on_path_share(distances, 3.0) == 1.0
    assert on_path_share(distances + 1.0, 0.5) == 0.0


@pytest.mark.parametrize("distances", [np.zeros((0, 5)), np.zeros((5, 0)), np.full((2, 2), np.nan)])
def test_the_share_on_the_path_needs_points(distances: np.ndarray) -> None:
    with pytest.raises(MeasureError):
        on_path_share(distances, 1.0)


@pytest.mark.parametrize("threshold", [-1.0, math.nan, math.inf])
def test_the_threshold_of_a_path_is_a_distance(threshold: float) -> None:
    with pytest.raises(ValueError, match="threshold must be a distance"):
        on_path_share(np.zeros((2, 2)), threshold)


def path(*points: tuple[float, ...]) -> np.ndarray:
    """One path by its probabilities."""
    return np.array([points])


def changed(probabilities: np.ndarray) -> tuple[float, float]:
    """How far a path from class 0 to class 1 falls back, and its largest step."""
    change = class_change(probabilities, np.zeros(len(probabilities), int), np.ones(len(probabilities), int))
    return float(change.falls_back[0]), float(change.largest_step[0])


def test_an_even_change_never_falls_back_and_its_steps_are_alike() -> None:
    share = np.linspace(0.0, 1.0, 11)
    assert changed(np.stack([1 - share, share], axis=1)[None]) == pytest.approx((0.0, 0.1))


def test_a_jump_is_one_step_of_the_whole_way() -> None:
    assert changed(path((1, 0), (1, 0), (0, 1))) == pytest.approx((0.0, 1.0))


def test_what_is_lost_again_on_the_way_is_counted() -> None:
    assert changed(path((1, 0), (0.4, 0.6), (0.7, 0.3), (0, 1))) == pytest.approx((0.3, 0.7))


def test_a_detour_over_a_third_class_is_monotone_but_takes_two_steps() -> None:
    assert changed(path((1, 0, 0), (0, 0, 1), (0, 1, 0))) == pytest.approx((0.0, 1.0))
    assert changed(path((1, 0, 0), (0.5, 0, 0.5), (0.5, 0.25, 0.25), (0, 1, 0))) == pytest.approx((0.0, 0.75))


def test_each_path_has_its_own_classes() -> None:
    both = np.concatenate([path((1, 0), (0, 1)), path((0, 1), (1, 0))])
    change = class_change(both, np.array([0, 1]), np.array([1, 0]))
    assert change.falls_back.tolist() == [0.0, 0.0] and change.largest_step.tolist() == [1.0, 1.0]
    assert class_change(both, np.array([1, 0]), np.array([0, 1])).falls_back.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("probabilities", "start", "end", "says"),
    [
        (np.ones((1, 1, 2)), [0], [1], "two points"),
        (np.ones((1, 3, 2)), [0, 1], [1, 0], "1 paths"),
        (np.ones((1, 3, 2)), [1], [1], "another"),
        (np.full((1, 3, 2), np.nan), [0], [1], "finite"),
    ],
)
def test_paths_that_cannot_be_measured(probabilities: np.ndarray, start: list[int], end: list[int], says: str) -> None:
    with pytest.raises((MeasureError, ValueError), match=says):
        class_change(probabilities, np.array(start), np.array(end))
