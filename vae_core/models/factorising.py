"""VAEs whose loss asks for independent dimensions: β-TCVAE and FactorVAE. Both are a convolutional VAE besides."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from vae_core.datasets import info
from vae_core.models.conv import conv_decoder, conv_trunk
from vae_core.models.vae import VAE

if TYPE_CHECKING:
    from vae_core.spec import RunSpec

LEAK = 0.2


class TCVAE(VAE):
    """Chen et al. 2018, "Isolating sources of disentanglement in variational autoencoders".

    Attributes:
        images: N, how many there are to learn from: the aggregate posterior is a mixture over so many.
        estimator: one of `losses.total_correlation.ESTIMATORS`.
    """

    def __init__(self, spec: RunSpec, image_shape: tuple[int, int, int]) -> None:
        decoder = conv_decoder(spec.latent_dim, spec.hidden, image_shape)
        super().__init__(conv_trunk(image_shape, spec.hidden), spec.hidden[-1], spec.latent_dim, decoder)
        there = info(spec.dataset).training_images
        self.images = max(2, min(there, spec.images) if spec.images and there else spec.images or there)
        self.estimator: str = spec.options.estimator


class FactorVAE(VAE):
    """Kim and Mnih 2018, "Disentangling by factorising".

    Attributes:
        discriminator: codes (B, d) -> the logit that they come from q(z) rather than from the product of its
            dimensions, (B, 1); where it is right, ln q(z) / prod_j q(z_j).
    """

    def __init__(self, spec: RunSpec, image_shape: tuple[int, int, int]) -> None:
        decoder = conv_decoder(spec.latent_dim, spec.hidden, image_shape)
        super().__init__(conv_trunk(image_shape, spec.hidden), spec.hidden[-1], spec.latent_dim, decoder)
        widths = (spec.latent_dim, *spec.options.discriminator)
        layers = [layer for ends in pairwise(widths) for layer in (nn.Linear(*ends), nn.LeakyReLU(LEAK))]
        self.discriminator = nn.Sequential(*layers, nn.Linear(widths[-1], 1))

    def logit(self, z: Tensor) -> Tensor:
        """Codes (B, d) -> (B,)."""
        found: Tensor = self.discriminator(z).squeeze(1)
        return found


def shuffled(z: Tensor, generator: torch.Generator) -> Tensor:
    """Codes (B, d) whose dimensions are of different images, each in an order of its own: draws of prod_j q(z_j)."""
    order = torch.rand(z.shape, generator=generator, device=z.device).argsort(dim=0)
    return z.gather(0, order)


def build_tc_vae(spec: RunSpec, image_shape: tuple[int, int, int]) -> TCVAE:
    """As the options say."""
    return TCVAE(spec, image_shape)


def build_factor_vae(spec: RunSpec, image_shape: tuple[int, int, int]) -> FactorVAE:
    """As the options say."""
    return FactorVAE(spec, image_shape)
