"""Strided convolutions down to a code, transposed ones back up to an image (Radford et al. 2016, DCGAN)."""

from __future__ import annotations

from itertools import pairwise

from torch import nn

KERNEL, STRIDE, PADDING = 4, 2, 1


def conv_sizes(image_shape: tuple[int, int, int], halvings: int) -> list[tuple[int, int]]:
    """Heights and widths from the image to the smallest map: each step halves, rounding down."""
    _, height, width = image_shape
    return [(height >> step, width >> step) for step in range(halvings + 1)]


def conv_trunk(image_shape: tuple[int, int, int], hidden: tuple[int, ...]) -> nn.Sequential:
    """Flat images (B, C*H*W) -> features (B, hidden[-1]).

    Args:
        image_shape: (C, H, W).
        hidden: channels of the convolutions, then the width of one fully connected layer.
    """
    *channels, width = hidden
    height_end, width_end = conv_sizes(image_shape, len(channels))[-1]
    layers: list[nn.Module] = [nn.Unflatten(1, image_shape)]  # (B, C, H, W)
    for channels_in, channels_out in pairwise((image_shape[0], *channels)):
        layers += [nn.Conv2d(channels_in, channels_out, KERNEL, STRIDE, PADDING), nn.ReLU()]  # (B, c, H/2, W/2)
    layers += [nn.Flatten(), nn.Linear(channels[-1] * height_end * width_end, width), nn.ReLU()]
    return nn.Sequential(*layers)


def conv_decoder(latent_dim: int, hidden: tuple[int, ...], image_shape: tuple[int, int, int]) -> nn.Sequential:
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
    for (channels_in, channels_out), ((low_h, low_w), (high_h, high_w)) in ways:
        # An odd size was rounded down on the way in; the output padding gives the row and column back.
        odd = (high_h - 2 * low_h, high_w - 2 * low_w)
        layers += [nn.ConvTranspose2d(channels_in, channels_out, KERNEL, STRIDE, PADDING, odd), nn.ReLU()]
    return nn.Sequential(*layers[:-1], nn.Flatten())
