"""Measurements of codes against known factors: known answers, and disentanglement_lib's own figures."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import mutual_info_score

from vae_core.datasets import DATASETS, DatasetInfo, Factor, load
from vae_core.errors import MeasureError
from vae_core.evaluation.measure import measure
from vae_core.metrics import (
    analogy,
    attribute_scores,
    dci,
    difference_of_means,
    disentanglement_completeness,
    explained,
    factor_entropies,
    factor_vae_score,
    fit_reader,
    isolation,
    logistic_direction,
    moves_along,
    mutual_information_gap,
    mutual_information_matrix,
    readability,
    separated_attribute_predictability,
)
from vae_core.metrics.directions import halves
from vae_core.metrics.factors import as_classes, binned
from vae_core.spec import RunSpec
from vae_core.storage.store import Store
from vae_core.training.jobs import get_or_train

# What disentanglement_lib (github.com/google-research/disentanglement_lib, commit 86a644d) gives for `shared_codes`:
# _compute_mig with its histogram discretizer of 20 bins; _compute_sap on all rows with continuous_factors, and on 400
# rows and the other 200 without; _compute_dci on the same halves, its classifiers with random_state=0;
# compute_factor_vae with batch_size=4 on a ground truth that draws images as `factor_vae_score` does.
REFERENCE = {
    "perfect": {"mig": 0.966306, "sap": 0.97919, "sap of categories": 0.336667, "factor_vae": 0.95375},
    "rotated": {"mig": 0.251068, "sap": 0.370478, "sap of categories": 0.165, "factor_vae": 0.54},
    "mixed": {"mig": 0.586994, "sap": 0.733255, "sap of categories": 0.323333, "factor_vae": 0.74125},
}
DCI_OF_MIXED = {"disentanglement": 0.55494, "completeness": 0.538825, "informativeness": 0.826667}
IMPORTANCES = [  # of its trees for the codes that are rotated
    [0.22038, 0.57961, 0.21721],
    [0.64951, 0.09871, 0.26676],
    [0.09403, 0.29179, 0.4806],
    [0.03609, 0.02989, 0.03542],
]
DCI_OF_IMPORTANCES = 0.15179672257944338, 0.2499415625949845
CATEGORIES = (True, True, True)


def shared_codes(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """600 codes of four numbers, and three factors of three values."""
    draw = np.random.default_rng(7)
    factors = draw.integers(0, 3, (600, 3)).astype(float)
    mixing = {
        "perfect": np.eye(3),
        "rotated": np.linalg.qr(np.array([[1.0, 2, 3], [2, 1, 0], [1, 0, 1]]))[0],
        "mixed": np.array([[1, 0.3, 0], [0, 1, 0.2], [0.1, 0, 1]]),
    }[kind]
    codes = np.hstack([factors @ mixing, np.zeros((600, 1))])
    return codes + draw.normal(size=(600, 4)) * (0.1 if kind == "perfect" else 0.4), factors


@pytest.mark.parametrize("kind", REFERENCE)
def test_mig_sap_and_the_factor_vae_score_are_those_of_disentanglement_lib(kind: str) -> None:
    codes, factors = shared_codes(kind)
    found = {
        "mig": mutual_information_gap(codes, factors, categories=CATEGORIES).mean(),
        "sap": separated_attribute_predictability(codes, factors).mean(),
        "sap of categories": separated_attribute_predictability(codes, factors, categories=CATEGORIES, fit=400).mean(),
        "factor_vae": factor_vae_score(codes, factors, categories=CATEGORIES, images=4).score,
    }
    assert found == pytest.approx(REFERENCE[kind], abs=1e-3)


def test_dci_is_that_of_disentanglement_lib() -> None:
    assert disentanglement_completeness(np.array(IMPORTANCES)) == pytest.approx(DCI_OF_IMPORTANCES, abs=1e-6)
    codes, factors = shared_codes("mixed")
    found = dci(codes[400:], factors[400:], codes[:400], factors[:400], categories=CATEGORIES)
    named = {"disentanglement": found.disentanglement, "completeness": found.completeness}
    assert {**named, "informativeness": found.informativeness.mean()} == pytest.approx(DCI_OF_MIXED, abs=1e-3)


# Known answers


def causes(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1.0, 1.0, (count, 3))


def turned(factors: np.ndarray) -> np.ndarray:
    """Every dimension an even mixture of all factors."""
    return factors @ np.array([[1, 1, 1], [1, -1, 0], [1, 1, -2]]).T / np.sqrt([3.0, 2.0, 6.0])


KINDS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "perfect": lambda factors: factors,
    "permuted and stretched": lambda factors: factors[:, [2, 0, 1]] * [-3.0, 0.1, 7.0],
    "one unused": lambda factors: np.hstack([factors, np.zeros((len(factors), 1))]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_codes_that_are_the_factors_score_1(kind: str) -> None:
    factors = causes(2_000)
    codes = KINDS[kind](factors)
    assert mutual_information_gap(codes, factors).mean() > 0.94  # the second tells what chance tells, of ln 20
    assert separated_attribute_predictability(codes, factors).mean() > 0.99
    assert factor_vae_score(codes, factors, votes=100).score == 1.0
    found = dci(codes[:1_000], factors[:1_000], codes[1_000:], factors[1_000:])
    assert min(found.disentanglement, found.completeness, *found.informativeness) > 0.98
    np.testing.assert_allclose(found.importances.sum(axis=0), 1.0)
    assert readability(codes[:1_000], factors[:1_000], codes[1_000:], factors[1_000:]).min() > 0.999


def test_turned_codes_hold_every_factor_and_no_dimension_has_one_of_its_own() -> None:
    factors = causes(2_000)
    codes = turned(factors)
    assert mutual_information_gap(codes, factors).mean() < 0.2
    assert factor_vae_score(codes, factors, votes=100).score < 1.0
    found = dci(codes[:1_000], factors[:1_000], codes[1_000:], factors[1_000:])
    assert max(found.disentanglement, found.completeness) < 0.5
    assert readability(codes[:1_000], factors[:1_000], codes[1_000:], factors[1_000:], degree=1).min() > 0.999


def test_random_codes_score_what_chance_gives() -> None:
    factors, codes = causes(1_000), np.random.default_rng(1).normal(size=(1_000, 3))
    assert mutual_information_gap(codes, factors).mean() < 0.03
    assert separated_attribute_predictability(codes, factors).mean() < 0.01
    assert factor_vae_score(codes, factors).score == pytest.approx(1 / 3, abs=0.1)
    told = readability(codes[:500], factors[:500], codes[500:], factors[500:], degree=1)
    assert np.abs(told).max() < 0.05
    chance = mutual_information_matrix(codes, factors)
    assert chance.mean() == pytest.approx((20 - 1) ** 2 / (2 * 1_000), rel=0.35)  # as its docstring says


def test_the_matrix_is_scikit_learns_of_bins_of_equal_width() -> None:
    codes, factors = shared_codes("mixed")
    found, numbers = mutual_information_matrix(codes, factors, bins=7), binned(codes, 7)
    assert numbers.min() == 0 and numbers.max() == 6
    widths = (codes[:, 0] - codes[:, 0].min()) / np.ptp(codes[:, 0]) * 7
    assert np.array_equal(numbers[:, 0], np.minimum(np.floor(widths), 6))
    for j, k in np.ndindex(found.shape):
        assert found[j, k] == pytest.approx(mutual_info_score(factors[:, k], numbers[:, j]), abs=1e-12)
    assert factor_entropies(factors) == pytest.approx([mutual_info_score(one, one) for one in factors.T])
    assert np.array_equal(as_classes(factors * 10, CATEGORIES), factors)


def test_sap_is_the_squared_correlation_of_numbers_and_blind_to_what_is_not_straight() -> None:
    x = np.random.default_rng(0).normal(size=(5_000, 1))
    codes = np.hstack([x + np.random.default_rng(1).normal(size=x.shape), np.square(x)])
    assert attribute_scores(codes, x)[:, 0] == pytest.approx([0.5, 0.0], abs=0.03)
    assert np.corrcoef(codes[:, 0], x[:, 0])[0, 1] ** 2 == pytest.approx(attribute_scores(codes, x)[0, 0])


def test_even_importances_have_neither_disentanglement_nor_completeness() -> None:
    assert disentanglement_completeness(np.ones((4, 3))) == pytest.approx((0.0, 0.0))
    assert disentanglement_completeness(np.eye(3)) == pytest.approx((1.0, 1.0))
    assert disentanglement_completeness(np.zeros((4, 3))) == pytest.approx((0.0, 0.0))
    twice = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])  # one factor told by two dimensions
    entropy = math.log(2) / math.log(3)
    assert disentanglement_completeness(twice) == pytest.approx((1.0, 1.0 - 2 / 3 * entropy))
    with pytest.raises(ValueError, match="none below 0"):
        disentanglement_completeness(-np.eye(3))


def test_a_reader_finds_a_cubic_formula_that_no_line_does() -> None:
    codes = np.random.default_rng(0).normal(size=(1_000, 3))
    factors = np.stack([codes[:, 0] ** 3 - codes[:, 1] * codes[:, 2], codes[:, 0]], axis=1)
    measured, fitted = (codes[:500], factors[:500]), (codes[500:], factors[500:])
    cubic, linear = (readability(*measured, *fitted, degree=degree) for degree in (3, 1))
    assert cubic.min() > 0.98 and linear[0] < 0.7 < 0.99 < linear[1]
    assert len(fit_reader(np.random.default_rng(0).normal(size=(50, 40)), factors[:50]).powers) == 40  # lowered
    assert explained(factors, np.broadcast_to(factors.mean(axis=0), factors.shape)) == pytest.approx([0.0, 0.0])


# Directions


def test_a_direction_of_one_dimension_is_found_and_what_goes_with_it_is_told_apart() -> None:
    """Factor 1 goes with factor 0 in the data, but dimension 1 holds it: logistic regression leaves it alone."""
    draw = np.random.default_rng(0)
    first = draw.normal(size=4_000)
    factors = np.stack([first, 0.8 * first + 0.6 * draw.normal(size=4_000)], axis=1)
    codes = np.hstack([factors * [1.0, 2.0], draw.normal(size=(4_000, 1))])
    labelled = halves(factors[:, 0])
    assert labelled.mean() == 0.5
    means, normal = difference_of_means(codes, labelled), logistic_direction(codes, labelled)
    assert means == pytest.approx(codes[labelled].mean(axis=0) - codes[~labelled].mean(axis=0))
    read = fit_reader(codes, factors, degree=1)
    step = 2 * math.sqrt(2 / math.pi)  # between the means of the halves of a normal, in standard deviations
    along = moves_along(means, codes, read, factors.std(axis=0))
    assert along == pytest.approx([step, 0.8 * step], abs=0.1)
    alone = moves_along(normal, codes, read, factors.std(axis=0))
    assert alone == pytest.approx([step, 0.0], abs=0.1)
    unit = normal / np.linalg.norm(normal)
    assert np.linalg.norm(normal) == pytest.approx(means @ unit)


def test_an_analogy_is_the_fourth_corner() -> None:
    a, b, c = (np.array([[0.0, 0.0]]), np.array([[1.0, 0.0]]), np.array([[0.0, 2.0]]))
    assert np.array_equal(analogy(a, b, c), [[1.0, 2.0]])


def test_halves_of_a_factor_of_few_values_are_those_above_the_median_or_the_largest() -> None:
    assert halves(np.array([0.0, 1.0, 1.0, 2.0])).tolist() == [False, False, False, True]
    assert halves(np.array([0.0, 1.0, 1.0, 1.0])).tolist() == [False, True, True, True]


# Isolated codes


def test_points_never_overlap_and_wide_posteriors_always_do() -> None:
    line = np.arange(100.0)[:, None]
    points = isolation(line)
    assert (points.overlap, points.shared) == (0.0, 0.0)
    assert points.jump == pytest.approx(1 / line.std())
    assert isolation(line, np.full((100, 1), 2 * math.log(0.51))).overlap == 1.0  # the next is 1.96 σ away
    assert isolation(line, np.full((100, 1), 2 * math.log(0.49))).overlap == 0.0
    assert isolation(np.repeat(line, 2, axis=0)).shared == 1.0
    assert isolation(np.repeat(line, 2, axis=0)).jump == 0.0


# Bad input


def _with(values: np.ndarray, place: tuple[int, int], value: float) -> np.ndarray:
    changed = values.copy()
    changed[place] = value
    return changed


FACTORS = causes(30)
REFUSED: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "NaN in a factor": (
        lambda: mutual_information_gap(FACTORS, _with(FACTORS, (3, 1), math.nan)), MeasureError, "some factors"
    ),
    "a constant factor": (
        lambda: dci(FACTORS, np.ones((30, 3)), FACTORS, FACTORS), MeasureError, "factor 1 is the same for all images"
    ),
    "NaN in a code": (
        lambda: factor_vae_score(_with(FACTORS, (3, 1), math.nan), FACTORS), MeasureError, "some codes are infinite"
    ),
    "no factors": (lambda: attribute_scores(FACTORS, np.zeros((30, 0))), MeasureError, "there are no factors"),
    "other rows": (lambda: readability(FACTORS, FACTORS[:9], FACTORS, FACTORS), ValueError, "was read"),
    "other kinds": (lambda: factor_entropies(FACTORS, categories=(True,)), ValueError, "kinds do not match"),
    "one dimension": (lambda: dci(*[FACTORS[:, :1], FACTORS] * 2), MeasureError, "two or more of each"),
    "codes that never vary": (lambda: factor_vae_score(FACTORS * 0, FACTORS), MeasureError, "all codes are the same"),
    "one label": (lambda: difference_of_means(FACTORS, np.arange(30) < 1), MeasureError, "as many without"),
    "labels that are numbers": (lambda: logistic_direction(FACTORS, np.arange(30)), ValueError, "yes or no"),
    "one value": (lambda: halves(np.ones(9)), MeasureError, "same value"),
    "no step": (lambda: moves_along(FACTORS[0], FACTORS, lambda z: z, np.ones(3), step=0.0), ValueError, "above 0"),
    "one code": (lambda: isolation(FACTORS[:1]), MeasureError, "2 or more codes"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_refused_in_a_sentence(case: str) -> None:
    ask, error, message = REFUSED[case]
    with pytest.raises(error, match=message):
        ask()


# A run


@pytest.fixture
def bars(monkeypatch: pytest.MonkeyPatch) -> str:
    """Bars of known place and light, under a name that is registered for one test."""
    sizes = {"train": 300, "validation": 120, "test": 120}

    def all_of(split: str) -> tuple[np.ndarray, np.ndarray]:
        draw = np.random.default_rng(list(sizes).index(split))
        light, width = draw.uniform(0.2, 1.0, sizes[split]), draw.integers(0, 2, sizes[split])
        shine = np.arange(8) < 3 + 4 * width[:, None]
        images = np.rint(255 * light[:, None, None] * np.broadcast_to(shine[:, None], (sizes[split], 8, 8)))
        return images.astype(np.uint8)[:, None], np.stack([light, width], axis=1).astype(np.float32)

    known = DatasetInfo(
        "Bars", (1, 8, 8), 300, ("bar",),
        lambda split, root, download: (all_of(split)[0], np.zeros(sizes[split], np.int64)),
        (Factor("light", low=0.2), Factor("width", "category")),
        lambda split, root: all_of(split)[1],
    )  # fmt: skip
    monkeypatch.setitem(DATASETS, "factor_bars", known)
    return "factor_bars"


def test_a_run_on_images_of_known_factors_is_measured_against_them(bars: str, tmp_path: Path) -> None:
    store = Store(tmp_path)
    spec = RunSpec(bars, "vae", latent_dim=3, hidden=(32,), epochs=6, learning_rate=1e-2, beta=0.1)
    run = get_or_train(store, spec)
    for split in ("validation", "test"):
        found = run.metrics[split]["factors"]
        assert (found["names"], found["n"], found["fitted_n"]) == (["light", "width"], 120, 300)
        assert np.shape(found["mutual_information"]) == np.shape(found["importances"]) == (3, 2)
        assert found["r2"][1] is None and found["r2"][0] > 0.8
        assert found["mig"] == pytest.approx(np.mean(found["mig_of_each"]))
        assert found["informativeness"] > 0.5
    images, again = load(bars, "test"), run.metrics["test"]["factors"]
    assert images.factor_values is not None
    gaps = mutual_information_gap(run.encode(images.floats()), images.factor_values, categories=(False, True))
    assert again["mig_of_each"] == pytest.approx(gaps.tolist(), abs=0.03)
    assert measure(run, images, None)["factors"]["mig"] == pytest.approx(again["mig"], abs=0.03)
    assert store.load(run.key).metrics["test"]["factors"] == again


def test_what_cannot_be_measured_against_factors_says_why(bars: str, tmp_path: Path) -> None:
    run = get_or_train(Store(tmp_path), RunSpec(bars, "ae", latent_dim=1, hidden=(8,), epochs=1))
    assert "two or more of each" in run.metrics["test"]["not_measured"]["factors"]
    assert "factors" not in run.metrics["test"]
