"""The gap of one image, split: against a linear model, whose posterior is known, and against another optimiser."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from vae_core.datasets import ImageDataset
from vae_core.errors import MeasureError
from vae_core.evaluation.importance import binarise, gaussian_log_weights, image_log_weights, importance_weighted_bound
from vae_core.lessons.amortisation import DiagonalGaussian, encoded, refined, split_gap
from vae_core.lessons.mean_field import best_diagonal, diagonal_gap, gaussian_kl
from vae_core.losses.objectives import elbo
from vae_core.models.bottleneck import Posterior
from vae_core.run import Run
from vae_core.spec import RunSpec

C, K = 0.5, 4_000


@pytest.fixture(scope="module")
def linear(untrained_run: Callable[[RunSpec], Run]) -> Run:
    """p(x|z) = N(Wz + b, cI) with columns that are not at right angles, and an encoder that knows nothing of them."""
    run = untrained_run(RunSpec("digits", "vae", hidden=(), likelihood="gaussian", variance=C))
    random = np.random.default_rng(0)
    columns = np.linalg.qr(random.standard_normal((64, 2)))[0] @ np.array([[2.0, 1.0], [0.0, 0.9]])
    weights = {**run.weights, "decoder.0.weight": columns, "decoder.0.bias": random.uniform(size=64)}
    return replace(run, weights={name: value.astype(np.float32) for name, value in weights.items()})


def posterior_of(run: Run, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (2,) and covariance (2, 2) of p(z|x)."""
    w, b = (run.weights[f"decoder.0.{name}"].astype(np.float64) for name in ("weight", "bias"))
    covariance = np.linalg.inv(np.eye(2) + w.T @ w / C)
    return covariance @ w.T @ (x - b) / C, covariance


def test_a_linear_models_q_is_its_best_diagonal_gaussian(linear: Run, validation: ImageDataset) -> None:
    x = validation.floats()[5].ravel()
    mean, covariance = posterior_of(linear, x)
    start = encoded(linear, x)
    found = refined(linear, x, start, pairs=4_000)
    assert np.abs(start.mean - mean).max() > 0.1  # there was something to find
    assert found.mean == pytest.approx(mean, abs=0.01)
    assert np.exp(found.log_var) == pytest.approx(best_diagonal(covariance), rel=0.03)


def test_both_gaps_of_a_linear_model_are_known_divergences(linear: Run, validation: ImageDataset) -> None:
    x = validation.floats()[5].ravel()
    mean, covariance = posterior_of(linear, x)
    start = DiagonalGaussian(mean + np.array([0.2, -0.1]), np.log([0.1, 0.3]))
    best = refined(linear, x, start, pairs=2_000)
    weights = [gaussian_log_weights(linear, x, *q, 10 * K) for q in (start, best)]
    gaps = split_gap(*weights, K)
    shift = np.array([0.2, -0.1])
    whole = gaussian_kl(np.diag([0.1, 0.3]), covariance) + 0.5 * shift @ np.linalg.solve(covariance, shift)
    least = diagonal_gap(covariance)
    assert least > 0.1
    assert gaps.approximation.value == pytest.approx(least, abs=5 * gaps.approximation.standard_error + 0.01)
    assert gaps.amortisation.value == pytest.approx(whole - least, abs=5 * gaps.amortisation.standard_error + 0.01)


@pytest.mark.parametrize("name", ["vae", "vae d=5"])
def test_no_other_optimiser_finds_a_better_q(name: str, small_runs: dict[str, Run], validation: ImageDataset) -> None:
    run, x = small_runs[name], binarise(validation.floats()[11].ravel())
    start = encoded(run, x)
    mean = torch.tensor(start.mean[None], dtype=torch.float32, requires_grad=True)
    log_var = torch.tensor(start.log_var[None], dtype=torch.float32, requires_grad=True)
    image, generator = torch.from_numpy(x)[None], torch.Generator().manual_seed(1)

    class Fitted(torch.nn.Module):
        """The run's decoder behind a q of one image."""

        def sample_latent(self, _x: torch.Tensor, noise: torch.Tensor) -> tuple[torch.Tensor, Posterior]:
            q = Posterior(mean, log_var)
            return q.sample(noise), q

        def decode(self, z: torch.Tensor) -> torch.Tensor:
            return run.model.decode(z)

    optimiser = torch.optim.Adam([mean, log_var], lr=0.02)
    for _ in range(600):
        noise = torch.randn(32, 1, run.spec.latent_dim, generator=generator)
        terms = elbo(Fitted(), image, noise, run.likelihood)
        loss = sum(term.mean() for term in terms.values())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    by_adam = DiagonalGaussian(mean.detach().numpy()[0], log_var.detach().numpy()[0])
    ours, theirs, first = (gaussian_log_weights(run, x, *q, K) for q in (refined(run, x, start), by_adam, start))
    assert ours.mean() > theirs.mean() - 0.02
    assert ours.mean() > first.mean() + 0.05  # the encoder had something to miss


def test_the_encoders_weights_are_those_of_its_gaussian(small_runs: dict[str, Run], validation: ImageDataset) -> None:
    run, x = small_runs["vae"], binarise(validation.floats()[2].ravel())
    assert gaussian_log_weights(run, x, *encoded(run, x), 50) == pytest.approx(image_log_weights(run, x, 50))


def test_the_split_is_arithmetic_and_adds_up() -> None:
    random = np.random.default_rng(0)
    encoder, better = random.normal(-3.0, 2.0, size=40), random.normal(-1.0, 0.5, size=40)
    gaps = split_gap(encoder, better, 10)
    bounds = importance_weighted_bound(better.reshape(4, 10))
    assert gaps.amortisation.value + gaps.approximation.value == pytest.approx(bounds.mean() - encoder.mean())
    assert gaps.amortisation.standard_error == pytest.approx((better - encoder).std(ddof=1) / math.sqrt(40))
    spread = (bounds - better.reshape(4, 10).mean(axis=1)).std(ddof=1)
    assert gaps.approximation.standard_error == pytest.approx(spread / 2)
    assert (gaps.amortisation.n, gaps.approximation.n) == (40, 4)


def test_one_group_has_no_interval_and_is_refused() -> None:
    with pytest.raises(ValueError, match="two groups"):
        split_gap(np.zeros(10), np.zeros(10), 6)


def test_grey_pixels_are_refused_before_anything_is_fitted(
    small_runs: dict[str, Run], validation: ImageDataset
) -> None:
    run, grey = small_runs["vae"], validation.floats()[2].ravel()
    with pytest.raises(MeasureError, match="binarise"):
        refined(run, grey, encoded(run, grey))
