"""Latent space in other units: the same images, another KL. The reference is the network itself, by torch."""

from __future__ import annotations

import copy
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from vae_core.datasets import load
from vae_core.errors import MeasureError
from vae_core.lessons.latent_scale import in_other_units
from vae_core.losses.gaussian import kl_to_standard_normal
from vae_core.metrics import sigma_over_spread
from vae_core.models.bottleneck import Posterior
from vae_core.run import Run

COUNT = 100


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return load("digits", "validation").floats()[:COUNT].reshape(COUNT, -1)


def rescaled_by_hand(run: Run, factor: float, pixels: np.ndarray) -> tuple[float, float]:
    """Reconstruction and KL of a network whose weights were changed, with the noise of seed 0."""
    x, codes = torch.from_numpy(pixels), run.codes
    assert codes.log_var is not None
    network = copy.deepcopy(run.model)
    posterior = Posterior(
        torch.from_numpy(codes.mean[:COUNT] * factor), torch.from_numpy(codes.log_var[:COUNT]) + 2 * math.log(factor)
    )
    noise = torch.from_numpy(np.random.default_rng(0).standard_normal((COUNT, codes.mean.shape[1]))).float()
    with torch.no_grad():
        next(network.decoder.parameters()).div_(factor)
        z = posterior.mean + (0.5 * posterior.log_var).exp() * noise
        nats = run.likelihood.negative_log_likelihood(network.decode(z), x).mean()
    return float(nats), float(kl_to_standard_normal(*posterior).sum(1).mean())


@pytest.mark.parametrize("name", ["vae", "vae d=5", "gaussian"])
@pytest.mark.parametrize("factor", [1.0, 0.01, 50.0])
def test_it_is_what_a_network_with_changed_weights_scores(small_runs, pixels, name, factor):
    found = in_other_units(small_runs[name], factor, pixels)
    assert (found.reconstruction, found.kl) == pytest.approx(
        rescaled_by_hand(small_runs[name], factor, pixels), rel=1e-4
    )


def test_images_and_the_ratio_stay_and_the_kl_does_not(small_runs, pixels):
    run = small_runs["vae"]
    trained, small, large = (in_other_units(run, factor, pixels) for factor in (1.0, 1e-4, 1e4))
    for other in (small, large):
        assert other.reconstruction == pytest.approx(trained.reconstruction, rel=1e-5)
        assert other.sigma / other.spread == pytest.approx(trained.sigma / trained.spread)
        assert other.kl > trained.kl + 5
    assert small.sigma == pytest.approx(1e-4 * trained.sigma) and large.spread == pytest.approx(1e4 * trained.spread)
    means, log_var = run.codes.mean[:COUNT], run.codes.log_var[:COUNT]
    assert trained.sigma / trained.spread == pytest.approx(sigma_over_spread(means, log_var), rel=1e-6)


def test_either_half_of_the_kl_alone_can_be_had_for_nothing_and_both_together_cannot(small_runs, pixels):
    """Of a model whose posteriors are all equally wide, where the units that suit a half are known exactly."""
    run = small_runs["vae"]
    same = np.full_like(run.codes.log_var, 2 * math.log(0.2))
    run = replace(run, codes=replace(run.codes, log_var=same))
    trained, small, wide = (in_other_units(run, factor, pixels) for factor in (1.0, 1e-5, 5.0))
    assert small.of_means == pytest.approx(1e-10 * trained.of_means)
    assert wide.sigma == pytest.approx(1.0) and wide.of_variances == pytest.approx(0.0, abs=1e-6)
    assert small.reconstruction == pytest.approx(trained.reconstruction, rel=1e-5)
    assert wide.reconstruction == pytest.approx(trained.reconstruction, rel=1e-5)
    least = min(in_other_units(run, factor, pixels).kl for factor in np.geomspace(0.1, 10.0, 201))
    squared = np.square(run.codes.mean[:COUNT].astype(np.float64)).sum(axis=1).mean()
    d = same.shape[1]
    # In closed form: the sum of both is least at factor² = d / (Σ μ² + d σ²), and there it is ½ d log(1/(factor² σ²)).
    expected = 0.5 * d * math.log((squared + d * 0.04) / (d * 0.04))
    assert least == pytest.approx(expected, rel=1e-2)
    assert least > 0.5
    assert trained.of_means == pytest.approx(0.5 * squared)


def test_the_halves_are_those_of_torch(small_runs, pixels):
    codes = small_runs["vae"].codes
    mean, log_var = torch.from_numpy(codes.mean[:COUNT]).double(), torch.from_numpy(codes.log_var[:COUNT]).double()
    normal, prior = torch.distributions.Normal, torch.distributions.Normal(0.0, 1.0)
    found = in_other_units(small_runs["vae"], 1.0, pixels)
    of_means = torch.distributions.kl_divergence(normal(mean, 1.0), prior).sum(1).mean().item()
    of_variances = torch.distributions.kl_divergence(normal(0.0, (0.5 * log_var).exp()), prior).sum(1).mean().item()
    assert (found.of_means, found.of_variances) == pytest.approx((of_means, of_variances), rel=1e-5)


@pytest.mark.parametrize("factor", [0.0, -1.0, math.inf, math.nan])
def test_a_unit_is_a_number_above_0(small_runs, pixels, factor):
    with pytest.raises(ValueError, match="factor above 0"):
        in_other_units(small_runs["vae"], factor, pixels)


def test_more_images_than_codes_are_refused(small_runs):
    with pytest.raises(ValueError, match="no more images"):
        in_other_units(small_runs["vae"], 1.0, np.zeros((10_000, 64), np.float32))


def test_other_kinds_of_runs_are_refused_by_name(small_runs, pixels):
    with pytest.raises(MeasureError, match=small_runs["ae"].key):
        in_other_units(small_runs["ae"], 1.0, pixels)


def test_one_z_is_drawn_of_each_posterior(small_runs):
    codes = small_runs["vae"].codes
    draws = np.stack([codes.drawn(np.random.default_rng(seed)) for seed in range(400)])
    deviation = np.exp(0.5 * codes.log_var)
    assert np.abs((draws.mean(0) - codes.mean) / deviation).max() < 5 / math.sqrt(400) * 1.2
    assert np.median(draws.std(0) / deviation) == pytest.approx(1.0, abs=0.02)
    autoencoder = small_runs["ae"].codes
    assert autoencoder.drawn(np.random.default_rng(0)) is autoencoder.mean
