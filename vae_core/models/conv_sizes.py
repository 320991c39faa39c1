"""Sizes of the maps of convolutional networks; read without torch."""

from __future__ import annotations

import math

Size = tuple[int, int]


def conv_sizes(image_shape: tuple[int, int, int], halvings: int) -> list[Size]:
    """Heights and widths from the image to the smallest map: each step halves, rounding down."""
    _, height, width = image_shape
    return [(height >> step, width >> step) for step in range(halvings + 1)]


def cells(hidden: tuple[int, ...], image_shape: tuple[int, int, int]) -> int:
    """How many cells a grid of codes has.

    Args:
        hidden: channels of the convolutions that halve the image, then those at the grid's own resolution.
        image_shape: (C, H, W).
    """
    return math.prod(conv_sizes(image_shape, len(hidden) - 1)[-1])
