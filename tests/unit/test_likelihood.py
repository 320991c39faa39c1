"""log p(x) by importance sampling, against models whose log p(x) is known by other means."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import integrate, special, stats

from vae_core.datasets import ImageDataset
from vae_core.errors import MeasureError
from vae_core.evaluation import log_likelihood as by_torch
from vae_core.evaluation.importance import (
    DECODED_AT_ONCE,
    MAX_SAMPLES,
    binarise,
    bounds_by_k,
    effective_samples,
    image_log_weights,
    importance_weighted_bound,
    log_likelihoods,
)
from vae_core.run import Run
from vae_core.spec import RunSpec

LENGTHS = np.array([2.0, 0.7])
VARIANCE = 0.5


@pytest.fixture(scope="module")
def linear(untrained_run: Callable[[RunSpec], Run]) -> Run:
    """p(x|z) = N(Wz + b, cI), orthogonal columns in W: the true posterior is a diagonal Gaussian, and q is it."""
    spec = RunSpec("digits", "vae", hidden=(), likelihood="gaussian", variance=VARIANCE)
    random = np.random.default_rng(0)
    columns = np.linalg.qr(random.standard_normal((64, 2)))[0] * LENGTHS
    offset = random.uniform(size=64)
    variances = 1.0 / (1.0 + LENGTHS**2 / VARIANCE)
    to_mean = (columns / VARIANCE * variances).T
    weights = {
        "decoder.0.weight": columns,
        "decoder.0.bias": offset,
        "mean.weight": to_mean,
        "mean.bias": -to_mean @ offset,
        "log_var.weight": np.zeros((2, 64)),
        "log_var.bias": np.log(variances),
    }
    return replace(untrained_run(spec), weights={name: value.astype(np.float32) for name, value in weights.items()})


def true_log_p(run: Run, x: np.ndarray) -> float:
    w = run.weights["decoder.0.weight"].astype(np.float64)
    covariance = w @ w.T + VARIANCE * np.eye(64)
    return float(stats.multivariate_normal(run.weights["decoder.0.bias"], covariance).logpdf(x))


def with_worse_posterior(run: Run, shift: float, widen: float) -> Run:
    weights = dict(run.weights)
    weights["mean.bias"] = weights["mean.bias"] + np.float32(shift)
    weights["log_var.bias"] = weights["log_var.bias"] + np.float32(2.0 * math.log(widen))
    return replace(run, weights=weights)


@pytest.fixture(scope="module")
def image(validation: ImageDataset) -> np.ndarray:
    return validation.floats()[7]


@pytest.fixture(scope="module")
def vae(small_runs: dict[str, Run]) -> Run:
    return small_runs["vae d=5"]


# Against what is known


def test_with_the_true_posterior_every_weight_is_log_p(linear: Run, image: np.ndarray) -> None:
    weights = image_log_weights(linear, image, 200)
    assert weights == pytest.approx(np.full(200, true_log_p(linear, image)), abs=2e-4)
    for bound in bounds_by_k(weights, (1, 5, 200)):
        assert bound.value == pytest.approx(true_log_p(linear, image), abs=1e-4)


def test_a_worse_posterior_costs_its_kl_and_more_samples_win_it_back(linear: Run, image: np.ndarray) -> None:
    shift, widen = 0.3, 1.4
    worse, true = with_worse_posterior(linear, shift, widen), true_log_p(linear, image)
    bounds = bounds_by_k(image_log_weights(worse, image, 50_000), (1, 2, 5, 20, 100, 1_000))
    values = [bound.value for bound in bounds]
    errors = [bound.standard_error or 0.0 for bound in bounds]
    # ELBO = log p(x) - KL(q || posterior), both diagonal.
    variances = 1.0 / (1.0 + LENGTHS**2 / VARIANCE)
    gap = 0.5 * (widen**2 + shift**2 / variances - 1.0 - 2.0 * math.log(widen)).sum()
    assert gap > 0.3
    assert values[0] == pytest.approx(true - gap, abs=4 * errors[0])
    for here, after, error, error_after in zip(values, values[1:], errors, errors[1:], strict=False):
        assert after >= here - 4 * math.hypot(error, error_after)
    assert values[1] > values[0] + 10 * errors[0]
    assert all(value <= true + 4 * error for value, error in zip(values, errors, strict=True))
    assert values[-1] == pytest.approx(true, abs=4 * errors[-1] + 0.01)


def test_one_latent_dimension_agrees_with_an_integral_over_it(small_runs: dict[str, Run], image: np.ndarray) -> None:
    run, x = small_runs["vae d=1"], binarise(image)

    def joint(z: float) -> float:
        return math.exp(log_likelihoods(run, x, np.array([[z]]))[0] + 30.0) * stats.norm.pdf(z)

    integral = math.log(integrate.quad(joint, -8.0, 8.0, limit=200, epsabs=0.0, epsrel=1e-4)[0]) - 30.0
    (bound,) = bounds_by_k(image_log_weights(run, x, 20_000), [20_000])
    assert bound.value == pytest.approx(integral, abs=0.02)


def test_all_images_there_are_share_a_probability_of_1(untrained_run: Callable[[RunSpec], Run]) -> None:
    run = untrained_run(RunSpec("s_curve", "vae", hidden=(8,)))  # images of three pixels: eight there are
    chances = [
        math.exp(bounds_by_k(image_log_weights(run, np.array(x), 20_000), [20_000])[0].value)
        for x in itertools.product((0.0, 1.0), repeat=3)
    ]
    assert sum(chances) == pytest.approx(1.0, abs=0.01)
    assert max(chances) - min(chances) > 0.01


@pytest.mark.parametrize("name", ["vae", "vae d=1", "vae d=5", "linear"])
def test_a_bernoulli_likelihood_is_scipys(name: str, small_runs: dict[str, Run], image: np.ndarray) -> None:
    run, x = small_runs[name], binarise(image)
    codes = np.random.default_rng(1).standard_normal((DECODED_AT_ONCE + 3, run.spec.latent_dim))
    chances = run.decode(codes).astype(np.float64)
    expected = stats.bernoulli(np.clip(chances, 1e-9, 1 - 1e-9)).logpmf(x).sum(axis=1)
    assert log_likelihoods(run, x, codes) == pytest.approx(expected, rel=1e-4)


# The bound


@pytest.mark.parametrize("shift", [0.0, 1e4, -1e4, 1e300])
def test_no_weight_is_too_large_or_too_small(shift: float) -> None:
    weights = np.array([0.0, -1.0, -2.0, -800.0]) + shift
    expected = special.logsumexp(weights) - math.log(4)
    assert importance_weighted_bound(weights) == pytest.approx(expected)
    torchs = by_torch.importance_weighted_bound(torch.from_numpy(weights))
    assert torchs.item() == pytest.approx(expected)


def test_impossible_images_have_a_bound_of_minus_infinity_and_not_nan() -> None:
    assert importance_weighted_bound(np.full(3, -np.inf)) == -np.inf
    assert importance_weighted_bound(np.array([-np.inf, 0.0])) == pytest.approx(-math.log(2))


def test_groups_share_no_weight_and_leave_the_rest_out() -> None:
    weights = np.random.default_rng(2).normal(size=10)
    one, three, ten = bounds_by_k(weights, (1, 3, 10))
    assert one.value == pytest.approx(weights.mean())
    assert one.standard_error == pytest.approx(weights.std(ddof=1) / math.sqrt(10))
    groups = [special.logsumexp(weights[i : i + 3]) - math.log(3) for i in (0, 3, 6)]
    assert (three.value, three.repeats) == (pytest.approx(np.mean(groups)), 3)
    assert three.standard_error == pytest.approx(np.std(groups, ddof=1) / math.sqrt(3))
    assert (ten.value, ten.repeats) == (pytest.approx(special.logsumexp(weights) - math.log(10)), 1)
    assert ten.standard_error is None


def test_the_standard_error_is_the_spread_over_seeds() -> None:
    random = np.random.default_rng(3)
    bounds = [bounds_by_k(random.normal(size=(3, 400)), [4])[0] for _ in range(400)]
    spread = np.std([bound.value for bound in bounds])
    assert np.mean([bound.standard_error for bound in bounds]) == pytest.approx(spread, rel=0.1)


def test_the_bound_of_several_images_is_the_mean_of_theirs() -> None:
    weights = np.random.default_rng(4).normal(size=(3, 20))
    alone = [bounds_by_k(row, [5])[0] for row in weights]
    (together,) = bounds_by_k(weights, [5])
    assert together.value == pytest.approx(np.mean([bound.value for bound in alone]))
    assert together.standard_error == pytest.approx(math.sqrt(sum(b.standard_error**2 for b in alone)) / 3)


def test_effective_samples_are_k_for_equal_weights_and_1_where_one_rules() -> None:
    assert effective_samples(np.full((2, 7), 1e5)) == pytest.approx([7.0, 7.0])
    assert effective_samples(np.array([0.0, -50.0, -60.0])) == pytest.approx(1.0)
    assert effective_samples(np.log([3.0, 1.0])) == pytest.approx(16 / 10)


@pytest.mark.parametrize("k", [0, -1, 11])
def test_a_k_without_weights_is_refused(k: int) -> None:
    with pytest.raises(MeasureError, match="draw more"):
        bounds_by_k(np.zeros(10), [k])


# numpy and torch, chunks and seeds


@pytest.mark.parametrize("name", ["vae", "conv_vae"])
def test_posteriors_are_torchs_on_every_kind(name: str, every_kind: dict[str, Run], validation: ImageDataset) -> None:
    run, x = every_kind[name], validation.floats()
    with torch.no_grad():
        expected = run.model.encode(torch.from_numpy(x))
    for found, part in zip(run.posterior(x), expected, strict=True):
        np.testing.assert_allclose(found, part.numpy(), rtol=0, atol=1e-5)
    assert np.ptp(run.posterior(x)[1]) > 0.01
    assert np.array_equal(run.posterior(x)[0], run.encode(x))


@pytest.mark.parametrize("name", ["vae", "vae d=5", "gaussian", "linear"])
def test_numpy_and_torch_weigh_alike(name: str, small_runs: dict[str, Run], image: np.ndarray) -> None:
    run, x = small_runs[name], binarise(image)
    noise = np.random.default_rng(9).standard_normal((30, run.spec.latent_dim))
    with torch.no_grad():
        found = by_torch.log_weights(
            run.model, torch.from_numpy(x[None]), torch.from_numpy(noise[None]).float(), run.likelihood
        )
    assert image_log_weights(run, x, 30, seed=9) == pytest.approx(found[0].numpy(), rel=1e-5, abs=1e-3)


def test_a_learned_variance_is_the_likelihoods(
    untrained_run: Callable[[RunSpec], Run], small_spec: Callable[..., RunSpec], image: np.ndarray
) -> None:
    run = untrained_run(small_spec(likelihood="gaussian", variance=0.3, learned_variance=True))
    noise = np.random.default_rng(0).standard_normal((5, 2))
    with torch.no_grad():
        found = by_torch.log_weights(
            run.model, torch.from_numpy(image[None]), torch.from_numpy(noise[None]).float(), run.likelihood
        )
    assert image_log_weights(run, image, 5) == pytest.approx(found[0].numpy(), rel=1e-5)


def test_chunks_and_other_images_change_nothing(vae: Run, validation: ImageDataset) -> None:
    pixels = validation.first(6).binarised().floats()
    whole, elbos = by_torch.image_bounds(vae.model, vae.likelihood, pixels, 70)
    for chunk in (1, 7, 69, 70, 1_000):
        again, _ = by_torch.image_bounds(vae.model, vae.likelihood, pixels, 70, chunk=chunk)
        assert again == pytest.approx(whole, rel=1e-6)
    fewer, _ = by_torch.image_bounds(vae.model, vae.likelihood, pixels[:2], 70)
    assert np.array_equal(fewer, whole[:2])
    other, _ = by_torch.image_bounds(vae.model, vae.likelihood, pixels, 70, seed=1)
    assert not np.allclose(other, whole, rtol=1e-6)
    assert (elbos < whole).all()


def test_the_first_of_more_samples_are_the_same(vae: Run, image: np.ndarray) -> None:
    x = binarise(image)
    assert image_log_weights(vae, x, 1_200)[:40] == pytest.approx(image_log_weights(vae, x, 40), rel=1e-6)
    assert not np.allclose(image_log_weights(vae, x, 40), image_log_weights(vae, x, 40, seed=1))


def test_a_split_is_measured_with_its_counts(vae: Run, validation: ImageDataset) -> None:
    few, done = validation.first(12), []
    found = by_torch.measure_likelihood(vae, few, 50, on_image=done.append)
    assert done == list(range(1, 13))
    assert (found["samples"], found["n"], found["binarised"]) == (50, 12, True)
    pixels = few.binarised().floats()
    bounds = [bounds_by_k(image_log_weights(vae, x, 2_000), [50])[0] for x in pixels]
    expected = np.mean([bound.value for bound in bounds])
    spread = math.sqrt(sum(bound.standard_error**2 * bound.repeats for bound in bounds)) / 12
    assert found["nats"] == pytest.approx(expected, abs=5 * spread)
    assert found["elbo"] < found["nats"] < 0
    values = by_torch.image_bounds(vae.model, vae.likelihood, pixels, 50)[0]
    assert found["standard_error"] == pytest.approx(values.std(ddof=1) / math.sqrt(12))


# What is refused


@pytest.mark.parametrize("k", [0, -5, MAX_SAMPLES + 1, 10**5000, 2.0, True, None, "5"], ids=lambda k: str(type(k)))
def test_a_number_of_samples_is_checked_before_anything_is_drawn(k: object, vae: Run, image: np.ndarray) -> None:
    with pytest.raises(MeasureError, match="from 1 to 100,000") as refused:
        image_log_weights(vae, binarise(image), k)  # type: ignore[arg-type]
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 250


def test_grey_pixels_have_no_bernoulli_probability(vae: Run, image: np.ndarray) -> None:
    with pytest.raises(MeasureError, match="binarise the image first"):
        image_log_weights(vae, image, 5)


def test_models_without_a_posterior_are_refused_by_name(small_runs: dict[str, Run], validation: ImageDataset) -> None:
    run = small_runs["ae"]
    with pytest.raises(MeasureError, match=run.key):
        run.posterior(validation.floats())
    with pytest.raises(MeasureError, match=run.key):
        by_torch.measure_likelihood(run, validation, 5)


# Black and white pixels


def test_a_threshold_sends_one_half_to_white() -> None:
    drawn = binarise(np.array([[0.0, 0.49, 0.5, 1.0]]))
    assert drawn.dtype == np.float32
    assert drawn.tolist() == [[0.0, 0.0, 1.0, 1.0]]


def test_each_pixel_is_white_as_often_as_it_is_bright() -> None:
    shades = np.linspace(0.0, 1.0, 11)
    drawn = binarise(np.tile(shades, (20_000, 1)), np.random.default_rng(0))
    assert set(np.unique(drawn)) == {0.0, 1.0}
    deviation = np.sqrt(shades * (1 - shades) / 20_000)
    assert (np.abs(drawn.mean(axis=0) - shades) <= 5 * deviation).all()


def test_a_split_is_binarised_once_and_for_all(validation: ImageDataset) -> None:
    once = validation.binarised()
    assert set(np.unique(once.images)) == {0, 255}
    assert np.array_equal(once.images, validation.binarised().images)
    assert not np.array_equal(once.images, validation.binarised(seed=1).images)
    assert np.array_equal(once.binarised(seed=1).images, once.images)
    assert once.floats().mean() == pytest.approx(validation.floats().mean(), abs=0.01)
    assert np.array_equal(once.labels, validation.labels)


def test_numpy_is_enough(run_python: Callable[..., object]) -> None:
    lessons = ("amortisation", "gradient_estimators", "linear_vae", "log_variance")
    modules = ", ".join(["vae_core.evaluation.importance", *(f"vae_core.lessons.{name}" for name in lessons)])
    code = f"import sys, {modules}; print('torch' in sys.modules)"
    out, problem = run_python("-c", code).communicate(timeout=60)  # type: ignore[attr-defined]
    assert out.strip() == "False", problem
