"""A VAE whose images are compared by the features of a frozen network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from vae_core.models.conv import conv_decoder, conv_trunk
from vae_core.models.vae import VAE

if TYPE_CHECKING:
    from vae_core.spec import RunSpec


class PerceptualVAE(VAE):
    """Hou et al. 2017, "Deep feature consistent variational autoencoder".

    Attributes:
        features: the first convolutions of another run, frozen; part of the file, so that it stands alone.
    """

    def __init__(self, spec: RunSpec, image_shape: tuple[int, int, int]) -> None:
        decoder = conv_decoder(spec.latent_dim, spec.hidden, image_shape)
        super().__init__(conv_trunk(image_shape, spec.hidden), spec.hidden[-1], spec.latent_dim, decoder)
        whole = conv_trunk(image_shape, (*spec.options.channels, 1))
        self.features = nn.Sequential(
            *list(whole)[:-3]
        )  # without the fully connected layer, its rectifier and the flattening before it
        for parameter in self.features.parameters():
            parameter.requires_grad_(False)

    def take_over(self, base: nn.Module) -> None:
        """Copy the convolutions of the run whose features compare."""
        trunk: nn.Sequential = base.trunk  # type: ignore[assignment]
        self.features.load_state_dict(trunk[: len(self.features)].state_dict())

    def distances(self, x: Tensor, y: Tensor) -> Tensor:
        """½ Σ ‖φ(x) - φ(y)‖² over the convolutions, each after its rectifier: images (B, D) in [0, 1] -> (B,)."""
        total = torch.zeros(len(x), device=x.device)
        for layer in self.features:
            x, y = layer(x), layer(y)
            if isinstance(layer, nn.ReLU):
                total = total + 0.5 * (x - y).square().flatten(1).sum(dim=1)
        return total


def build_perceptual_vae(spec: RunSpec, image_shape: tuple[int, int, int]) -> PerceptualVAE:
    """As the options say."""
    return PerceptualVAE(spec, image_shape)
