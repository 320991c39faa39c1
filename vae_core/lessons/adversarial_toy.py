"""A GAN and a VAE of points in the plane, in torch: what the browser's own networks must agree with.

ui/components/adversarial trains the same two models live, with gradients derived by hand. Here autograd finds them,
that of the R1 penalty included, which is a gradient of a gradient. Everything random is given from outside.

Losses in nats. Generator and discriminator: Goodfellow et al. 2014; the penalty on the discriminator's slope at real
points: Mescheder et al. 2018; the VAE: Kingma and Welling 2014.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vae_core.losses import adversarial
from vae_core.losses.adversarial import GENERATOR_LOSSES
from vae_core.losses.gaussian import kl_to_standard_normal


def mlp(sizes: Sequence[int]) -> nn.Sequential:
    """Fully connected, with tanh between the layers, in double precision."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs, dtype=torch.float64), nn.Tanh()]
    return nn.Sequential(*layers[:-1])


def load_flat(network: nn.Sequential, values: Tensor) -> None:
    """Set all weights from one vector, (weights,): layer after layer, the matrix row by row and then the bias."""
    nn.utils.vector_to_parameters(values, network.parameters())


def flat(network: nn.Sequential) -> Tensor:
    """The opposite of `load_flat`."""
    return nn.utils.parameters_to_vector(network.parameters()).detach()


def generator_loss(logits: Tensor, name: str) -> Tensor:
    """Mean over the samples of -ln D(G(z)) ("non-saturating") or ln(1 - D(G(z))) ("minimax"), D = sigmoid(logit)."""
    return GENERATOR_LOSSES[name.replace("-", "_")](logits).mean()


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """-E[ln D(x)] - E[ln(1 - D(G(z)))], from the logits of real points and of as many samples."""
    return adversarial.discriminator_loss(real, fake).mean()


def slope_penalty(discriminator: nn.Module, real: Tensor, weight: float) -> Tensor:
    """R1: weight / 2 times the mean of |ds/dx|^2 at real points, (B, 2), s the logit; differentiable by the weights."""
    return weight / 2 * adversarial.squared_slope(discriminator, real).mean()


class Gan:
    """A generator, a discriminator, and the average of the generator's weights."""

    def __init__(self, latent: int, hidden: Sequence[int], betas: tuple[float, float]) -> None:
        self.generator = mlp([latent, *hidden, 2])
        self.discriminator = mlp([2, *hidden, 1])
        self.average = mlp([latent, *hidden, 2])
        networks = (self.generator, self.discriminator)
        self._optimisers = [torch.optim.Adam(one.parameters(), betas=betas) for one in networks]
        self._steps = 0

    def step_discriminator(self, real: Tensor, z: Tensor, *, rate: float, r1: float) -> tuple[float, float]:
        """One step on points (B, 2) and latent codes (B, d); its loss, in nats, and its penalty before it."""
        loss = discriminator_loss(self.discriminator(real), self.discriminator(self.generator(z).detach()))
        penalty = slope_penalty(self.discriminator, real, r1) if r1 else torch.zeros(())
        _descend(self._optimisers[1], loss + penalty, rate)
        return float(loss.detach()), float(penalty.detach())

    def step_generator(self, z: Tensor, *, rate: float, loss: str, keep: float) -> float:
        """One step on latent codes (B, d); its loss before it, in nats. keep: how much of the average stays."""
        found = generator_loss(self.discriminator(self.generator(z)), loss)
        _descend(self._optimisers[0], found, rate)
        self._steps += 1
        keep = min(keep, self._steps / (self._steps + 10))
        load_flat(self.average, keep * flat(self.average) + (1 - keep) * flat(self.generator))
        return float(found.detach())


class Terms(NamedTuple):
    """The VAE's loss, in nats per point."""

    reconstruction: float
    kl: float


class Vae:
    """p(x|z) = N(f(z), cI), q(z|x) = N(mu(x), diag sigma^2(x)), both terms with one sample of z for each point."""

    def __init__(self, latent: int, hidden: Sequence[int], betas: tuple[float, float]) -> None:
        self.encoder = mlp([2, *hidden, 2 * latent])
        self.decoder = mlp([latent, *hidden, 2])
        self._optimisers = [torch.optim.Adam(one.parameters(), betas=betas) for one in (self.encoder, self.decoder)]

    def step(self, x: Tensor, noise: Tensor, *, rate: float, c: float) -> Terms:
        """One step on points (B, 2) with noise (B, d); the terms before it, in nats per point."""
        mean, log_var = self.encoder(x).chunk(2, dim=1)
        z = mean + (log_var / 2).exp() * noise
        squared = (x - self.decoder(z)).square().sum(dim=1)
        reconstruction = (squared / (2 * c) + math.log(2 * math.pi * c)).mean()
        kl = kl_to_standard_normal(mean, log_var).sum(dim=1).mean()
        for optimiser in self._optimisers:
            optimiser.zero_grad()
        (reconstruction + kl).backward()
        for optimiser in self._optimisers:
            _go(optimiser, rate)
        return Terms(float(reconstruction.detach()), float(kl.detach()))


def _descend(optimiser: torch.optim.Optimizer, loss: Tensor, rate: float) -> None:
    """One step against the gradient of the optimiser's own weights."""
    parameters = optimiser.param_groups[0]["params"]
    for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
        parameter.grad = gradient
    _go(optimiser, rate)


def _go(optimiser: torch.optim.Optimizer, rate: float) -> None:
    optimiser.param_groups[0]["lr"] = rate
    optimiser.step()
