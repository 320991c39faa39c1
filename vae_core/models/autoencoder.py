"""The plain autoencoder: an encoder and a decoder, without any constraint on the latent space."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from vae_core.models.bottleneck import Point
from vae_core.models.conv import POOLED, conv_decoder, conv_trunk
from vae_core.models.mlp import mlp_decoder, mlp_trunk
from vae_core.models.network import Network

if TYPE_CHECKING:
    from vae_core.spec import RunSpec


class Autoencoder(Network):
    """Deterministic encoder and decoder (Hinton and Salakhutdinov 2006).

    The decoder's output is the likelihood's natural parameter: logits for Bernoulli pixels, the mean for Gaussian
    ones. `likelihood.expected_pixels` turns it into an image.

    Args:
        trunk: images (B, D) -> features (B, width).
        width: number of features.
        latent_dim: d.
        decoder: codes (B, d) -> natural parameters (B, D).
    """

    def __init__(self, trunk: nn.Sequential, width: int, latent_dim: int, decoder: nn.Sequential) -> None:
        super().__init__()
        self.trunk = trunk
        self.code = nn.Linear(width, latent_dim)
        self.decoder = decoder

    def encoder_layers(self) -> list[tuple[str, nn.Module]]:
        """Names and modules from an image to its code, in order."""
        return [*((f"trunk.{name}", layer) for name, layer in self.trunk.named_children()), ("code", self.code)]

    def encode(self, x: Tensor) -> Point:
        """Images (B, D) in [0, 1] -> codes (B, d)."""
        return Point(self.code(self.trunk(x)))


def build_ae(spec: RunSpec, image_shape: tuple[int, int, int]) -> Autoencoder:
    """Fully connected; without hidden layers it is linear, and PCA is its optimum (Baldi and Hornik 1989)."""
    pixels = math.prod(image_shape)
    width = spec.hidden[-1] if spec.hidden else pixels
    decoder = mlp_decoder(spec.latent_dim, spec.hidden, pixels, spec.activation)
    return Autoencoder(mlp_trunk(pixels, spec.hidden, spec.activation), width, spec.latent_dim, decoder)


def build_conv_ae(spec: RunSpec, image_shape: tuple[int, int, int]) -> Autoencoder:
    """Strided convolutions and transposed ones."""
    decoder = conv_decoder(spec.latent_dim, spec.hidden, image_shape)
    return Autoencoder(conv_trunk(image_shape, spec.hidden), spec.hidden[-1], spec.latent_dim, decoder)


def build_pooled_ae(spec: RunSpec, image_shape: tuple[int, int, int]) -> Autoencoder:
    """Max-pooled convolutions, and convolutions of maps enlarged to their nearest pixels."""
    decoder = conv_decoder(spec.latent_dim, spec.hidden, image_shape, POOLED)
    trunk = conv_trunk(image_shape, spec.hidden, POOLED)
    model = Autoencoder(trunk, spec.hidden[-1], spec.latent_dim, decoder)
    # A CPU trains it in two thirds of the time. PyTorch's stubs lack this overload.
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
