"""One number per image: an autoencoder that files N images under the whole numbers 0 to N - 1.

It makes the point of Rocca 2019, "Understanding variational autoencoders": with enough capacity, one latent dimension
is enough for zero error on the images it learned from, and then the latent space means nothing.
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

STEEPNESS = (2.0, 8.0)  # of the first features, per whole number: enough to change between neighbours


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
        """Spread the decoder's first features along the line, so that each place has some that change there."""
        first: nn.Linear = self.decoder[0]  # type: ignore[assignment]
        centres = torch.linspace(-1.0, self.images, first.out_features)
        steepness = torch.empty(first.out_features).uniform_(*STEEPNESS, generator=generator)
        sign = torch.randint(0, 2, (first.out_features,), generator=generator) * 2.0 - 1.0
        with torch.no_grad():
            first.weight.copy_((steepness * sign)[:, None])
            first.bias.copy_(-steepness * sign * centres)

    def position(self, x: Tensor) -> Tensor:
        """Images (B, D) -> where on the line the encoder puts them, (B,), before rounding."""
        with torch.autocast(x.device.type, enabled=False):  # bfloat16 has no numbers between 256 and 258
            return (self.code(self.trunk(x)).squeeze(1) + 0.5) * (self.images - 1)

    def decode(self, z: Tensor) -> Tensor:
        """Places on the line (B, 1) -> natural parameters (B, D)."""
        with torch.autocast(z.device.type, enabled=False):
            return self.decoder(z)

    @torch.no_grad()
    def encode(self, x: Tensor) -> Point:
        """Codes (B, 1): whole numbers from 0 to N - 1, which no gradient goes through. Rounding is no operation of a
        program, so the encoder has none."""
        return Point(self.position(x).round().clamp(0, self.images - 1)[:, None])


def build_memoriser(spec: RunSpec, image_shape: tuple[int, int, int]) -> Memoriser:
    """A memoriser of ``spec.images`` images."""
    assert spec.images is not None  # checked by the specification
    return Memoriser(math.prod(image_shape), spec.hidden, spec.images)
