"""Probabilistic PCA and the linear VAE against scikit-learn, scipy, and sampling."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.decomposition import PCA, FactorAnalysis

from vae_core.datasets import ImageDataset
from vae_core.errors import MeasureError
from vae_core.lessons.linear_vae import (
    Affine,
    affine_decoder,
    best_decoder,
    best_encoder,
    best_kl,
    best_log_likelihood,
    exact_elbo,
    log_likelihood,
    most_likely_variance,
    spectrum,
)
from vae_core.lessons.mean_field import diagonal_gap
from vae_core.losses.gaussian import closed_form_kl
from vae_core.losses.objectives import elbo
from vae_core.run import Run
from vae_core.spec import RunSpec
from vae_core.storage.manifest import SHIPPED, read_manifest
from vae_core.storage.store import Store


@pytest.fixture(scope="module")
def images(training: ImageDataset) -> np.ndarray:
    return training.floats().astype(np.float64)


@pytest.mark.parametrize("d", [2, 16])
def test_the_most_likely_model_is_scikit_learns_pca(images: np.ndarray, d: int) -> None:
    found = spectrum(images)
    c = most_likely_variance(found.eigenvalues, d)
    theirs = PCA(d).fit(images)
    # It divides the covariance by N - 1; with that undone, both have the same parameters.
    shrink = (len(images) - 1) / len(images)
    assert c == pytest.approx(theirs.noise_variance_ * shrink)
    assert found.eigenvalues[:d] == pytest.approx(theirs.explained_variance_ * shrink)
    theirs.explained_variance_ *= shrink
    theirs.noise_variance_ *= shrink
    assert best_log_likelihood(found.eigenvalues, d, c) == pytest.approx(theirs.score(images), abs=1e-8)
    ours = Affine(best_decoder(found, d, c), found.mean, c)
    assert log_likelihood(ours, images) == pytest.approx(theirs.score_samples(images), abs=1e-8)


def test_factor_analysis_is_no_better_where_all_pixels_have_the_same_noise(rng: np.random.Generator) -> None:
    """Factor analysis has a variance for each pixel: on data of a single one, its likelihood is only just higher."""
    weight = rng.standard_normal((8, 2))
    data = rng.standard_normal((20_000, 2)) @ weight.T + 0.5 * rng.standard_normal((20_000, 8))
    eigenvalues = spectrum(data).eigenvalues
    ours = best_log_likelihood(eigenvalues, 2, most_likely_variance(eigenvalues, 2))
    theirs = FactorAnalysis(2, tol=1e-8, max_iter=10_000).fit(data).score(data)
    assert 0.0 <= theirs - ours < 1e-3


@pytest.mark.parametrize("c", [0.05, 0.12, 0.3, 1.0])
def test_at_the_optimum_the_elbo_is_log_p(images: np.ndarray, c: float) -> None:
    found = spectrum(images)
    decoder = Affine(best_decoder(found, 16, c), found.mean, c)
    mean, log_var = best_encoder(decoder, images)
    exact = stats.multivariate_normal(found.mean, decoder.weight @ decoder.weight.T + c * np.eye(64)).logpdf(images)
    assert log_likelihood(decoder, images) == pytest.approx(exact, abs=1e-8)
    assert exact_elbo(decoder, mean, log_var, images) == pytest.approx(exact, abs=1e-8)
    assert exact.mean() == pytest.approx(best_log_likelihood(found.eigenvalues, 16, c), abs=1e-8)
    assert closed_form_kl(mean, log_var).mean(axis=0) == pytest.approx(best_kl(found.eigenvalues, 16, c), abs=1e-9)


@pytest.mark.parametrize("c", [0.05, 0.12, 0.3])
def test_no_other_decoder_is_more_likely(images: np.ndarray, c: float, rng: np.random.Generator) -> None:
    found = spectrum(images)
    best = best_decoder(found, 16, c)
    most = best_log_likelihood(found.eigenvalues, 16, c)
    for size in (0.01, 0.1):
        moved = Affine(best + size * rng.standard_normal(best.shape), found.mean, c)
        assert log_likelihood(moved, images).mean() < most - 1e-4


def test_a_rotated_decoder_is_as_likely_but_its_elbo_is_not(images: np.ndarray, rng: np.random.Generator) -> None:
    """The posterior of a rotated decoder is correlated, which a diagonal q pays for: so the axes are not free."""
    found = spectrum(images)
    turn = np.linalg.qr(rng.standard_normal((16, 16)))[0]
    decoder = Affine(best_decoder(found, 16, 0.05) @ turn, found.mean, 0.05)
    most = best_log_likelihood(found.eigenvalues, 16, 0.05)
    assert log_likelihood(decoder, images).mean() == pytest.approx(most, abs=1e-8)
    posterior = np.linalg.inv(np.eye(16) + decoder.weight.T @ decoder.weight / 0.05)
    lost = most - exact_elbo(decoder, *best_encoder(decoder, images), images).mean()
    assert lost == pytest.approx(diagonal_gap(posterior), abs=1e-8)
    assert lost > 0.5


def test_the_exact_elbo_is_the_mean_of_sampled_ones(
    small_runs: dict[str, Run], untrained_run: Callable[[RunSpec], Run], images: np.ndarray
) -> None:
    run = untrained_run(RunSpec("digits", "vae", latent_dim=3, hidden=(), likelihood="gaussian", variance=0.3))
    x = images[:4]
    found = exact_elbo(affine_decoder(run), *run.posterior(x), x)
    noise = torch.randn(50, 400, 4, 3, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        parts = [elbo(run.model, torch.from_numpy(x).float(), some, run.likelihood) for some in noise]
    sampled = np.stack([-sum(part.values()).numpy() for part in parts])  # (50, 4), means of 400 samples
    error = sampled.std(axis=0, ddof=1) / math.sqrt(50)
    assert (np.abs(found - sampled.mean(axis=0)) < 4.5 * error).all()
    assert error.max() < 0.005 * np.abs(found).max()
    with pytest.raises(MeasureError, match="no linear VAE"):
        affine_decoder(small_runs["vae"])


LINEAR = [spec for spec in read_manifest() if (spec.model, spec.hidden, spec.dataset) == ("vae", (), "digits")]


@pytest.mark.parametrize("spec", LINEAR, ids=lambda spec: f"c = {spec.variance:g}")
def test_the_shipped_linear_vaes_reach_the_optimum_and_collapse_where_it_says(
    spec: RunSpec, images: np.ndarray
) -> None:
    run = Store(SHIPPED).load(spec.key)
    c, eigenvalues = spec.variance, spectrum(images).eigenvalues
    assert c is not None
    decoder, (mean, log_var) = affine_decoder(run), run.posterior(images)
    bound, own = exact_elbo(decoder, mean, log_var, images).mean(), log_likelihood(decoder, images).mean()
    most = best_log_likelihood(eigenvalues, 16, c)
    assert most - 0.05 < bound < own < most
    kl = np.sort(closed_form_kl(mean, log_var).mean(axis=0))[::-1]
    kept = int((eigenvalues[:16] > c).sum())
    assert kl[:kept].min() > 0.05 and (kept == 16 or kl[kept:].max() < 0.02)
    assert kl == pytest.approx(best_kl(eigenvalues, 16, c), abs=0.08)
    assert math.isclose(kl.sum(), best_kl(eigenvalues, 16, c).sum(), rel_tol=0.03)


def test_linear_vaes_are_shipped() -> None:
    assert len(LINEAR) == 3
