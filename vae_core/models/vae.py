"""The variational autoencoder with a diagonal Gaussian posterior."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from torch import Tensor, nn

from vae_core.models.bottleneck import Posterior
from vae_core.models.conv import conv_decoder, conv_trunk
from vae_core.models.mlp import mlp_decoder, mlp_trunk
from vae_core.models.network import Network

if TYPE_CHECKING:
    from vae_core.spec import RunSpec


class VAE(Network):
    """Kingma and Welling 2014, "Auto-Encoding Variational Bayes", appendix C, with ReLU layers.

    The mean and the log-variance share the encoder's trunk. The log-variance is learned rather than sigma, so
    that sigma is positive for every output of the network.

    Args:
        trunk: images (B, D) -> features (B, width).
        width: number of features.
        latent_dim: d.
        decoder: codes (B, d) -> natural parameters (B, D).
    """

    def __init__(self, trunk: nn.Sequential, width: int, latent_dim: int, decoder: nn.Sequential) -> None:
        super().__init__()
        self.trunk = trunk
        self.mean = nn.Linear(width, latent_dim)
        self.log_var = nn.Linear(width, latent_dim)
        self.decoder = decoder

    def encoder_layers(self) -> list[tuple[str, nn.Module]]:
        """Names and modules from an image to its posterior mean, in order."""
        return [*((f"trunk.{name}", layer) for name, layer in self.trunk.named_children()), ("mean", self.mean)]

    def encode(self, x: Tensor) -> Posterior:
        """Images (B, D) in [0, 1] -> q(z|x)."""
        features = self.trunk(x)
        # float32 whatever precision the trunk ran in: exp(log_var) and the KL need it.
        return Posterior(self.mean(features).float(), self.log_var(features).float())


def build_vae(spec: RunSpec, image_shape: tuple[int, int, int]) -> VAE:
    """Fully connected."""
    pixels = math.prod(image_shape)
    width = spec.hidden[-1] if spec.hidden else pixels
    decoder = mlp_decoder(spec.latent_dim, spec.hidden, pixels, spec.activation)
    return VAE(mlp_trunk(pixels, spec.hidden, spec.activation), width, spec.latent_dim, decoder)


def build_conv_vae(spec: RunSpec, image_shape: tuple[int, int, int]) -> VAE:
    """Strided convolutions and transposed ones."""
    decoder = conv_decoder(spec.latent_dim, spec.hidden, image_shape)
    return VAE(conv_trunk(image_shape, spec.hidden), spec.hidden[-1], spec.latent_dim, decoder)
