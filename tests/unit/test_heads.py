"""An encoder taken apart, against torch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from vae_core.datasets import load
from vae_core.heads import encoder_parts, terms
from vae_core.losses.divergences import kl_to_standard_normal
from vae_core.losses.likelihoods import likelihood
from vae_core.losses.objectives import elbo
from vae_core.run import Run
from vae_core.spec import RunSpec

SPECS = {
    "vae": {"hidden": (16,)},
    "deep": {"hidden": (16, 8), "latent_dim": 5},
    "no hidden layer": {"hidden": ()},
    "gaussian": {"hidden": (16,), "likelihood": "gaussian", "variance": 0.1},
    "conv_vae": {"model": "conv_vae", "hidden": (4, 8, 16), "latent_dim": 3},
}


@pytest.fixture(params=SPECS)
def run(request: pytest.FixtureRequest, untrained_run: Callable[..., Run]) -> Run:
    return untrained_run(RunSpec(**{"dataset": "digits", "model": "vae", "epochs": 1, **SPECS[request.param]}))


def test_both_terms_are_torchs(run: Run) -> None:
    pixels = load("digits", "validation").floats()[:40]
    noise = np.random.default_rng(0).standard_normal((40, run.spec.latent_dim)).astype(np.float32)
    reconstruction, kl = terms(run, pixels, noise)
    with torch.no_grad():
        x = torch.from_numpy(pixels)
        expected = elbo(run.model, x, torch.from_numpy(noise), likelihood(run.spec, run.model))
        by_dimension = kl_to_standard_normal(*run.model.encode(x))
    assert np.allclose(reconstruction, expected["reconstruction"], rtol=1e-4)
    assert np.allclose(kl, by_dimension, atol=1e-5)


def test_the_trunk_is_shared_and_the_heads_are_alike(run: Run) -> None:
    parts = encoder_parts(run)
    assert [*parts.trunk, *parts.mean] == run.encoder
    (mean,), (log_var,) = parts.mean, parts.log_var
    assert (mean["in"], mean["out"]) == (log_var["in"], log_var["out"])
    assert (mean["weight"], log_var["weight"]) == ("mean.weight", "log_var.weight")


def test_a_model_without_posterior_is_refused(small_runs: dict[str, Run]) -> None:
    with pytest.raises(ValueError, match="no encoder with a posterior"):
        encoder_parts(small_runs["ae"])
