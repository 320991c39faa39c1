from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from vae_core.errors import MeasureError
from vae_core.metrics import covariance_spectrum, orthonormality_error, principal_angles


def planes_at(*degrees: float) -> tuple[np.ndarray, np.ndarray]:
    """Orthonormal bases (2d, d) of two subspaces with these principal angles."""
    count = len(degrees)
    angles = np.deg2rad(degrees)
    return np.eye(2 * count, count), np.vstack([np.diag(np.cos(angles)), np.diag(np.sin(angles))])


def test_principal_angles_are_those_between_the_subspaces_in_ascending_degrees() -> None:
    a, b = planes_at(75.0, 30.0, 0.001)
    np.testing.assert_allclose(principal_angles(a, b), [0.001, 30.0, 75.0], rtol=1e-6)


def test_lines_have_the_angle_of_their_directions_regardless_of_sign_and_length() -> None:
    line = np.array([[1.0], [0.0]])
    assert principal_angles(line, np.array([[-3.0], [3.0]])) == pytest.approx([45.0])
    assert principal_angles(line, np.array([[0.0], [5.0]])) == pytest.approx([90.0])


@given(st.integers(0, 2**32 - 1), st.lists(st.floats(0.0, 90.0), min_size=1, max_size=4))
@settings(max_examples=50, deadline=None)
def test_principal_angles_do_not_depend_on_the_bases_or_on_the_order_of_the_subspaces(
    seed: int, degrees: list[float]
) -> None:
    random, count = np.random.default_rng(seed), len(degrees)
    turn = np.linalg.qr(random.standard_normal((2 * count, 2 * count))).Q
    a, b = (turn @ basis @ (np.eye(count) + 0.2 * random.random((count, count))) for basis in planes_at(*degrees))
    np.testing.assert_allclose(principal_angles(a, b), sorted(degrees), atol=1e-5)
    np.testing.assert_allclose(principal_angles(b, a), sorted(degrees), atol=1e-5)


def test_the_same_subspace_in_another_basis_is_at_0_though_the_basis_is_far_from_orthonormal(
    rng: np.random.Generator,
) -> None:
    basis = np.linalg.qr(rng.standard_normal((50, 4))).Q
    oblique = basis @ rng.standard_normal((4, 4))
    np.testing.assert_allclose(principal_angles(basis, oblique), 0.0, atol=1e-6)
    assert orthonormality_error(basis) < 1e-12
    assert orthonormality_error(oblique) > 0.1


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (np.array([[1.0, 2.0], [1.0, 2.0], [0.0, 0.0]]), "combinations of the others"),
        (np.zeros((3, 2)), "combinations of the others"),
        (np.zeros((0, 2)), "1 or more rows"),
        (np.full((3, 2), np.nan), "infinite or NaN"),
    ],
)
def test_angles_need_as_many_dimensions_as_directions(bad: np.ndarray, says: str) -> None:
    for pair in ((bad, np.eye(len(bad), 2)), (np.eye(len(bad), 2), bad)):
        with pytest.raises(MeasureError, match=says):
            principal_angles(*pair)


@pytest.mark.parametrize("shape", [(4, 2), (3, 1)])
def test_angles_are_between_subspaces_of_one_size_in_one_space(shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="differ") as raised:
        principal_angles(np.eye(3, 2), np.eye(*shape))
    assert not isinstance(raised.value, MeasureError)


@pytest.mark.parametrize("degrees", [0.0, 30.0, 60.0, 90.0, 135.0])
def test_the_orthonormality_error_of_two_directions_is_the_cosine_between_them(degrees: float) -> None:
    angle = math.radians(degrees)
    directions = np.array([[2.0, 0.3 * math.cos(angle)], [0.0, 0.3 * math.sin(angle)]])
    assert orthonormality_error(directions) == pytest.approx(abs(math.cos(angle)), abs=1e-12)


def test_the_worst_pair_decides() -> None:
    directions = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0], [0.0, 0.0, 1.0]])
    assert orthonormality_error(directions) == pytest.approx(math.sqrt(0.5))


@pytest.mark.parametrize("length", [1e-6, 1.0, 1e6])
def test_directions_at_right_angles_have_no_error_whatever_their_length(
    length: float, rng: np.random.Generator
) -> None:
    basis = np.linalg.qr(rng.standard_normal((30, 5))).Q
    assert orthonormality_error(basis * length * np.arange(1, 6)) < 1e-12
    assert orthonormality_error(np.full((4, 1), length)) < 1e-12


@pytest.mark.parametrize(
    ("directions", "says"),
    [
        (np.eye(3) * [1.0, 1.0, 0.0], "length 0"),
        (np.zeros((3, 0)), "hold no numbers"),
        (np.full((3, 2), np.inf), "infinite or NaN"),
    ],
)
def test_the_orthonormality_error_refuses_what_is_no_direction(directions: np.ndarray, says: str) -> None:
    with pytest.raises(MeasureError, match=says):
        orthonormality_error(directions)


def test_the_spectrum_is_that_of_scikit_learn_in_another_order_of_the_pixels_too() -> None:
    random = np.random.default_rng(0)
    x = random.standard_normal((40, 6)) @ random.standard_normal((6, 6)) + 3.0
    expected = PCA().fit(x).explained_variance_ * 39 / 40  # it divides by N - 1
    np.testing.assert_allclose(covariance_spectrum(x), expected, rtol=1e-10)
    np.testing.assert_allclose(covariance_spectrum(x[:, ::-1]), expected, rtol=1e-10)


@pytest.mark.parametrize("kept", [1, 3])
def test_what_the_spectrum_leaves_out_is_the_error_of_the_best_linear_pair(kept: int) -> None:
    x = np.random.default_rng(0).standard_normal((50, 5)) * [5.0, 3.0, 2.0, 1.0, 0.5]
    fitted = PCA(kept).fit(x)
    left = np.square(x - fitted.inverse_transform(fitted.transform(x))).sum(axis=1).mean()
    assert covariance_spectrum(x)[kept:].sum() == pytest.approx(left, rel=1e-10)


def test_fewer_rows_than_columns_and_a_single_column_have_a_spectrum_too() -> None:
    wide = covariance_spectrum(np.random.default_rng(0).standard_normal((3, 6)))
    assert wide.shape == (6,) and wide.min() >= 0.0 and (wide > 1e-9).sum() == 2
    np.testing.assert_allclose(covariance_spectrum(np.array([[1.0], [3.0]])), [1.0])


@pytest.mark.parametrize("bad", [np.zeros((1, 3)), np.full((3, 2), np.inf)])
def test_too_few_rows_or_infinite_values_have_no_spectrum(bad: np.ndarray) -> None:
    with pytest.raises(MeasureError):
        covariance_spectrum(bad)
