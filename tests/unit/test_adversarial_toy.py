"""The torch side of the toy in the plane: its losses against closed forms, and what its data are."""

from __future__ import annotations

import math

import pytest
import torch

from vae_core.lessons.adversarial_rules import SHAPES
from vae_core.lessons.adversarial_toy import (
    Gan,
    Vae,
    discriminator_loss,
    flat,
    generator_loss,
    load_flat,
    mlp,
    slope_penalty,
)

BETAS = (0.5, 0.9)


def normal(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_generators_losses_are_their_logarithms():
    logits = normal(0, 50) * 3
    d = torch.sigmoid(logits)
    assert generator_loss(logits, "non-saturating").item() == pytest.approx(-d.log().mean().item(), abs=1e-12)
    assert generator_loss(logits, "minimax").item() == pytest.approx((1 - d).log().mean().item(), abs=1e-12)


def test_only_the_saturating_loss_has_no_slope_where_the_discriminator_is_sure():
    logit = torch.tensor([-20.0], dtype=torch.float64, requires_grad=True)
    slopes = {}
    for name in ("non-saturating", "minimax"):
        (slopes[name],) = torch.autograd.grad(generator_loss(logit, name), logit)
    assert slopes["non-saturating"].item() == pytest.approx(-1.0, abs=1e-8)
    assert slopes["minimax"].item() == pytest.approx(-torch.sigmoid(torch.tensor(-20.0)).item(), rel=1e-5)


def test_no_discriminator_is_better_than_the_log_ratio_of_the_densities():
    """Goodfellow et al. 2014, proposition 1: D* = p / (p + g); for p = g its loss is ln 4."""
    x = torch.linspace(-9, 9, 801, dtype=torch.float64)
    p, g = (torch.exp(-0.5 * ((x - mean) / 0.8) ** 2) for mean in (-0.7, 0.9))
    real, fake = (weights / weights.sum() for weights in (p, g))

    def loss(logits: torch.Tensor) -> float:
        each = torch.stack([discriminator_loss(one, torch.tensor(-1e9)) for one in logits])
        others = torch.stack([discriminator_loss(torch.tensor(1e9), one) for one in logits])
        return float(real @ each + fake @ others)

    best = loss((real / fake).log())
    for seed in range(5):
        assert loss((real / fake).log() + 0.3 * normal(seed, 801)) > best
    mean = (real + fake) / 2
    jensen_shannon = 0.5 * ((real * (real / mean).log()).sum() + (fake * (fake / mean).log()).sum()).item()
    assert best == pytest.approx(math.log(4) - 2 * jensen_shannon, abs=1e-10)


def test_the_penalty_of_a_linear_discriminator_is_its_slope():
    layer = torch.nn.Linear(2, 1, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[3.0, -4.0]]))
    penalty = slope_penalty(layer, normal(1, 10, 2), 0.2)
    assert penalty.item() == pytest.approx(0.1 * 25)
    (gradient,) = torch.autograd.grad(penalty, layer.weight)
    assert gradient.tolist() == [[pytest.approx(0.6), pytest.approx(-0.8)]]


def test_the_discriminators_step_leaves_the_generator_and_the_other_way_round():
    gan = Gan(2, (8,), BETAS)
    before = flat(gan.generator), flat(gan.discriminator)
    gan.step_discriminator(normal(0, 16, 2), normal(1, 16, 2), rate=0.01, r1=0.1)
    assert torch.equal(flat(gan.generator), before[0]) and not torch.equal(flat(gan.discriminator), before[1])
    between = flat(gan.discriminator)
    gan.step_generator(normal(2, 16, 2), rate=0.01, loss="minimax", keep=0.9)
    assert torch.equal(flat(gan.discriminator), between) and not torch.equal(flat(gan.generator), before[0])


def test_the_vaes_terms_are_the_likelihood_and_the_closed_form():
    vae = Vae(2, (8,), BETAS)
    x, noise, c = normal(0, 16, 2), normal(1, 16, 2), 0.05
    with torch.no_grad():
        mean, log_var = vae.encoder(x).chunk(2, dim=1)
        q = torch.distributions.Normal(mean, (log_var / 2).exp())
        rebuilt = vae.decoder(mean + q.scale * noise)
        likelihood = torch.distributions.Normal(rebuilt, math.sqrt(c)).log_prob(x).sum(dim=1).mean().item()
        kl = torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0)).sum(dim=1).mean().item()
    terms = vae.step(x, noise, rate=0.01, c=c)
    assert terms.reconstruction == pytest.approx(-likelihood, abs=1e-10)
    assert terms.kl == pytest.approx(kl, abs=1e-10)


def test_weights_go_into_one_vector_and_back():
    first, second = mlp([2, 5, 1]), mlp([2, 5, 1])
    load_flat(second, flat(first))
    x = normal(3, 7, 2)
    assert torch.equal(first(x), second(x))
    assert len(flat(first)) == 2 * 5 + 5 + 5 + 1


def test_only_data_of_single_places_have_modes():
    assert {name: shape.modes for name, shape in SHAPES.items()} == {"ring": 8, "grid": 25, "moons": 0, "circles": 0}
    for shape in SHAPES.values():
        assert max(abs(value) for stroke in shape.strokes for place in stroke for value in place) < 2.6
        if shape.modes:
            centres = torch.tensor([stroke[0] for stroke in shape.strokes], dtype=torch.float64)
            apart = torch.cdist(centres, centres) + 9 * torch.eye(len(centres))
            assert apart.min() > 6 * shape.spread  # no sample is within three deviations of two modes
