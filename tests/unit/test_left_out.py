from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.covariance import EmpiricalCovariance
from sklearn.decomposition import PCA
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.neighbors import NearestNeighbors

from vae_core.datasets import ImageDataset, load
from vae_core.errors import MeasureError, SpecError
from vae_core.evaluation.left_out import DRAWS, draws, measure_left_out, scores
from vae_core.evaluation.measure import measure
from vae_core.losses.likelihoods import bernoulli_floors
from vae_core.metrics.anomaly import (
    cloud_of,
    fit_subspace,
    mahalanobis,
    nearest_by_class,
    nearest_usual,
    subspace_errors,
)
from vae_core.metrics.ranking import average_precision, precision_at
from vae_core.run import Run
from vae_core.spec import RunSpec
from vae_core.storage.store import Store
from vae_core.training.jobs import get_or_train
from vae_core.training.stacked import same_program


@pytest.fixture(scope="module")
def digits() -> ImageDataset:
    return load("digits", "test")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    spec = RunSpec("digits", "vae", latent_dim=4, hidden=(32,), epochs=15, batch_size=32, without=3)
    return get_or_train(Store(tmp_path_factory.mktemp("store")), spec)


def test_a_field_that_is_left_out_changes_no_key() -> None:
    assert "without" not in RunSpec("mnist", "vae").to_dict()
    left_out = RunSpec("mnist", "vae", without=4)
    assert left_out.key.startswith("vae-mnist-d2-b1-no4-")
    assert RunSpec.from_dict(left_out.to_dict()) == left_out
    assert len({RunSpec("mnist", "vae", without=digit).key for digit in range(10)}) == 10


@pytest.mark.parametrize("value", [-1, 10, 400, True, "3", 3.0])
def test_a_class_that_there_is_not_is_refused(value: object) -> None:
    with pytest.raises(SpecError, match=r"^without must be an integer from 0 to 9, not"):
        RunSpec("mnist", "vae", without=value)  # type: ignore[arg-type]


@pytest.mark.parametrize("dataset", ["heads", "olivetti"])
def test_images_without_classes_have_none_to_leave_out(dataset: str) -> None:
    with pytest.raises(SpecError, match=r"^without must be left out for .*no classes"):
        RunSpec(dataset, "vae", without=0)


@pytest.mark.parametrize("model", ["classifier", "vq_vae", "memoriser"])
def test_a_model_without_such_codes_takes_none(model: str) -> None:
    images = {"images": 20, "latent_dim": 1} if model == "memoriser" else {}
    with pytest.raises(SpecError, match=r"^without must be left out for model"):
        RunSpec("mnist", model, without=0, **images)  # type: ignore[arg-type]


def test_a_class_that_is_all_there_is_is_refused_in_a_sentence(digits: ImageDataset) -> None:
    only = replace(digits, images=digits.images[:5], labels=np.full(5, 7))
    with pytest.raises(SpecError, match=r"all 5 images of the test split of digits are of class '7'"):
        only.without(7)
    assert len(only.without(6)) == 5


def test_the_first_images_are_the_first_of_the_others(digits: ImageDataset) -> None:
    spec = RunSpec("digits", "vae", without=3, images=50)
    learned = spec.learned_of(digits)
    assert len(learned) == 50
    assert 3 not in learned.labels
    assert np.array_equal(learned.images, digits.images[digits.labels != 3][:50])


def test_runs_without_different_classes_are_no_one_program() -> None:
    one, other = (RunSpec("digits", "vae", without=digit) for digit in (1, 2))
    assert same_program(one) != same_program(other)


def test_a_run_learns_from_the_others_alone_and_is_measured_on_both(run: Run, digits: ImageDataset) -> None:
    training = load("digits", "train")
    assert run.provenance["training_images"] == (training.labels != 3).sum()
    assert run.metrics["test"]["n"] == (digits.labels != 3).sum()
    assert len(run.codes.mean) == len(load("digits", "validation"))  # the pages show all of them
    found = run.metrics["test"]["left_out"]
    assert (found["class"], found["n"], found["odd"]) == (3, (digits.labels != 3).sum(), (digits.labels == 3).sum())
    assert found["base_rate"] == pytest.approx((digits.labels == 3).mean())
    assert measure(run, digits, None)["left_out"] == found


def test_each_ranking_is_scikit_learns(run: Run, digits: ImageDataset) -> None:
    odd = digits.labels == 3
    for name, score in scores(run, digits.floats()).items():
        found = run.metrics["test"]["left_out"]["scores"][name]
        assert found["auroc"] == pytest.approx(roc_auc_score(odd, score)), name
        assert found["average_precision"] == pytest.approx(average_precision_score(odd, score)), name


def test_scores_are_those_of_torch(run: Run, digits: ImageDataset) -> None:
    import torch

    from vae_core.evaluation.log_likelihood import importance_weighted_bound, log_weights
    from vae_core.losses.likelihoods import likelihood

    pixels = digits.floats()[:20]
    found = scores(run, pixels)
    x, noise = torch.from_numpy(pixels), torch.from_numpy(draws(4)).expand(20, -1, -1)
    p = likelihood(run.spec, run.model)
    with torch.no_grad():
        weights = log_weights(run.model, x, noise, p).double()
        mean, log_var = run.model.encode(x)
        output = run.model.decode(mean)
        at_mean = p.negative_log_likelihood(output, x)
        kl = 0.5 * (mean.square() + log_var.exp() - 1 - log_var).sum(dim=1)
        costs = torch.stack(
            [p.negative_log_likelihood(run.model.decode(mean + (0.5 * log_var).exp() * eps), x) for eps in noise[0]]
        )
    assert_allclose(found["importance_weighted"], -importance_weighted_bound(weights).numpy(), rtol=1e-4)
    assert_allclose(found["negative_elbo"], (costs.mean(dim=0) + kl).numpy(), rtol=1e-4)
    assert_allclose(found["reconstruction"], at_mean.numpy(), rtol=1e-4)
    assert_allclose(found["squared_error"], (output.sigmoid() - x).square().mean(dim=1).numpy(), rtol=1e-3)
    assert_allclose(found["above_floor"], found["reconstruction"] - bernoulli_floors(pixels))
    assert (found["above_floor"] >= -1e-4).all()
    assert len(noise[0]) == DRAWS


def test_an_image_scores_the_same_alone_and_among_others(run: Run, digits: ImageDataset) -> None:
    pixels = digits.floats()[:30]
    among, alone = scores(run, pixels), scores(run, pixels[7:8])
    for name, score in among.items():
        assert_allclose(alone[name], score[7:8], rtol=1e-5, err_msg=name)


def test_scores_that_need_no_draws_are_the_same_without_any(run: Run, digits: ImageDataset) -> None:
    pixels = digits.floats()[:30]
    without, usual = scores(run, pixels, count=0), scores(run, pixels)
    assert set(usual) - set(without) == {"negative_elbo", "importance_weighted"}
    for name, score in without.items():
        assert np.array_equal(score, usual[name]), name


def test_the_bound_is_no_looser_than_the_elbo(run: Run, digits: ImageDataset) -> None:
    found = scores(run, digits.floats())
    assert found["importance_weighted"].mean() < found["negative_elbo"].mean()


def test_a_split_without_the_class_says_what_is_missing(run: Run, digits: ImageDataset) -> None:
    problems: dict[str, str] = {}
    assert measure_left_out(run, digits.without(3), problems) == {}
    assert "two or more images of either kind" in problems["left_out"]


def test_a_run_of_all_classes_leaves_out_none(run: Run, digits: ImageDataset) -> None:
    assert measure_left_out(replace(run, spec=replace(run.spec, without=None)), digits, {}) == {}


@pytest.mark.parametrize("ties", [False, True])
def test_average_precision_is_scikit_learns(ties: bool) -> None:
    generator = np.random.default_rng(0)
    usual, odd = generator.normal(0, 1, 200), generator.normal(0.7, 1, 30)
    if ties:
        usual, odd = np.round(usual, 1), np.round(odd, 1)
    truth = np.repeat([0, 1], [200, 30])
    expected = average_precision_score(truth, np.concatenate([usual, odd]))
    assert average_precision(usual, odd) == pytest.approx(expected)
    assert average_precision(np.zeros(200), np.zeros(30)) == pytest.approx(30 / 230)  # by chance the base rate


def test_precision_at_another_base_rate_follows_from_bayes() -> None:
    # Of 1,000 images, 10 odd: 8 of these and 99 of the others are called odd.
    assert precision_at(0.8, 0.1, 0.01) == pytest.approx(8 / 107)
    assert precision_at(0.3, 0.0, 0.01) == 1.0
    assert np.isnan(precision_at(0.0, 0.0, 0.5))


def test_the_distance_of_codes_is_scikit_learns(digits: ImageDataset) -> None:
    codes = digits.floats()[:, 18:24]
    fitted = EmpiricalCovariance().fit(codes)
    cloud = cloud_of(fitted.location_, fitted.covariance_)
    assert_allclose(mahalanobis(codes, cloud) ** 2, fitted.mahalanobis(codes), rtol=1e-6)


def test_codes_that_do_not_spread_have_no_distance() -> None:
    with pytest.raises(MeasureError, match="fewer latent dimensions"):
        cloud_of(np.zeros(2), np.diag([1.0, 0.0]))


def test_the_error_of_a_subspace_is_that_of_scikit_learns_reconstruction(digits: ImageDataset) -> None:
    pixels = digits.floats()
    fitted = PCA(5).fit(pixels.astype(np.float64))
    expected = np.square(fitted.inverse_transform(fitted.transform(pixels)) - pixels).mean(axis=1)
    assert_allclose(subspace_errors(pixels, fit_subspace(pixels, 5)), expected, atol=1e-9)


def test_the_nearest_usual_image_is_scikit_learns(digits: ImageDataset) -> None:
    training = load("digits", "train")
    by_class = nearest_by_class(digits.floats(), training.floats(), training.labels, 10)
    assert by_class.shape == (len(digits), 10)
    others = training.without(4).floats()
    expected = NearestNeighbors(n_neighbors=1).fit(others).kneighbors(digits.floats())[0][:, 0]
    assert_allclose(nearest_usual(by_class, 4), expected, rtol=1e-6)
    few = nearest_by_class(digits.floats()[:2], training.floats()[:1], training.labels[:1], 10)
    assert np.isinf(np.delete(few, training.labels[0], axis=1)).all()


def test_the_command_line_takes_it_and_evaluates_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import json

    from typer.testing import CliRunner

    from vae_core.cli.commands import app

    fields = ["train", "--dataset", "digits", "--model", "ae", "--latent-dim", "2", "--hidden", "16", "--epochs", "1"]
    made = CliRunner().invoke(app, [*fields, "--without", "8", "--json", "--store", str(tmp_path)])
    key = json.loads(made.stdout)["key"]
    assert "-no8-" in key
    found = CliRunner().invoke(app, ["evaluate", key, "--json", "--store", str(tmp_path)])
    measured = json.loads(found.stdout)["metrics"]["left_out"]
    assert measured["class"] == 8
    assert set(measured["scores"]) >= {"squared_error", "reconstruction", "above_floor"}
    del capsys
