from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

import vae_core.evaluation.generation
from vae_core.datasets import ImageDataset
from vae_core.errors import MeasureError
from vae_core.evaluation.features import FeatureSpace
from vae_core.evaluation.generation import measure_real, path_length_in_use, sample_figures, sample_size
from vae_core.evaluation.losses import encode
from vae_core.evaluation.measure import measure
from vae_core.execution import Execution
from vae_core.metrics import gaussian_kl_to_standard_normal, label_agreement, trustworthiness
from vae_core.models import MODELS
from vae_core.run import Codes, Run
from vae_core.sampling import SOURCES
from vae_core.spec import RunSpec
from vae_core.storage import store as checkpoints
from vae_core.storage.store import Store
from vae_core.training.jobs import get_or_train

SHARES = {"ambiguity", "hole_rate"}  # of independent draws
FIGURES = {"frechet", "density", "coverage"} | SHARES | {f"{share}_standard_error" for share in SHARES}
OF_CODES = {"label_agreement", "trustworthiness", "trustworthiness_n", "gaussian_kl"}
OF_BOUNDS = {"aggregate_kl_lower", "aggregate_kl_lower_standard_error", "aggregate_kl_lower_n"}
OF_AGGREGATE = {"aggregate_kl", "aggregate_kl_upper", "mutual_information"} | {
    f"mutual_information_{name}" for name in ("standard_error", "n", "limit")
}
OF_POSTERIORS = {"sigma_over_spread"} | OF_AGGREGATE | OF_BOUNDS
OF_GENERATION = {"samples", "path_length", "path_length_n", "path_length_in_use", "paths"}
ELBO = [model for model, kind in MODELS.items() if kind.bottleneck.continuous]


@pytest.fixture(scope="module")
def space(every_kind: dict[str, Run]) -> FeatureSpace:
    return FeatureSpace.of(every_kind["classifier"])


@pytest.fixture(scope="module")
def seen_by_a_classifier(every_kind: dict[str, Run], shared_folder: Path) -> tuple[Store, RunSpec]:
    """A store with the classifier, and a VAE that was trained in it."""
    store = Store(shared_folder / "with a classifier")
    if every_kind["classifier"].key not in store:
        store.save(every_kind["classifier"])
    spec = RunSpec("digits", "vae", hidden=(64,), epochs=30, learning_rate=1e-2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoints, "classifier_spec", lambda dataset: every_kind["classifier"].spec)
        get_or_train(store, spec, execution=Execution(device="cpu", precision="float32"))
    return store, spec


@pytest.fixture(scope="module")
def vae(seen_by_a_classifier: tuple[Store, RunSpec]) -> Run:
    store, spec = seen_by_a_classifier
    return store.load(spec.key)


def part(images: ImageDataset, chosen: Any) -> ImageDataset:
    return dataclasses.replace(images, images=images.images[chosen], labels=images.labels[chosen])


def numbers(figures: Any) -> list[float]:
    """Every number in nested figures."""
    if isinstance(figures, dict):
        return [number for name, value in figures.items() if name != "not_measured" for number in numbers(value)]
    return [number for value in figures for number in numbers(value)] if isinstance(figures, list) else [figures]


def assert_sentences(measured: dict[str, Any], names: set[str]) -> None:
    """Just these figures are missing, each with a sentence for people, and the rest are numbers that JSON has."""
    problems = measured.get("not_measured", {})
    assert set(problems) == names
    for sentence in problems.values():
        assert len(sentence) > 20
        assert len(sentence) < 200
        assert "\n" not in sentence
    assert not names & {name for name in measured if name != "n"}
    assert all(math.isfinite(number) for number in numbers(measured))
    json.dumps(measured, allow_nan=False)


@pytest.mark.parametrize("split", ["validation", "test"])
def test_the_figures_in_the_file_are_those_of_the_loaded_run(
    split: str, vae: Run, space: FeatureSpace, validation: ImageDataset
) -> None:
    # The test split of digits is the validation split; the file holds both.
    assert measure(vae, validation, space) == vae.metrics[split]


def test_every_figure_of_a_vae_is_there_with_its_number_of_images(vae: Run) -> None:
    figures = vae.metrics["validation"]
    assert OF_CODES | OF_POSTERIORS | OF_GENERATION | {"mse", "negative_elbo", "kl", "n"} <= set(figures)
    assert "not_measured" not in figures
    assert (figures["n"], figures["trustworthiness_n"], figures["path_length_n"]) == (360, 360, 360)
    assert {source: set(of) for source, of in figures["samples"].items()} == dict.fromkeys(
        ("prior", "box", "gaussian", "mixture", "reconstructions"), FIGURES | {"n"}
    )
    assert [of["n"] for of in figures["samples"].values()] == [180] * 5
    shares_of_paths = {"straight", "great_circle", "crossfade", "midpoint_holes"}
    assert set(figures["paths"]) == {"n"} | shares_of_paths | {f"{share}_standard_error" for share in shares_of_paths}
    for of in figures["samples"].values():
        for name in SHARES:
            assert of[f"{name}_standard_error"] == pytest.approx(math.sqrt(of[name] * (1 - of[name]) / of["n"]))
    assert figures["paths"]["n"] == 180
    shares = [figures["label_agreement"], figures["trustworthiness"]]
    shares += [share for name, share in figures["paths"].items() if name != "n"]
    shares += [of[name] for of in figures["samples"].values() for name in ("coverage", "ambiguity", "hole_rate")]
    assert all(0.0 <= share <= 1.0 for share in shares)
    assert figures["path_length"] > 0
    assert (figures["path_length_in_use"]["n"], figures["path_length_in_use"]["dimensions"]) == (360, 2)
    assert 0 < figures["path_length_in_use"]["low"] < figures["path_length_in_use"]["median"]
    assert figures["path_length_in_use"]["median"] < figures["path_length_in_use"]["high"]


def test_a_dimension_without_use_takes_no_part_in_the_path_length() -> None:
    """A decoder that is a rotation of two of three dimensions, each scaled to deviation 1, moves as far as its code."""
    random = np.random.default_rng(0)
    scales = np.array([3.0, 0.5, 0.05])  # the last one below an active unit's variance of 0.01
    mean = (scales * random.standard_normal((400, 3))).astype(np.float32)
    turn = np.linalg.qr(random.standard_normal((4, 4))).Q[:2]
    decoder = lambda z: z[:, :2] / mean.std(axis=0)[:2] @ turn
    run, space = SimpleNamespace(decode=decoder), SimpleNamespace(features=lambda pixels: pixels)
    distribution = Codes(mean, np.zeros_like(mean), np.zeros(400, np.uint8))
    found = path_length_in_use(run, distribution, space, np.random.default_rng(1))
    assert (found["n"], found["dimensions"]) == (400, 2)
    assert [found[name] for name in ("median", "low", "high")] == pytest.approx([1.0] * 3, rel=1e-5)
    points = dataclasses.replace(distribution, log_var=None)  # has no scale, so no dimension is too small to count
    every = path_length_in_use(run, points, space, np.random.default_rng(1))
    assert every["dimensions"] == 3
    assert every["median"] < 0.85  # a third of the step, on average, goes where nothing changes
    with pytest.raises(MeasureError, match="no dimension is in use"):
        path_length_in_use(run, dataclasses.replace(distribution, mean=mean * 0), space, np.random.default_rng(1))


def test_figures_taken_on_fewer_images_say_on_how_many(vae: Run, space: FeatureSpace, training: ImageDataset) -> None:
    figures = measure(vae, training, space)
    assert figures["n"] == 1_437
    assert (figures["trustworthiness_n"], figures["path_length_n"], figures["paths"]["n"]) == (1_000, 1_000, 300)
    assert {of["n"] for of in figures["samples"].values()} == {718}


def test_the_same_run_gives_the_same_numbers_twice(vae: Run, space: FeatureSpace, validation: ImageDataset) -> None:
    few = validation.first(80)
    assert measure(vae, few, space) == measure(vae, few, space)


def test_figures_of_codes_are_the_metrics_of_the_codes(vae: Run, validation: ImageDataset) -> None:
    figures, codes = vae.metrics["validation"], encode(vae.model, validation)
    assert figures["label_agreement"] == label_agreement(codes.mean, validation.labels, 10)
    assert figures["trustworthiness"] == trustworthiness(validation.floats(), codes.mean, 10)
    # The Gaussian of draws from the posteriors has their mean variance on top of the means' covariance.
    z = codes.mean + np.exp(0.5 * codes.log_var) * np.random.default_rng(0).standard_normal((2_000, 360, 2))
    z = z.reshape(-1, 2)
    by_draws = gaussian_kl_to_standard_normal(z.mean(axis=0), np.cov(z, rowvar=False))
    assert figures["gaussian_kl"] == pytest.approx(by_draws, abs=0.005)
    assert figures["aggregate_kl"] + figures["mutual_information"] == pytest.approx(figures["kl"], rel=1e-5)
    assert 0.5 < figures["mutual_information"] < math.log(360) == figures["mutual_information_limit"]
    assert figures["mutual_information_n"] == 360


def test_the_lower_bound_on_the_aggregates_divergence_is_what_sklearn_and_scipy_score(
    vae: Run, validation: ImageDataset
) -> None:
    figures, codes = vae.metrics["validation"], encode(vae.model, validation)
    assert figures["aggregate_kl_lower_n"] == 180
    assert figures["aggregate_kl_lower"] < figures["aggregate_kl"] == figures["aggregate_kl_upper"]
    wide = np.diag(np.exp(codes.log_var[:180].astype(np.float64)).mean(axis=0))
    mean, sigma = (part[180:].astype(np.float64) for part in (codes.mean, np.exp(0.5 * codes.log_var)))
    z = mean + sigma * np.random.default_rng(0).standard_normal((200, 180, 2))  # many samples of the same posteriors
    parts = zip(vae.mixture.weights, vae.mixture.means, vae.mixture.covariances, strict=True)
    densities = sum(weight * multivariate_normal(at, covariance + wide).pdf(z) for weight, at, covariance in parts)
    expected = (np.log(densities) - norm.logpdf(z).sum(axis=2)).mean()
    error = figures["aggregate_kl_lower_standard_error"]
    assert 0.0 < error < 0.1
    assert figures["aggregate_kl_lower"] == pytest.approx(max(expected, 0.0), abs=3 * error)


@pytest.mark.parametrize("model", ELBO)
def test_without_a_classifier_the_samples_are_missing_and_it_is_said(
    model: str, every_kind: dict[str, Run], validation: ImageDataset
) -> None:
    run = every_kind[model]
    measured = measure(run, validation, None)
    spread = np.ptp(run.codes.mean, axis=0)  # of levels, when it has hardly learned: on some processors none at all
    unfitted = set() if spread.all() else {"gaussian_kl"}
    if not spread.any():
        unfitted |= {"label_agreement", "trustworthiness"}
    assert_sentences(measured, {"samples"} | unfitted)
    assert measured["not_measured"]["samples"] == "There is no classifier of this dataset to measure samples with."
    assert set(measured) >= OF_CODES - unfitted - ({"trustworthiness_n"} if "trustworthiness" in unfitted else set())
    assert (set(measured) >= OF_POSTERIORS) is MODELS[model].bottleneck.has_posterior
    assert not OF_GENERATION & set(measured)
    assert measured == run.metrics["validation"]


@pytest.mark.parametrize("model", ["ae", "vae", "pca", "conv_vae"])
def test_images_of_one_class_lack_only_what_compares_classes(
    model: str, every_kind: dict[str, Run], space: FeatureSpace, validation: ImageDataset
) -> None:
    run, images = every_kind[model], part(validation, validation.labels == 3)
    measured = measure(run, images, space)
    in_use = set() if encode(run.model, images).used().any() else {"path_length_in_use"}  # hardly trained
    assert_sentences(measured, {"label_agreement"} | in_use)
    assert "measure images of two or more classes" in measured["not_measured"]["label_agreement"]


SAMPLES = {f"samples from the {source}" for source in ("prior", "box", "gaussian", "mixture")} | {"reconstructions"}
ONE = {"gaussian_kl", "aggregate_kl_lower", "sigma_over_spread", "path_length_in_use", "paths"}
TOO_FEW = {
    1: {"label_agreement", "trustworthiness", "pictures", "anomalies", *ONE, *SAMPLES},
    2: {"label_agreement", "trustworthiness", "aggregate_kl_lower", "pictures", "anomalies", *SAMPLES},
    11: {"trustworthiness", *SAMPLES},
    12: {"trustworthiness"},
    21: set(),
}


@pytest.mark.filterwarnings("ignore:std")  # one image has no standard error
@pytest.mark.parametrize(("count", "missing"), TOO_FEW.items())
def test_too_few_images_lack_what_has_no_meaning_on_so_few(
    count: int, missing: set[str], vae: Run, space: FeatureSpace, validation: ImageDataset
) -> None:
    measured = measure(vae, validation.first(count), space)
    if count == 1:
        assert math.isnan(measured.pop("negative_elbo_standard_error"))
    assert_sentences(measured, missing)
    assert measured["n"] == count
    assert not missing & {"paths"} or "paths" not in measured


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("model", ["ae", "vae", "conv_ae", "pca", "pixels"])
def test_images_that_are_all_the_same_break_nothing(
    model: str, every_kind: dict[str, Run], space: FeatureSpace, validation: ImageDataset
) -> None:
    same = dataclasses.replace(validation, images=np.zeros_like(validation.images))
    measured = measure(every_kind[model], same, space)
    missing = {"label_agreement", "trustworthiness", "path_length_in_use", *SAMPLES}
    has_prior = MODELS[model].bottleneck.has_prior
    assert_sentences(measured, missing | ({"sigma_over_spread", "pictures"} if has_prior else {"gaussian_kl"}))
    assert measured["path_length"] == 0.0  # codes that do not spread leave no step to take
    assert measured["mse"] > 0


def test_a_run_without_a_mixture_lacks_the_samples_from_it(
    vae: Run, space: FeatureSpace, validation: ImageDataset
) -> None:
    measured = measure(dataclasses.replace(vae, extras={}), validation.first(40), space)
    assert_sentences(measured, {"samples from the mixture", "samples from the gaussian", "aggregate_kl_lower"})
    assert set(measured["samples"]) == {"prior", "box", "reconstructions"}


def test_posteriors_beyond_all_numbers_lack_only_their_own_figures(
    vae: Run, space: FeatureSpace, validation: ImageDataset
) -> None:
    weights = {**vae.weights, "log_var.bias": np.full(2, -500.0, np.float32)}
    measured = measure(dataclasses.replace(vae, weights=weights), validation.first(40), space)
    assert_sentences(measured, {"aggregate_kl"})


@pytest.mark.parametrize("images", [2, 6])
@pytest.mark.parametrize("model", ["classifier", "vae", "conv_vae", "pca", "memoriser"])
def test_a_run_of_next_to_no_images_is_trained_and_measured(model: str, images: int, tmp_path: Path) -> None:
    store = Store(tmp_path)
    hidden = {"classifier": (4, 8), "conv_vae": (4, 8), "pca": None}.get(model, (8,))
    spec = RunSpec("digits", model, hidden=hidden, images=images, epochs=1, latent_dim=None)
    run = get_or_train(store, spec, execution=Execution(device="cpu", precision="float32"))
    assert {split: of["n"] for split, of in run.metrics.items()} == {"validation": 360, "test": 360, "train": images}
    assert store.load(run.key).metrics == run.metrics
    problems = run.metrics["train"].get("not_measured", {})
    expected = {
        "classifier": {"real"},
        "memoriser": set(),
        "vae": {"label_agreement", "trustworthiness", "samples"},
    }
    assert set(problems) >= expected.get(model, expected["vae"])


def test_a_classifier_measures_itself_on_real_images(
    every_kind: dict[str, Run], space: FeatureSpace, validation: ImageDataset
) -> None:
    figures = measure(every_kind["classifier"], validation, None)
    assert set(figures) == {"n", "accuracy", "cross_entropy", "real", "real_at_random"}
    assert set(figures["real"]) == set(figures["real_at_random"]) == FIGURES | {"n"}
    assert figures["real"]["n"] == 180
    assert figures["real"]["hole_rate"] == pytest.approx(0.05, abs=0.035)  # of the second half of 360
    assert figures["real"]["coverage"] > 0.85
    order = np.argsort(validation.labels, kind="stable")  # one half has other classes than the other
    sorted_by_class = measure(every_kind["classifier"], part(validation, order), None)
    assert sorted_by_class["real_at_random"]["frechet"] < 0.2 * sorted_by_class["real"]["frechet"]
    same = dataclasses.replace(validation, images=np.zeros_like(validation.images))
    problems: dict[str, str] = {}
    assert measure_real(same, space, problems) == {}
    assert set(problems) == {"real"}


def test_real_images_against_themselves_are_perfect_and_noise_is_not(
    space: FeatureSpace, validation: ImageDataset
) -> None:
    real = space.features(validation.first(180).floats())
    itself = sample_figures(real, real, space)
    assert itself["frechet"] == pytest.approx(0.0, abs=1e-6)
    assert itself["coverage"] == 1.0
    noise = sample_figures(space.features(np.random.default_rng(0).random((180, 64))), real, space)
    assert noise["frechet"] > 3.0
    assert noise["coverage"] < 0.6
    assert noise["ambiguity"] > itself["ambiguity"]
    assert noise["hole_rate"] > 0.2 > 0.1 > itself["hole_rate"]


def test_a_trained_vae_fills_the_prior_better_than_an_autoencoder(
    vae: Run, space: FeatureSpace, tmp_path: Path
) -> None:
    spec = dataclasses.replace(vae.spec, model="ae", beta=None)
    ae = get_or_train(Store(tmp_path), spec, execution=Execution(device="cpu", precision="float32"))
    validation_of = lambda run: run.metrics["validation"]
    assert validation_of(ae)["gaussian_kl"] > 5 * validation_of(vae)["gaussian_kl"]
    assert validation_of(ae)["mse"] < validation_of(vae)["mse"]


def test_a_model_that_gives_every_image_back_walks_as_a_crossfade_does(
    space: FeatureSpace, validation: ImageDataset, tmp_path: Path
) -> None:
    """With all 64 directions PCA is a rotation: a straight path of codes is the crossfade of the images."""
    run = get_or_train(Store(tmp_path), RunSpec("digits", "pca", 64))
    figures = measure(run, validation, space)
    assert figures["mse"] < 1e-5
    assert figures["paths"]["straight"] == pytest.approx(figures["paths"]["crossfade"], abs=0.005)
    assert figures["paths"]["great_circle"] != figures["paths"]["straight"]
    # Neighbours stay neighbours, but for images that are equally far.
    assert figures["trustworthiness"] > 0.999
    assert_sentences(figures, {"gaussian_kl"})  # three pixels are always black


def test_the_box_lies_around_validation_codes_whatever_is_measured(
    vae: Run, space: FeatureSpace, training: ImageDataset, validation: ImageDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[np.ndarray] = []
    real_draw = vae_core.evaluation.generation.draw

    def noted(source: str, count: int, codes: np.ndarray, *rest: Any) -> np.ndarray:
        asked.append(codes)
        return real_draw(source, count, codes, *rest)

    monkeypatch.setattr(vae_core.evaluation.generation, "draw", noted)
    for split in (validation, training.first(300)):
        measure(vae, split, space)
    assert len(asked) == 2 * len(SOURCES) and all(codes is vae.codes.mean for codes in asked)


def test_sets_are_half_a_split_and_at_most_3000(validation: ImageDataset) -> None:
    sizes = {1: 0, 2: 1, 5: 2, 360: 180}
    assert {count: sample_size(validation.first(count)) for count in sizes} == sizes
    ten_thousand = part(validation, np.zeros(10_000, np.int64))
    assert sample_size(ten_thousand) == 3_000


def test_a_memoriser_is_right_about_its_own_images_and_about_no_others(every_kind: dict[str, Run]) -> None:
    run = every_kind["memoriser"]
    assert set(run.metrics) == {"validation", "test", "train"}
    assert run.metrics["train"]["n"] == 10
    assert run.metrics["train"]["mse"] < 1e-5
    assert run.metrics["validation"]["mse"] > 0.05  # worse than the mean image's
    # While it learns, a held-out image gets the number that comes nearest, as it does afterwards.
    last = run.history[-1]
    assert last["validation_reconstruction"] == pytest.approx(run.metrics["validation"]["reconstruction"], rel=0.02)
    assert all("not_measured" not in of and not OF_CODES & set(of) for of in run.metrics.values())


def test_a_memoriser_gives_each_image_its_number(every_kind: dict[str, Run], training: ImageDataset) -> None:
    run = every_kind["memoriser"]
    codes = encode(run.model, training.first(10)).mean
    assert codes[:, 0].tolist() == list(range(10))
    np.testing.assert_allclose(run.decode(codes), training.first(10).floats(), atol=0.02)


def test_the_command_line_measures_with_the_classifier_it_finds(
    seen_by_a_classifier: tuple[Store, RunSpec],
    every_kind: dict[str, Run],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from vae_core.cli.commands import evaluate

    store, spec = seen_by_a_classifier
    monkeypatch.setattr(checkpoints, "classifier_spec", lambda dataset: every_kind["classifier"].spec)
    evaluate(spec.key, "test", store.root, None, True)
    printed = json.loads(capsys.readouterr().out)
    assert printed["metrics"] | {"n": printed["n"]} == store.load(spec.key).metrics["test"]
    evaluate(spec.key, "test", store.root, None, False)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    prior = printed["metrics"]["samples"]["prior"]
    assert ["samples", "prior", "hole_rate", f"{prior['hole_rate']:.4f}"] in lines
    assert ["samples", "prior", "n", "180"] in lines
