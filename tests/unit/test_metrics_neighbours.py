from __future__ import annotations

import subprocess
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vae_core.errors import MeasureError
from vae_core.metrics import label_agreement, nearest_distances, trustworthiness


def all_distances(points: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """(M, N), by the definition."""
    return np.sqrt(np.square(points[:, None].astype(np.float64) - reference[None]).sum(axis=2))


def test_who_lists_runs_waits_for_nothing_that_only_measuring_needs(
    run_python: Callable[..., subprocess.Popen[str]],
) -> None:
    script = (
        "import sys, vae_core.metrics, vae_core.payloads.plane, vae_core.storage.store; "
        "print([name for name in ('torch', 'sklearn', 'scipy') if name in sys.modules])"
    )
    output, errors = run_python("-c", script).communicate(timeout=60)
    assert output == "[]\n", errors


@pytest.mark.parametrize("block", [1, 3, 16, 512])
def test_nearest_distances_are_the_least_of_all_distances(block: int, rng: np.random.Generator) -> None:
    points, reference = rng.standard_normal((37, 5)), rng.standard_normal((50, 5)).astype(np.float32)
    expected = all_distances(points, reference).min(axis=1)
    np.testing.assert_allclose(nearest_distances(points, reference, block=block), expected, rtol=1e-12)


def test_the_nearest_distance_of_3_4_is_5() -> None:
    assert nearest_distances(np.array([[3, 4]]), np.array([[100, 0], [0, 0]])).tolist() == [5.0]


def test_the_nearest_distance_of_a_reference_row_is_exactly_0(rng: np.random.Generator) -> None:
    reference = 1e3 + rng.standard_normal((300, 64))
    assert not nearest_distances(reference[::-1], reference).any()


def test_small_distances_far_from_the_origin_keep_their_digits() -> None:
    reference = 1e6 + np.arange(20.0)[:, None] * np.ones((1, 3))
    points = reference + np.array([1e-4, 0.0, 0.0])
    np.testing.assert_allclose(nearest_distances(points, reference), 1e-4, rtol=1e-5)


@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(1, 30), st.integers(1, 4))
@settings(max_examples=50, deadline=None)
def test_nearest_distances_do_not_depend_on_the_order_of_the_reference(
    seed: int, points: int, references: int, width: int
) -> None:
    random = np.random.default_rng(seed)
    here = random.integers(-5, 6, (points, width)).astype(np.float64)  # whole numbers: many ties
    there = random.integers(-5, 6, (references, width)).astype(np.float64)
    expected = all_distances(here, there).min(axis=1)
    np.testing.assert_allclose(nearest_distances(here, there), expected, rtol=1e-12)
    np.testing.assert_allclose(nearest_distances(here, random.permutation(there), block=7), expected, rtol=1e-12)


def test_nearest_distances_of_a_data_set_need_little_memory(rng: np.random.Generator) -> None:
    points, reference = rng.standard_normal((5_000, 64)), rng.standard_normal((20_000, 64))
    tracemalloc.start()
    nearest_distances(points, reference)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100e6  # the full matrix: 800 MB; the copies of the inputs: 40 MB


@pytest.mark.parametrize(
    ("points", "reference", "says"),
    [
        (np.zeros((0, 2)), np.zeros((3, 2)), "1 or more points are needed and there are 0"),
        (np.zeros((3, 2)), np.zeros((0, 2)), "1 or more reference rows are needed and there are 0"),
        (np.zeros((3, 0)), np.zeros((3, 0)), "hold no numbers"),
        (np.full((3, 2), np.nan), np.zeros((3, 2)), "some points are infinite or NaN"),
        (np.zeros((3, 2)), np.full((3, 2), np.inf), "some reference rows are infinite or NaN"),
    ],
)
def test_nearest_distances_refuse_what_has_no_distance(points: np.ndarray, reference: np.ndarray, says: str) -> None:
    with pytest.raises(MeasureError, match=says):
        nearest_distances(points, reference)


@pytest.mark.parametrize(
    ("points", "block", "says"),
    [
        (np.zeros((3, 3)), 512, "cannot be compared"),
        (np.zeros(2), 512, "must have shape"),
        (np.zeros((3, 2)), 0, "block must be at least 1"),
    ],
)
def test_nearest_distances_name_the_callers_mistake(points: np.ndarray, block: int, says: str) -> None:
    with pytest.raises(ValueError, match=says) as raised:
        nearest_distances(points, np.zeros((3, 2)), block=block)
    assert not isinstance(raised.value, MeasureError)


def test_separate_classes_agree_and_interleaved_classes_do_not() -> None:
    line = np.arange(8.0)[:, None]
    assert label_agreement(line + 100.0 * (line > 3.5), np.repeat([0, 1], 4), k=3) == 1.0
    pairs = np.array([[0.0], [0.1], [10.0], [10.1]])
    assert label_agreement(pairs, np.array([0, 1, 0, 1]), k=1) == 0.0


def test_label_agreement_is_a_mean_over_codes_of_the_share_of_neighbours() -> None:
    codes = np.array([[0.0], [1.0], [3.0], [7.0]])
    # Two nearest others: of 0 {1, 3}, of 1 {0, 3}, of 3 {1, 0}, of 7 {3, 1}.
    assert label_agreement(codes, np.array([5, 5, 9, 9]), k=2) == pytest.approx((0.5 + 0.5 + 0.0 + 0.5) / 4)


@pytest.mark.parametrize("dimensions", [2, 20])  # scikit-learn changes its algorithm in between
def test_label_agreement_equals_its_definition(dimensions: int, rng: np.random.Generator) -> None:
    codes, labels = rng.standard_normal((120, dimensions)), rng.integers(0, 3, 120)
    distances = all_distances(codes, codes)
    np.fill_diagonal(distances, np.inf)
    nearest = np.argsort(distances, axis=1)[:, :7]
    assert label_agreement(codes, labels, k=7) == pytest.approx(np.mean(labels[nearest] == labels[:, None]))


def test_codes_laid_out_without_regard_to_labels_agree_by_chance(rng: np.random.Generator) -> None:
    labels = rng.choice(3, 4_000, p=[0.5, 0.3, 0.2])
    # Labels of neighbours are independent: the standard error is about sqrt(0.38 * 0.62 / 40,000) times a few.
    assert label_agreement(rng.standard_normal((4_000, 2)), labels) == pytest.approx(0.38, abs=0.02)


def test_a_code_is_not_its_own_neighbour_even_among_copies() -> None:
    codes = np.repeat([[0.0], [5.0]], 2, axis=0)
    assert label_agreement(codes, np.array([0, 1, 0, 1]), k=1) == 0.0


@pytest.mark.parametrize(
    ("codes", "labels", "says"),
    [
        (np.arange(10.0)[:, None], np.arange(10), "11 or more codes are needed and there are 10"),
        (np.arange(20.0)[:, None], np.zeros(20), "all labels are the same"),
        (np.ones((20, 2)), np.arange(20), "all codes are the same"),
        (np.full((20, 2), np.nan), np.arange(20), "some codes are infinite or NaN"),
    ],
)
def test_label_agreement_refuses_what_has_no_neighbours(codes: np.ndarray, labels: np.ndarray, says: str) -> None:
    with pytest.raises(MeasureError, match=says):
        label_agreement(codes, labels)


@pytest.mark.parametrize(
    ("labels", "k", "says"), [(np.zeros(5), 2, "do not match 20 codes"), (np.arange(20), 0, "k must be at least 1")]
)
def test_label_agreement_names_the_callers_mistake(labels: np.ndarray, k: int, says: str) -> None:
    with pytest.raises(ValueError, match=says) as raised:
        label_agreement(np.arange(20.0)[:, None], labels, k)
    assert not isinstance(raised.value, MeasureError)


def venna_and_kaski(images: np.ndarray, codes: np.ndarray, k: int) -> float:
    """By the definition: M(k) = 1 - 2 / (Nk (2N - 3k - 1)) sum_i sum_{j in U_k(i)} (r(i, j) - k)."""
    count, penalty = len(images), 0
    for i in range(count):
        among_images = np.argsort(np.linalg.norm(images - images[i], axis=1), kind="stable")
        among_codes = np.argsort(np.linalg.norm(codes - codes[i], axis=1), kind="stable")
        rank = {int(j): position for position, j in enumerate(among_images)}  # i itself at 0
        penalty += sum(max(0, rank[int(j)] - k) for j in among_codes[1 : k + 1])
    return 1.0 - 2.0 * penalty / (count * k * (2 * count - 3 * k - 1))


@pytest.mark.parametrize("k", [1, 5, 19])
def test_trustworthiness_equals_its_definition(k: int, rng: np.random.Generator) -> None:
    images = rng.standard_normal((40, 6))
    codes = images[:, :2] + 0.3 * rng.standard_normal((40, 2))
    assert trustworthiness(images, codes, k) == pytest.approx(venna_and_kaski(images, codes, k))


def test_a_rotated_and_scaled_copy_is_trustworthy(rng: np.random.Generator) -> None:
    images = rng.standard_normal((60, 4)).astype(np.float32)
    rotation = np.linalg.qr(rng.standard_normal((4, 4))).Q
    assert trustworthiness(images, 7.0 * images @ rotation - 3.0) == 1.0


def test_the_trust_in_a_random_layout_is_about_a_half(rng: np.random.Generator) -> None:
    random = trustworthiness(rng.standard_normal((800, 5)), rng.standard_normal((800, 2)))
    assert random == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(
    ("images", "codes", "says"),
    [
        (np.eye(20), np.eye(20), "21 or more images are needed and there are 20"),
        (np.ones((30, 4)), np.eye(30), "all images are the same"),
        (np.eye(30), np.ones((30, 2)), "all codes are the same"),
        (np.full((30, 4), np.inf), np.eye(30), "some images are infinite or NaN"),
        (np.eye(30), np.full((30, 2), np.nan), "some codes are infinite or NaN"),
    ],
)
def test_trustworthiness_refuses_what_has_no_neighbours(images: np.ndarray, codes: np.ndarray, says: str) -> None:
    with pytest.raises(MeasureError, match=says):
        trustworthiness(images, codes)


@pytest.mark.parametrize(("count", "k", "says"), [(29, 10, "do not match 29 codes"), (30, 0, "k must be at least 1")])
def test_trustworthiness_names_the_callers_mistake(count: int, k: int, says: str) -> None:
    with pytest.raises(ValueError, match=says) as raised:
        trustworthiness(np.eye(30), np.eye(count), k)
    assert not isinstance(raised.value, MeasureError)
