"""β-TCVAE, FactorVAE, and a flat code of levels."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from vae_core.datasets import ImageDataset, info, load
from vae_core.errors import SpecError
from vae_core.losses.adversarial import discriminator_loss
from vae_core.losses.gaussian import kl_to_standard_normal
from vae_core.losses.likelihoods import likelihood
from vae_core.losses.objectives import ELBO, TOTAL_CORRELATION
from vae_core.losses.terms import weighted_sum, weights_at
from vae_core.losses.total_correlation import ESTIMATORS, decompose, log_aggregate
from vae_core.models import build
from vae_core.models.factorising import FactorVAE, shuffled
from vae_core.models.levels import FlatFSQ
from vae_core.spec import RunSpec
from vae_core.storage.store import Store
from vae_core.training.factorising import FactorStep
from vae_core.training.jobs import get_or_train
from vae_core.training.loop import train
from vae_core.training.step import Batch

SHAPE = info("digits").image_shape
TC = RunSpec("digits", "tc_vae", hidden=(4, 8, 16), latent_dim=3, beta=4.0, epochs=3)
FACTOR = RunSpec(
    "digits", "factor_vae", hidden=(4, 8, 16), latent_dim=3, beta=4.0, epochs=3, options={"discriminator": (16, 16)}
)
FLAT = RunSpec("digits", "flat_fsq", hidden=(4, 8, 16), latent_dim=3, epochs=3, options={"levels_each": 4})


def parts_of(split: str, count: int) -> ImageDataset:
    return load("digits", split).first(count)


def posteriors(count: int, d: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    mean = torch.randn(count, d, generator=draw, dtype=torch.float64)
    log_var = torch.randn(count, d, generator=draw, dtype=torch.float64) - 1.0
    z = mean + (0.5 * log_var).exp() * torch.randn(count, d, generator=draw, dtype=torch.float64)
    return z, mean, log_var


def density(z: Tensor, mean: Tensor, log_var: Tensor) -> Tensor:
    """Of every z under every posterior, by dimension: (n, m, d)."""
    return torch.distributions.Normal(mean, (0.5 * log_var).exp()).log_prob(z[:, None]).exp()


# The estimators


def test_the_stratified_estimate_of_the_aggregate_is_right_on_average_over_all_batches() -> None:
    images, batch = 6, 3
    z, mean, log_var = posteriors(images, 2)
    exact = density(z, mean, log_var)  # (N, N, d)
    for own in range(images):
        joint, each = [], []
        for others in combinations([i for i in range(images) if i != own], batch - 1):
            rows = [own, *others]
            found, by_dimension = log_aggregate(z[rows], mean[rows], log_var[rows], images)
            joint.append(found[0].exp())
            each.append(by_dimension[0].exp())
        torch.testing.assert_close(torch.stack(joint).mean(), exact[own].prod(dim=1).mean())
        torch.testing.assert_close(torch.stack(each).mean(dim=0), exact[own].mean(dim=0))


def test_the_weighted_estimate_is_equation_5_and_a_lower_bound_on_average() -> None:
    images, batch = 50, 8
    z, mean, log_var = posteriors(images, 2)
    rows = slice(batch)
    joint, each = log_aggregate(z[rows], mean[rows], log_var[rows], images, "weighted")
    densities = density(z[rows], mean[rows], log_var[rows])
    torch.testing.assert_close(joint.exp(), densities.prod(dim=2).sum(dim=1) / (images * batch))
    torch.testing.assert_close(each.exp(), densities.sum(dim=1) / (images * batch))
    assert joint.mean() < density(z, mean, log_var).prod(dim=2).mean(dim=1)[rows].log().mean()


def test_the_whole_set_as_a_batch_is_the_aggregate_itself_however_many_rows_go_at_a_time() -> None:
    images = 300  # more than the rows that are in memory at once
    z, mean, log_var = posteriors(images, 2)
    joint, each = log_aggregate(z, mean, log_var, images)
    exact = density(z, mean, log_var)
    torch.testing.assert_close(joint, exact.prod(dim=2).mean(dim=1).log())
    torch.testing.assert_close(each, exact.mean(dim=1).log())


def test_the_parts_of_gaussian_codes_have_their_closed_forms() -> None:
    """Means ~ N(0, S) and one variance for all: q(z) is N(0, S + v), whose parts are textbook formulas."""
    draw = np.random.default_rng(0)
    correlated = np.array([[1.0, 0.6], [0.6, 1.0]])
    count, variance = 4_000, 0.25
    mean = torch.from_numpy(draw.multivariate_normal(np.zeros(2), correlated, count))
    log_var = torch.full_like(mean, math.log(variance))
    z = mean + math.sqrt(variance) * torch.from_numpy(draw.standard_normal((count, 2)))
    kl = kl_to_standard_normal(mean, log_var).sum(dim=1)
    found = decompose(z, mean, log_var, kl, count)
    covariance = correlated + variance * np.eye(2)
    information = 0.5 * np.log(np.linalg.det(covariance)) - math.log(variance)
    correlation = 0.5 * (np.log(np.diag(covariance)).sum() - np.log(np.linalg.det(covariance)))
    dimensions = 0.5 * (np.diag(covariance) - 1.0 - np.log(np.diag(covariance))).sum()
    assert [part.mean().item() for part in found] == pytest.approx([information, correlation, dimensions], abs=0.05)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_parts_sum_to_the_closed_form_kl(estimator: str) -> None:
    z, mean, log_var = posteriors(40, 3)
    kl = kl_to_standard_normal(mean, log_var).sum(dim=1)
    parts = decompose(z, mean, log_var, kl, 1_000, estimator)
    torch.testing.assert_close(sum(parts), kl)
    limit = math.log(1_000 * (40 if estimator == "weighted" else 1))
    sampled = (density(z, mean, log_var).diagonal().T.log()).sum(dim=1)  # ln q(z|x)
    joint, _ = log_aggregate(z, mean, log_var, 1_000, estimator)
    assert (sampled - joint).max() <= limit + 1e-9


def test_one_image_alone_is_its_own_aggregate() -> None:
    z, mean, log_var = posteriors(1, 3)
    joint, each = log_aggregate(z, mean, log_var, 10)
    torch.testing.assert_close(joint, each.sum(dim=1))
    torch.testing.assert_close(joint, density(z, mean, log_var).log().sum(dim=(1, 2)))


# The model


def test_with_equal_weights_its_loss_is_a_vaes() -> None:
    model, x = build(TC, SHAPE), torch.from_numpy(parts_of("train", 64).floats())
    noise = torch.randn(64, 3, generator=torch.Generator().manual_seed(0))
    p_x_given_z, targets = likelihood(TC, model), torch.zeros(64)
    terms = TOTAL_CORRELATION.compute(model, x, noise, targets, p_x_given_z)
    assert list(terms) == [term.name for term in TOTAL_CORRELATION.terms]
    plain = ELBO.compute(model, x, noise, targets, p_x_given_z)
    torch.testing.assert_close(sum(terms.values()), plain["reconstruction"] + plain["kl"])
    weights = weights_at(TOTAL_CORRELATION.terms, TC, math.inf)
    extra = weighted_sum(terms, weights) - plain["reconstruction"] - plain["kl"]
    torch.testing.assert_close(extra, 3.0 * terms["total_correlation"], rtol=1e-3, atol=1e-3)


def test_the_parts_rise_together_and_have_weights_of_their_own() -> None:
    spec = replace(TC, kl_warm_up=2, options={"mutual_information": 0.0, "dimension_kl": 2.0})
    assert weights_at(TOTAL_CORRELATION.terms, spec, 1.0) == {
        "reconstruction": 1.0, "mutual_information": 0.0, "total_correlation": 2.0, "dimension_kl": 1.0
    }  # fmt: skip
    assert weights_at(TOTAL_CORRELATION.terms, spec, 2.0)["total_correlation"] == 4.0
    steps = weights_at(FactorStep.terms, replace(FACTOR, kl_warm_up=2), 1.0)
    assert steps == {"reconstruction": 1.0, "kl": 0.5, "total_correlation": 1.5, "discriminator": 0.0}


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_descending_on_the_total_correlation_makes_codes_independent(estimator: str) -> None:
    """Two independent causes, mixed by a rotation: it turns back, or to another quarter turn."""
    draw = torch.Generator().manual_seed(0)
    causes = torch.rand(2_000, 2, generator=draw).sub_(0.5).mul_(torch.tensor([6.0, 3.0]))
    angle = torch.tensor(0.6, requires_grad=True)
    optimiser, log_var = torch.optim.Adam([angle], lr=0.05), torch.full((100, 2), -3.0)

    def mixed(rows: Tensor) -> Tensor:
        turn = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()]).view(2, 2)
        return causes[rows] @ turn

    for _ in range(60):
        mean = mixed(torch.randperm(2_000, generator=draw)[:100])
        z = mean + (0.5 * log_var).exp() * torch.randn(mean.shape, generator=draw)
        part = decompose(z, mean, log_var, torch.zeros(100), 2_000, estimator).total_correlation.mean()
        optimiser.zero_grad()
        part.backward()
        optimiser.step()
    assert abs(angle.item()) < 0.1


@pytest.mark.parametrize("spec", [TC, FACTOR, FLAT], ids=["tc", "factor", "flat"])
def test_an_interrupted_training_ends_as_an_uninterrupted_one(spec: RunSpec, same_weights: Callable[..., bool]) -> None:
    training, validation = parts_of("train", 257), parts_of("validation", 60)  # the last batch is of one image
    states = []
    whole = train(spec, training, validation, save_state=states.append)
    resumed = train(spec, training, validation, resume=states[0])
    assert same_weights(whole.model, resumed.model)
    assert not all(torch.equal(v, states[0].weights[k]) for k, v in whole.model.state_dict().items())
    for one, other in zip(whole.history, resumed.history, strict=True):
        assert {k: v for k, v in one.items() if k != "seconds"} == {k: v for k, v in other.items() if k != "seconds"}


# FactorVAE


def test_shuffled_codes_keep_each_dimension_and_lose_what_joins_them() -> None:
    z = torch.arange(2_000.0)[:, None].expand(-1, 3).contiguous()
    mixed = shuffled(z, torch.Generator().manual_seed(0))
    assert all(torch.equal(column.sort().values, z[:, 0]) for column in mixed.T)
    assert torch.corrcoef(mixed.T).fill_diagonal_(0.0).abs().max() < 0.1
    assert (mixed != z).any(dim=0).all()


def test_the_discriminator_learns_the_total_correlation_of_gaussian_codes() -> None:
    correlation = 0.8
    exact = -0.5 * math.log(1 - correlation**2)  # 0.51 nats
    spec = replace(FACTOR, latent_dim=2, options={"discriminator": (64, 64)})
    model = build(spec, SHAPE)
    assert isinstance(model, FactorVAE)
    draw = torch.Generator().manual_seed(0)
    optimiser = torch.optim.Adam(model.discriminator.parameters(), lr=3e-3, betas=(0.5, 0.9))
    mixing = torch.tensor([[1.0, correlation], [0.0, math.sqrt(1 - correlation**2)]])
    for _ in range(400):
        z = torch.randn(512, 2, generator=draw) @ mixing
        loss = discriminator_loss(model.logit(z), model.logit(shuffled(z, draw))).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    z = torch.randn(20_000, 2, generator=draw) @ mixing
    assert model.logit(z).mean().item() == pytest.approx(exact, abs=0.06)


def test_each_network_learns_from_its_own_loss_alone() -> None:
    spec = replace(FACTOR, beta=1.0)  # the total correlation weighs nothing
    model = build(spec, SHAPE)
    assert isinstance(model, FactorVAE)
    step, images = FactorStep(spec, model, "float32"), parts_of("train", 64)
    pixels = torch.from_numpy(images.images.reshape(64, -1).copy())
    frozen_out = {name: value.clone() for name, value in model.state_dict().items()}
    step.optimisers["vae"].param_groups[0]["lr"] = 0.0
    terms = step.update(Batch(pixels, torch.zeros(64), torch.Generator().manual_seed(0), 0.1, 0.0))
    assert list(terms) == [term.name for term in FactorStep.terms]
    assert all(torch.equal(value, frozen_out[name]) for name, value in model.state_dict().items())
    step.update(Batch(pixels, torch.zeros(64), torch.Generator().manual_seed(0), 0.1, 1e-3))
    moved = {
        name.split(".")[0] for name, value in model.state_dict().items() if not torch.equal(value, frozen_out[name])
    }
    assert moved == {"trunk", "mean", "log_var", "decoder", "discriminator"}
    ones = [id(parameter) for one in step.optimisers.values() for parameter in one.param_groups[0]["params"]]
    assert sorted(ones) == sorted(id(parameter) for parameter in model.parameters())


REFUSED: dict[str, tuple[RunSpec, dict[str, object], str]] = {
    "several samples": (TC, {"samples": 2}, "samples must be left out"),
    "a batch too large": (TC, {"batch_size": 2_000}, "batch_size must be at most 1,024"),
    "an unknown estimator": (TC, {"options": {"estimator": "exact"}}, "estimator must be stratified or weighted"),
    "a reward for dependence": (FACTOR, {"beta": 0.5}, "beta must be at least 1"),
    "no discriminator": (FACTOR, {"options": {"discriminator": ()}}, "at least one width"),
    "one level": (FLAT, {"options": {"levels_each": 1}}, "levels_each must be an integer from 2"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_trained_is_refused_in_a_sentence(case: str) -> None:
    spec, changes, message = REFUSED[case]
    with pytest.raises(SpecError, match=message):
        replace(spec, **changes)  # type: ignore[arg-type]


# A flat code of levels


def test_a_flat_code_is_on_its_levels_and_passes_its_gradient_straight_through() -> None:
    model = build(FLAT, SHAPE).train()
    assert isinstance(model, FlatFSQ)
    x = torch.from_numpy(parts_of("train", 100).floats())
    code = model.encode(x)
    levels = torch.linspace(-1.0, 1.0, 4)
    nearest = levels[(code.before[..., None] - levels).abs().argmin(dim=2)]
    assert torch.equal(code.mean, nearest)
    assert len(code.mean.unique(dim=0)) > 10  # standardised: even an untrained one tells images apart
    z = code.sample(torch.zeros(100, 3))
    torch.testing.assert_close(z, code.mean)
    (slope,) = torch.autograd.grad(z.sum(), code.before)
    assert torch.equal(slope, torch.ones_like(slope))
    assert not any(parameter is model.levels.weight for parameter in model.parameters() if parameter.requires_grad)


def test_a_stored_flat_code_has_levels_only_and_learns(tmp_path: Path) -> None:
    spec = replace(FLAT, epochs=8, learning_rate=1e-2)
    run = get_or_train(Store(tmp_path), spec)
    assert run.history[-1]["validation_reconstruction"] < 0.9 * run.history[0]["validation_reconstruction"]
    assert {*np.unique(run.codes.mean)} <= {*run.weights["levels.weight"].astype(np.float32).ravel()}
    assert len(np.unique(run.codes.mean, axis=0)) > 10
    images = load("digits", "validation").floats()[:50]
    assert np.array_equal(run.encode(images).reshape(50, -1), run.model.encode_mean(torch.from_numpy(images)).numpy())
