"""Sharpness, classes and copies, each against something independent."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter, laplace
from sklearn.metrics import roc_auc_score

from vae_core.datasets import load
from vae_core.evaluation.anomalies import halves_of_two, measure_anomalies
from vae_core.evaluation.features import FeatureSpace
from vae_core.evaluation.losses import encode
from vae_core.evaluation.pictures import measure_pictures
from vae_core.losses.likelihoods import bernoulli_floor
from vae_core.metrics import class_balance, laplacian_variance, near_copies
from vae_core.run import Run


def test_the_laplacian_is_scipys(rng: np.random.Generator) -> None:
    images = rng.random((4, 3, 9, 7))
    expected = [np.mean([laplace(map_)[1:-1, 1:-1].var() for map_ in image]) for image in images]
    assert laplacian_variance(images) == pytest.approx(expected)
    assert laplacian_variance(np.full((1, 1, 5, 5), 0.3)) == pytest.approx([0.0])


def test_blurring_takes_sharpness_away_and_makes_pixels_undecided() -> None:
    digits = load("mnist_sample", "validation").first(200)
    sharp = digits.floats().reshape(-1, 1, 28, 28)
    blurred = gaussian_filter(sharp, (0, 0, 1, 1))
    assert laplacian_variance(blurred).mean() < 0.3 * laplacian_variance(sharp).mean()
    assert bernoulli_floor(blurred.reshape(200, -1)) > bernoulli_floor(sharp.reshape(200, -1)) + 20


def test_classes_that_are_lost_are_counted(rng: np.random.Generator) -> None:
    real = np.repeat(np.arange(10), 100)
    same = class_balance(rng.permutation(real), real)
    assert same.covered == 10 and same.imbalance == pytest.approx(0.0) and same.shares == pytest.approx([0.1] * 10)
    half = class_balance(np.repeat(np.arange(5), 100), real)
    assert half.covered == 5 and half.imbalance == pytest.approx(0.5)
    one = class_balance(np.ones(50, dtype=int), real)
    assert one.covered == 1 and one.imbalance == pytest.approx(0.9)
    drawn = [class_balance(rng.integers(0, 10, 2_000), real).imbalance for _ in range(200)]
    expected = 10 * math.sqrt(0.1 * 0.9 / (2 * math.pi * 2_000))
    assert np.mean(drawn) == pytest.approx(expected, rel=0.05)  # what the docstring states
    assert class_balance(np.array([3]), np.array([0, 1])).imbalance == pytest.approx(1.0)
    with pytest.raises(ValueError, match="at least 1"):
        class_balance(np.empty(0, dtype=int), real)


def test_copies_are_nearer_than_new_images_are(rng: np.random.Generator) -> None:
    real = rng.random(1_000) + 1.0
    assert near_copies(real, real) == pytest.approx(0.05)
    assert near_copies(np.zeros(10), real) == 1.0 and near_copies(real + 2, real) == 0.0
    with pytest.raises(ValueError, match="at least 1"):
        near_copies(np.empty(0), real)


def test_pictures_of_a_run_are_measured_as_written_out(every_kind: dict[str, Run]) -> None:
    run, space = every_kind["gan"], FeatureSpace.of(every_kind["classifier"])
    digits = load("digits", "validation")
    codes = encode(run.model, digits)
    found = measure_pictures(run, digits, codes, space, {})["pictures"]
    count = found["real"]["n"]
    images = digits.floats()[:count]
    assert count == len(digits) // 2 and found["real"]["sharpness"] == pytest.approx(1.0)
    rebuilt = run.decode(codes.mean[:count])
    made, real = (laplacian_variance(one.reshape(-1, 1, 8, 8)).mean() for one in (rebuilt, images))
    assert found["reconstructions"]["sharpness"] == pytest.approx(made / real, rel=1e-5)
    assert found["reconstructions"]["mse"] == pytest.approx(np.square(images - rebuilt).mean(), rel=1e-5)
    features, others = space.features(images), space.features(rebuilt)
    pairs = np.square(features[:, None] - features[None]).sum(axis=2)
    between = pairs.sum() / (count * (count - 1))
    expected = np.square(features - others).sum(axis=1).mean() / between
    assert found["reconstructions"]["features"] == pytest.approx(expected, rel=1e-6)
    assert sum(found["prior"]["classes"]) == pytest.approx(1.0) and 0 <= found["prior"]["copies"] <= 1
    assert 0 <= found["prior"]["recall"] <= 1 and found["real"]["precision"] > 0.7 < found["real"]["recall"]
    halfway = run.decode((codes.mean[:count] + codes.mean[count : 2 * count]) / 2)
    mean = (images + digits.floats()[count : 2 * count]) / 2
    for name, made in (("midpoints", halfway), ("crossfade", mean)):
        top = space.probabilities(space.features(made)).max(axis=1)
        assert found[name]["ambiguity"] == pytest.approx((top < 0.7).mean())
        assert found[name]["sharpness"] == pytest.approx(laplacian_variance(made.reshape(-1, 1, 8, 8)).mean() / real)


def test_halves_that_do_not_belong_together_are_noticed_as_written_out(every_kind: dict[str, Run]) -> None:
    digits = load("digits", "validation")
    odd = halves_of_two(digits)
    count = len(digits) // 2
    first, other = digits.floats()[: 2 * count].reshape(2, count, 8, 8)
    kept = np.flatnonzero(digits.labels[:count] != digits.labels[count : 2 * count])
    assert len(odd) == len(kept) < count
    assert np.array_equal(odd[7].reshape(8, 8)[:4], first[kept[7]][:4])
    assert np.array_equal(odd[7].reshape(8, 8)[4:], other[kept[7]][4:])
    for name in ("pca", "gan"):
        run = every_kind[name]
        found = measure_anomalies(run, digits, encode(run.model, digits), {})["anomalies"]
        errors = [np.square(run.decode(run.encode(one)) - one).mean(axis=1) for one in (first.reshape(count, -1), odd)]
        marks = np.repeat([0, 1], [count, len(odd)])
        assert found["rebuilt"] == pytest.approx(roc_auc_score(marks, np.concatenate(errors)), abs=1e-3)
        assert ("judged" in found) == (name == "gan") and 0 < found["rebuilt_standard_error"] < 0.1
    with torch.no_grad():  # one batch holds all: then the verdict is the network's on both at once
        both = torch.from_numpy(np.concatenate([first.reshape(count, -1), odd]))
        logits = every_kind["gan"].model.discriminator(both)
    assert found["judged"] == pytest.approx(roc_auc_score(marks, -logits.numpy()))
    problems: dict[str, str] = {}
    assert measure_anomalies(run, digits.first(2), encode(run.model, digits.first(2)), problems) == {}
    assert "measure more" in problems["anomalies"]


def test_images_that_cannot_be_measured_are_refused() -> None:
    with pytest.raises(ValueError, match="3 by 3"):
        laplacian_variance(np.zeros((1, 1, 2, 5)))
