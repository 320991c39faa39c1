"""U-Net: an autoencoder whose decoder also sees the encoder's maps, trained to give an image or another one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from vae_core.models.bottleneck import Point
from vae_core.models.conv import KERNEL, PADDING, STRIDE
from vae_core.models.conv_sizes import conv_sizes
from vae_core.models.network import Network
from vae_core.program.modules import Skip

if TYPE_CHECKING:
    from vae_core.spec import RunSpec


class UNet(Network):
    """Ronneberger et al. 2015, "U-Net: convolutional networks for biomedical image segmentation", small.

    Maps halve down to a code of d numbers and double again. With skips, each map on the way up stands beside the one of
    its size from the way down, which so need not pass through the code; without them it is a convolutional
    autoencoder. The paper's has no code in its middle, only the smallest maps.

    With skips no image is made of a code alone: `decoder` is empty, and `predict` does both.

    Attributes:
        whole: images (B, D) -> natural parameters of their targets (B, D).
    """

    def __init__(self, spec: RunSpec, image_shape: tuple[int, int, int]) -> None:
        super().__init__()
        channels, skips = spec.hidden, spec.options.skips
        sizes = conv_sizes(image_shape, len(channels) - 1)
        smallest = (channels[-1], *sizes[-1])
        numbers = smallest[0] * smallest[1] * smallest[2]
        inner: list[nn.Module] = [
            nn.Flatten(),
            nn.Linear(numbers, spec.latent_dim),  # the code
            nn.Linear(spec.latent_dim, numbers),
            nn.ReLU(),
            nn.Unflatten(1, smallest),  # (B, c, h, w)
        ]
        wide = channels[-1]  # channels that come out of the inner layers
        for (high, low), (large, small) in zip(
            reversed(list(pairwise(channels))), reversed(list(pairwise(sizes))), strict=True
        ):
            odd = (large[0] - 2 * small[0], large[1] - 2 * small[1])  # a row and a column that halving left out
            layers = [
                nn.Conv2d(high, low, KERNEL, STRIDE, PADDING),  # (B, low, h/2, w/2)
                nn.ReLU(),
                *inner,
                nn.ConvTranspose2d(wide, high, KERNEL, STRIDE, PADDING, odd),  # (B, high, h, w)
                nn.ReLU(),
            ]
            inner = [Skip(*layers)] if skips else layers
            wide = 2 * high if skips else high
        self.whole = nn.Sequential(
            nn.Unflatten(1, image_shape),
            nn.Conv2d(image_shape[0], channels[0], 3, padding=1),  # (B, c, H, W)
            nn.ReLU(),
            *inner,
            nn.Conv2d(wide, image_shape[0], 3, padding=1),
            nn.Flatten(),
        )
        self.decoder = nn.Sequential()

    def encoder_layers(self) -> list[tuple[str, nn.Module]]:
        """Names and modules from an image to its code, in order."""
        layers = []
        for name, layer in _down("whole", self.whole):
            layers.append((name, layer))
            if isinstance(layer, nn.Linear):
                return layers
        raise AssertionError("there is a code")

    def encode(self, x: Tensor) -> Point:
        """Images (B, D) in [0, 1] -> codes (B, d)."""
        for _, layer in self.encoder_layers():
            x = layer(x)
        return Point(x)

    def predict(self, x: Tensor) -> Tensor:
        """Images (B, D) in [0, 1] -> natural parameters of their targets, (B, D)."""
        found: Tensor = self.whole(x)
        return found

    def further_layers(self) -> dict[str, list[tuple[str, nn.Module]]]:
        """``predict``: an image -> natural parameters of its target."""
        return {"predict": [(f"whole.{name}", layer) for name, layer in self.whole.named_children()]}


def _down(prefix: str, layers: nn.Sequential) -> Iterator[tuple[str, nn.Module]]:
    """Layers by name, into skips rather than past them."""
    for name, layer in layers.named_children():
        if isinstance(layer, Skip):
            yield from _down(f"{prefix}.{name}.body", layer.body)
        else:
            yield f"{prefix}.{name}", layer


def build_unet(spec: RunSpec, image_shape: tuple[int, int, int]) -> UNet:
    """As the options say."""
    # A CPU trains it in two thirds of the time. PyTorch's stubs lack this overload.
    return UNet(spec, image_shape).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
