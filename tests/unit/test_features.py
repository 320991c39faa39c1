from __future__ import annotations

import dataclasses
import math
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vae_core.cli import commands as cli
from vae_core.datasets import ImageDataset
from vae_core.errors import DamagedRun, RunNotFound
from vae_core.evaluation.features import REFERENCE_IMAGES, FeatureSpace, classifier_spec
from vae_core.execution import Execution
from vae_core.run import Run
from vae_core.spec import RunSpec
from vae_core.storage import store as checkpoints
from vae_core.storage.store import Store
from vae_core.training.jobs import get_or_train

FLOAT32 = Execution(precision="float32")  # the same numbers on every processor


@pytest.fixture(scope="module")
def classifier(every_kind: dict[str, Run]) -> Run:
    return every_kind["classifier"]


@pytest.fixture(scope="module")
def space(classifier: Run) -> FeatureSpace:
    return FeatureSpace.of(classifier)


def test_the_classifier_has_learned_its_classes(classifier: Run, validation: ImageDataset) -> None:
    assert classifier.metrics["validation"]["n"] == 360
    assert 0.85 < classifier.metrics["validation"]["accuracy"] < 1.0
    # Three ways to the same share of right answers: the file, the network, and the history's last line.
    with torch.no_grad():
        logits = classifier.model.logits(torch.from_numpy(validation.floats()), torch.zeros(1, 16))
    right = (logits.argmax(dim=1).numpy() == validation.labels).mean()
    assert classifier.metrics["validation"]["accuracy"] == pytest.approx(right, abs=1e-9)
    assert 1.0 - classifier.history[-1]["validation_error"] == pytest.approx(
        right, abs=0.006
    )  # before rounding weights
    own = torch.log_softmax(logits.double(), dim=1)[torch.arange(360), torch.from_numpy(validation.labels)]
    assert classifier.metrics["validation"]["cross_entropy"] == pytest.approx(-own.mean().item(), rel=1e-5)


def test_a_classifiers_history_names_its_own_terms(classifier: Run) -> None:
    assert [list(record) for record in classifier.history] == [
        ["epoch", "cross_entropy", "error", "validation_cross_entropy", "validation_error", "seconds"]
    ] * 16
    first, last = classifier.history[0], classifier.history[-1]
    assert last["validation_cross_entropy"] < 0.5 * first["validation_cross_entropy"]
    assert all(0.0 <= record[name] <= 1.0 for record in classifier.history for name in ("error", "validation_error"))


def test_5_percent_of_real_held_out_images_are_holes(
    space: FeatureSpace, training: ImageDataset, validation: ImageDataset
) -> None:
    held_out = space.distances(space.features(validation.floats()))
    assert (held_out > space.threshold).mean() == pytest.approx(0.05, abs=0.006)  # 18 of 360, give or take rounding
    # An image that was trained on is its own nearest neighbour, to the rounding of the stored features.
    seen = space.distances(space.features(training.first(200).floats()))
    assert seen.max() < 0.05 * space.threshold


def test_images_that_are_no_digits_are_holes_far_more_often(space: FeatureSpace, validation: ImageDataset) -> None:
    for images in (np.random.default_rng(0).random((500, 64)), 1.0 - validation.floats()):
        assert (space.distances(space.features(images)) > space.threshold).mean() > 0.2  # of digits, 5%


def test_the_reference_is_the_features_of_the_first_training_images(
    space: FeatureSpace, classifier: Run, training: ImageDataset
) -> None:
    count = min(REFERENCE_IMAGES, len(training))
    assert space.reference.shape == (count, 16)
    np.testing.assert_allclose(space.reference, space.features(training.first(count).floats()), rtol=1e-3, atol=1e-3)
    assert classifier.extras["reference"].dtype == np.float16


def test_features_are_the_penultimate_layer_of_the_network(
    space: FeatureSpace, classifier: Run, validation: ImageDataset
) -> None:
    expected = classifier.model.encode_mean(torch.from_numpy(validation.floats()))
    features = space.features(validation.floats())
    np.testing.assert_allclose(features, expected.numpy(), rtol=0, atol=1e-4)
    assert features.dtype == np.float64
    assert features.min() == 0.0


def test_pixels_outside_the_picture_are_clipped(space: FeatureSpace) -> None:
    pixels = np.random.default_rng(0).normal(0.5, 1.0, (20, 64))
    assert np.array_equal(space.features(pixels), space.features(pixels.clip(0, 1)))
    assert not np.array_equal(space.features(pixels), space.features(0.9 * pixels.clip(0, 1)))


@pytest.mark.filterwarnings("error")
def test_probabilities_are_the_networks_and_sum_to_1(
    space: FeatureSpace, classifier: Run, validation: ImageDataset
) -> None:
    probabilities = space.probabilities(space.features(validation.floats()))
    assert probabilities.shape == (360, 10)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-12)
    with torch.no_grad():
        logits = classifier.model.logits(torch.from_numpy(validation.floats()), torch.zeros(1, 16))
    np.testing.assert_allclose(probabilities, torch.softmax(logits, dim=1).numpy(), rtol=0, atol=1e-4)
    far = space.probabilities(np.full((2, 16), 1e6))  # where exp alone would overflow
    np.testing.assert_allclose(far.sum(axis=1), 1.0)


def train_command(sentence: str) -> list[str]:
    (command,) = re.findall(r"'(python -m vae_core train [^']+)'", sentence)
    return shlex.split(command)[3:]


@pytest.mark.parametrize("dataset", ["mnist", "mnist_sample", "digits", "fashion_mnist", "kmnist"])
def test_a_missing_classifier_is_a_sentence_with_the_command_that_trains_it(
    dataset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RunNotFound, match=f"the measurements on {dataset} is missing; train it with") as missing:
        Store(tmp_path / "store").features(dataset)
    sentence = str(missing.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert not (tmp_path / "store").exists()

    asked: list[RunSpec] = []

    def remember(spec: RunSpec, *_: Any) -> tuple[Any, bool]:
        asked.append(spec)
        raise RunNotFound("not now.")

    monkeypatch.setattr(cli, "_get_or_train", remember)
    monkeypatch.setattr(sys, "argv", ["vae_core", *train_command(sentence)])
    with pytest.raises(SystemExit):
        cli.main()
    assert asked == [classifier_spec(dataset)]


def test_the_sample_of_mnist_is_seen_with_mnists_classifier_and_every_other_set_with_its_own() -> None:
    assert classifier_spec("mnist_sample") == classifier_spec("mnist")
    for dataset in ("mnist", "digits", "fashion_mnist", "kmnist"):
        spec = classifier_spec(dataset)
        assert (spec.dataset, spec.model) == (dataset, "classifier")


def test_points_in_space_have_no_classifier_and_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(RunNotFound, match=r"^s_curve has no pictures"):
        Store(tmp_path).features("s_curve")


@pytest.fixture
def wanted(classifier: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the small classifier of these tests were the one that the measurements want."""
    monkeypatch.setattr(checkpoints, "classifier_spec", lambda dataset: classifier.spec)


def same(one: FeatureSpace, other: FeatureSpace) -> bool:
    return math.isclose(one.threshold, other.threshold) and np.array_equal(one.reference, other.reference)


def test_the_classifier_is_found_in_the_store_and_else_in_the_shipped_one(
    wanted: None, classifier: Run, space: FeatureSpace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, shipped = Store(tmp_path / "own"), Store(tmp_path / "shipped")
    monkeypatch.setattr(checkpoints, "SHIPPED", shipped.root)
    with pytest.raises(RunNotFound):
        own.features("digits")
    shipped.save(classifier)
    assert same(own.features("digits"), space)
    shifted = {**classifier.extras, "reference": classifier.extras["reference"] + np.float16(1.0)}
    own.save(dataclasses.replace(classifier, extras=shifted))
    assert not same(own.features("digits"), space)  # its own comes first


def test_a_damaged_classifier_is_said_but_does_not_stop_a_training(
    wanted: None, classifier: Run, tmp_path: Path, small_spec: Callable[..., RunSpec]
) -> None:
    store = Store(tmp_path)
    for ask in (
        lambda: store.features("digits"),
        lambda: get_or_train(store, small_spec(), execution=FLOAT32),
    ):
        store.save(classifier)
        path = store.path(classifier.key)
        path.write_bytes(path.read_bytes()[:-1])
        try:
            run = ask()
        except DamagedRun as damaged:
            assert "It was set aside as" in str(damaged)
        else:
            assert set(run.metrics["test"]["not_measured"]) == {"samples"}
        assert not path.exists()
    assert store.keys() == [small_spec().key]
