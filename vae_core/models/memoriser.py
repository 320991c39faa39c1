"""One number per image: an autoencoder that memorises N images under the integers 0 to N - 1.

It makes the point of Rocca 2019, "Understanding variational autoencoders": with enough capacity, one latent dimension
is enough for zero error on the training images, but then the latent space has no structure.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from vae_core.models.bottleneck import Point
from vae_core.models.mlp import mlp_trunk
from vae_core.models.network import Network

if TYPE_CHECKING:
    from vae_core.spec import RunSpec

STEEPNESS = (2.0, 8.0)  # slopes of the first features: steep enough to change between neighbouring integers


class Memoriser(Network):
    """The encoder finds an image's number and rounds it; the decoder looks the image up.

    Args:
        pixels: D.
        hidden: widths of the encoder; the decoder mirrors them.
        images: N.
    """

    def __init__(self, pixels: int, hidden: tuple[int, ...], images: int) -> None:
        super().__init__()
        self.images = images
        self.trunk = mlp_trunk(pixels, hidden)
        self.code = nn.Linear(hidden[-1], 1)
        widths = hidden[::-1]
        first = nn.Linear(1, widths[0])
        self.decoder = nn.Sequential(first, nn.Tanh(), *mlp_trunk(widths[0], widths[1:]), nn.Linear(widths[-1], pixels))

    def start(self, generator: torch.Generator) -> None:
        """Spread the decoder's first features along the line, so that some of them change at every position."""
        first: nn.Linear = self.decoder[0]  # type: ignore[assignment]
        centres = torch.linspace(-1.0, self.images, first.out_features)
        steepness = torch.empty(first.out_features).uniform_(*STEEPNESS, generator=generator)
        sign = torch.randint(0, 2, (first.out_features,), generator=generator) * 2.0 - 1.0
        with torch.no_grad():
            first.weight.copy_((steepness * sign)[:, None])
            first.bias.copy_(-steepness * sign * centres)

    def position(self, x: Tensor) -> Tensor:
        """Images (B, D) -> their positions on the line, (B,), before rounding."""
        with torch.autocast(x.device.type, enabled=False):  # bfloat16 has no numbers between 256 and 258
            return (self.code(self.trunk(x)).squeeze(1) + 0.5) * (self.images - 1)

    def decode(self, z: Tensor) -> Tensor:
        """Positions on the line (B, 1) -> natural parameters (B, D)."""
        with torch.autocast(z.device.type, enabled=False):
            return self.decoder(z)

    @torch.no_grad()
    def encode(self, x: Tensor) -> Point:
        """Codes (B, 1): integers from 0 to N - 1, without gradient. Programs have no operation that rounds, so this
        encoder has no program."""
        return Point(self.position(x).round().clamp(0, self.images - 1)[:, None])


def build_memoriser(spec: RunSpec, image_shape: tuple[int, int, int]) -> Memoriser:
    """A memoriser of ``spec.images`` images."""
    assert spec.images is not None  # checked by the specification
    return Memoriser(math.prod(image_shape), spec.hidden, spec.images)
