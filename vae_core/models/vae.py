"""The variational autoencoder with a diagonal Gaussian posterior."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vae_core.models.mlp import mlp_decoder, mlp_trunk
from vae_core.models.posterior import Posterior


class VAE(nn.Module):
    """Kingma and Welling 2014, "Auto-Encoding Variational Bayes", appendix C, with ReLU layers.

    The mean and the log-variance share the encoder's trunk. The log-variance is learned rather than sigma, so
    that sigma is positive for every output of the network.
    """

    def __init__(self, pixels: int, hidden: tuple[int, ...], latent_dim: int) -> None:
        super().__init__()
        width = hidden[-1] if hidden else pixels
        self.trunk = mlp_trunk(pixels, hidden)
        self.mean = nn.Linear(width, latent_dim)
        self.log_var = nn.Linear(width, latent_dim)
        self.decoder = mlp_decoder(latent_dim, hidden, pixels)

    def encode(self, x: Tensor) -> Posterior:
        """Images (B, D) in [0, 1] -> q(z|x)."""
        features = self.trunk(x)
        # float32 whatever precision the trunk ran in: exp(log_var) and the KL need it.
        return Posterior(self.mean(features).float(), self.log_var(features).float())

    def decode(self, z: Tensor) -> Tensor:
        """Codes (B, d) -> natural parameters of p(x|z), (B, D)."""
        return self.decoder(z)

    def latents(self, x: Tensor, noise: Tensor) -> tuple[Tensor, Posterior]:
        """One sample z ~ q(z|x) per image, made from `noise` (B, d), and the posterior it came from."""
        posterior = self.encode(x)
        return posterior.sample(noise), posterior

    @torch.no_grad()
    def describe(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Posterior means and log-variances, (B, d) each, for metrics and pictures."""
        return tuple(self.encode(x))  # type: ignore[return-value]
