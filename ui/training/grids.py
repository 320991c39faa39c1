"""Weights, work and memory of models whose code is a grid of codebook entries, and of a prior over such a grid."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

from vae_core import datasets
from vae_core.models.conv_sizes import conv_sizes
from vae_core.models.quantised_options import entries_of
from vae_core.spec import RunSpec

_STRIDED, _AROUND = 16, 9  # numbers of a kernel: as in models.conv, and at the grid's own resolution
_BACKWARD = 3  # an update costs about three times what its forward pass does
_KEPT_PER_LAYER = 18  # numbers that a layer of the prior keeps for its gradients, times cells and width


class _Grid(NamedTuple):
    """Sizes that the estimates share.

    Attributes:
        stack: channels from the image to the smallest map.
        sizes: pixels of the maps, the image first; the grid's cells are the last.
        width: channels at the grid's own resolution.
        entries, dimensions: of the codebook.
    """

    stack: list[int]
    sizes: list[int]
    width: int
    entries: int
    dimensions: int


def _grid(spec: RunSpec) -> _Grid:
    image_shape = datasets.info(spec.dataset).image_shape
    *maps, width = spec.hidden
    options = spec.options
    levels = getattr(options, "levels", None)
    dimensions = len(levels) if levels else options.dimensions
    sizes = [math.prod(size) for size in conv_sizes(image_shape, len(maps))]
    return _Grid([image_shape[0], *maps], sizes, width, entries_of(options), dimensions)


def weight_count(spec: RunSpec) -> int:
    """Number of parameters, including biases and the codebook; of a prior, with those that it took over."""
    stack, sizes, width, entries, dimensions = _grid(spec)
    last = stack[-1]
    strided = 2 * _STRIDED * sum(a * b for a, b in pairwise(stack)) + sum(stack[1:]) + sum(stack[:-1])
    at_the_grid = _AROUND * (2 * last * width + dimensions * width) + width * dimensions
    biases = 2 * width + dimensions + last
    return strided + at_the_grid + biases + entries * dimensions + _prior_weights(spec, sizes[-1])


def _prior_weights(spec: RunSpec, cells: int) -> int:
    if not spec.base:
        return 0
    options = spec.options
    wide, entries = options.width, options.entries
    layer = 12 * wide**2 + 13 * wide  # attention, what follows it, and a normalisation before each
    read = (entries + max(options.classes, 1) + cells) * wide
    return int(read + options.layers * layer + 2 * wide + (wide + 1) * entries)


def multiplications(spec: RunSpec) -> int:
    """Of one image in an update, about."""
    stack, sizes, width, entries, dimensions = _grid(spec)
    cells = sizes[-1]
    halving = _STRIDED * sum(a * b * size for (a, b), size in zip(pairwise(stack), sizes[1:], strict=True))
    around = _AROUND * width * (stack[-1] + dimensions) * cells
    nearest = cells * dimensions * entries
    if not spec.base:
        return _BACKWARD * (2 * (halving + around) + nearest)
    options = spec.options
    each = options.layers * (12 * options.width**2 + 2 * cells * options.width) + options.width * entries
    return int(halving + around + nearest + _BACKWARD * cells * each)  # the encoder only runs forward


def kept_numbers(spec: RunSpec) -> int:
    """Numbers of one image that an update keeps for its gradients, about; half of what is there on the way back."""
    stack, sizes, width, entries, dimensions = _grid(spec)
    cells = sizes[-1]
    maps = sum(channels * size for channels, size in zip(stack[1:], sizes[1:], strict=True))
    codes = cells * (2 * width + 2 * dimensions + entries)
    if not spec.base:
        return maps + codes
    options = spec.options
    attention = options.heads * cells
    return int(codes + cells * options.layers * (_KEPT_PER_LAYER * options.width + attention))
