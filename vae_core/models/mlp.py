"""Fully connected encoder trunk and decoder."""

from __future__ import annotations

from itertools import pairwise

from torch import nn

ACTIVATION = {None: nn.ReLU, "tanh": nn.Tanh}  # by its name in a specification


def mlp_trunk(inputs: int, hidden: tuple[int, ...], activation: str | None = None) -> nn.Sequential:
    """inputs -> hidden[0] -> ... -> hidden[-1], ReLU (or `activation`) after each layer.

    Empty `hidden` gives the identity.
    """
    layers: list[nn.Module] = []
    for width_in, width_out in pairwise((inputs, *hidden)):
        layers += [nn.Linear(width_in, width_out), ACTIVATION[activation]()]
    return nn.Sequential(*layers)


def mlp_decoder(latent_dim: int, hidden: tuple[int, ...], outputs: int, activation: str | None = None) -> nn.Sequential:
    """latent_dim -> hidden reversed -> outputs, no activation on the last layer: the mirror of the encoder."""
    trunk = mlp_trunk(latent_dim, hidden[::-1], activation)
    return nn.Sequential(*trunk, nn.Linear(hidden[0] if hidden else latent_dim, outputs))
