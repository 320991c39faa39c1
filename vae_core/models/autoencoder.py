"""The plain autoencoder: an encoder and a decoder, and nothing that organises the space between them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vae_core.models.mlp import mlp_decoder, mlp_trunk


class Autoencoder(nn.Module):
    """Deterministic encoder and decoder (Hinton and Salakhutdinov 2006).

    The decoder's output is the likelihood's natural parameter: logits for Bernoulli pixels, the mean for Gaussian
    ones. `likelihood.expected_pixels` turns it into an image.
    """

    def __init__(self, pixels: int, hidden: tuple[int, ...], latent_dim: int) -> None:
        super().__init__()
        self.trunk = mlp_trunk(pixels, hidden)
        self.code = nn.Linear(hidden[-1] if hidden else pixels, latent_dim)
        self.decoder = mlp_decoder(latent_dim, hidden, pixels)

    def codes(self, x: Tensor) -> Tensor:
        """Images (B, D) in [0, 1] -> codes (B, d)."""
        return self.code(self.trunk(x))

    def decode(self, z: Tensor) -> Tensor:
        """Codes (B, d) -> natural parameters (B, D)."""
        return self.decoder(z)

    def latents(self, x: Tensor, noise: Tensor) -> tuple[Tensor, None]:
        """The point that training decodes, and no posterior: an autoencoder has none. `noise` is not used."""
        del noise
        return self.codes(x), None

    @torch.no_grad()
    def describe(self, x: Tensor) -> tuple[Tensor, None]:
        """Codes (B, d) for metrics and pictures; None in place of the log-variance."""
        return self.codes(x), None
