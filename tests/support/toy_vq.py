"""A small VQ-VAE (van den Oord et al. 2017) of one code per image, whose codebook has an optimiser of its own."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vae_core.losses.likelihoods import likelihood
from vae_core.losses.terms import Term, weighted_sum, weights_at
from vae_core.models.mlp import mlp_decoder, mlp_trunk
from vae_core.models.network import Network
from vae_core.spec import RunSpec
from vae_core.training.step import Batch, draws, new_adam


class Quantised(NamedTuple):
    """A code's nearest entry of the codebook, as of `vae_core.models.bottleneck.Code`, and where it was before."""

    mean: Tensor
    before: Tensor
    log_var: None = None

    def sample(self, noise: Tensor) -> Tensor:
        del noise
        return self.before + (self.mean - self.before).detach()  # straight-through

    def divergence(self) -> Tensor:
        return torch.zeros(len(self.mean))


class ToyVQ(Network):
    def __init__(self, pixels: int, hidden: tuple[int, ...], latent_dim: int, entries: int) -> None:
        super().__init__()
        self.trunk = mlp_trunk(pixels, hidden)
        self.code = nn.Linear(hidden[-1], latent_dim)
        self.codebook = nn.Linear(entries, latent_dim, bias=False)  # its columns; starts as every layer does
        self.decoder = mlp_decoder(latent_dim, hidden, pixels)

    def encode(self, x: Tensor) -> Quantised:
        before, entries = self.code(self.trunk(x)), self.codebook.weight.T
        return Quantised(entries[torch.cdist(before, entries).argmin(dim=1)], before)


class TwoOptimisers:
    """Encoder and decoder by one Adam, the codebook by another."""

    terms = (
        Term("reconstruction"),
        Term("commitment", "squared latent units", weight=lambda spec, _: spec.options.commitment),
        Term("codebook", "squared latent units"),
    )
    targets = "label"

    def __init__(self, spec: RunSpec, model: nn.Module, precision: str) -> None:
        del precision
        self.spec, self.model, self.p_x_given_z = spec, model, likelihood(spec, model)
        entries = list(model.codebook.parameters())
        others = [one for one in model.parameters() if all(one is not entry for entry in entries)]
        self.optimisers = {
            "network": new_adam(others, spec.learning_rate), "codebook": new_adam(entries, spec.learning_rate)
        }  # fmt: skip

    def update(self, batch: Batch) -> dict[str, Tensor]:
        x, _ = draws(self.spec, batch.pixels, batch.generator)
        terms = self.measure(x, x, batch.targets)
        weighted_sum(terms, weights_at(self.terms, self.spec, batch.epochs_done)).mean().backward()
        for optimiser in self.optimisers.values():
            optimiser.param_groups[0]["lr"] = batch.learning_rate
            optimiser.step()
            optimiser.zero_grad()
        return {name: term.detach() for name, term in terms.items()}

    def measure(self, x: Tensor, noise: Tensor, targets: Tensor) -> dict[str, Tensor]:
        del targets
        z, code = self.model.sample_latent(x, noise)
        return {
            "reconstruction": self.p_x_given_z.negative_log_likelihood(self.model.decode(z), x),
            "commitment": (code.before - code.mean.detach()).square().sum(dim=1),
            "codebook": (code.before.detach() - code.mean).square().sum(dim=1),
        }


def build(spec: RunSpec, image_shape: tuple[int, int, int]) -> ToyVQ:
    return ToyVQ(math.prod(image_shape), spec.hidden, spec.latent_dim, spec.options.entries)
