"""Convolutions down to a code and back up to an image, with maps that halve and double in either of two ways."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

from torch import nn

from vae_core.models.conv_sizes import Size, conv_sizes

KERNEL, STRIDE, PADDING = 4, 2, 1
POOLED_KERNEL, POOLED_PADDING = 3, 1  # keeps a map's size


class Scaling(NamedTuple):
    """How maps halve and double.

    Attributes:
        down: channels in and out -> layers from a map to one of half its height and width, rounded down.
        up: channels in and out, the smaller size, the larger one -> layers from the one to the other.
    """

    down: Callable[[int, int], list[nn.Module]]
    up: Callable[[int, int, Size, Size], list[nn.Module]]


def _strided(channels_in: int, channels_out: int) -> list[nn.Module]:
    return [nn.Conv2d(channels_in, channels_out, KERNEL, STRIDE, PADDING), nn.ReLU()]


def _transposed(channels_in: int, channels_out: int, low: Size, high: Size) -> list[nn.Module]:
    # An odd size was rounded down on the way in; the output padding gives the row and column back.
    odd = (high[0] - 2 * low[0], high[1] - 2 * low[1])
    return [nn.ConvTranspose2d(channels_in, channels_out, KERNEL, STRIDE, PADDING, odd), nn.ReLU()]


def _pooled(channels_in: int, channels_out: int) -> list[nn.Module]:
    return [nn.Conv2d(channels_in, channels_out, POOLED_KERNEL, padding=POOLED_PADDING), nn.ReLU(), nn.MaxPool2d(2)]


def _resized(channels_in: int, channels_out: int, low: Size, high: Size) -> list[nn.Module]:
    del low
    convolution = nn.Conv2d(channels_in, channels_out, POOLED_KERNEL, padding=POOLED_PADDING)
    return [nn.Upsample(size=high), convolution, nn.ReLU()]


STRIDED = Scaling(_strided, _transposed)  # Radford et al. 2016, DCGAN
POOLED = Scaling(_pooled, _resized)  # as in VGG (Simonyan and Zisserman 2015); up as in Odena et al. 2016


def conv_trunk(image_shape: tuple[int, int, int], hidden: tuple[int, ...], scaling: Scaling = STRIDED) -> nn.Sequential:
    """Flat images (B, C*H*W) -> features (B, hidden[-1]).

    Args:
        image_shape: (C, H, W).
        hidden: channels of the convolutions, then the width of one fully connected layer.
        scaling: how maps halve.
    """
    *channels, width = hidden
    height_end, width_end = conv_sizes(image_shape, len(channels))[-1]
    layers: list[nn.Module] = [nn.Unflatten(1, image_shape)]  # (B, C, H, W)
    for channels_in, channels_out in pairwise((image_shape[0], *channels)):
        layers += scaling.down(channels_in, channels_out)  # (B, c, H/2, W/2)
    layers += [nn.Flatten(), nn.Linear(channels[-1] * height_end * width_end, width), nn.ReLU()]
    return nn.Sequential(*layers)


def conv_decoder(
    latent_dim: int, hidden: tuple[int, ...], image_shape: tuple[int, int, int], scaling: Scaling = STRIDED
) -> nn.Sequential:
    """The mirror image: codes (B, d) -> natural parameters (B, C*H*W), no activation on the last layer."""
    *channels, width = hidden
    sizes = conv_sizes(image_shape, len(channels))
    start = (channels[-1], *sizes[-1])
    layers: list[nn.Module] = [
        nn.Linear(latent_dim, width),
        nn.ReLU(),
        nn.Linear(width, start[0] * start[1] * start[2]),
        nn.ReLU(),
        nn.Unflatten(1, start),
    ]
    ways = zip(pairwise((*channels[::-1], image_shape[0])), pairwise(sizes[::-1]), strict=True)
    for (channels_in, channels_out), (low, high) in ways:
        layers += scaling.up(channels_in, channels_out, low, high)
    return nn.Sequential(*layers[:-1], nn.Flatten())
