"""Images as sheets of tiles, ready for st.image."""

from __future__ import annotations

import numpy as np

from ui.palette import HOLE_COLOUR, NEGATIVE_COLOUR, POSITIVE_COLOUR

SCALE, GAP, FRAME = 3, 4, 3


def tiles(
    pixels: np.ndarray, image_shape: tuple[int, int, int], *, columns: int, marked: np.ndarray | None = None
) -> np.ndarray:
    """Images in rows, enlarged without smoothing, transparent between.

    Args:
        pixels: (N, C*H*W); values outside [0, 1] are clipped.
        image_shape: (C, H, W), one or three channels.
        columns: tiles in a row.
        marked: (N,), which tiles get a frame and a notched corner: not colour alone.

    Returns:
        uint8 (height, width, 4).
    """
    channels, height, width = image_shape
    colours = np.rint(np.clip(pixels, 0.0, 1.0) * 255.0).astype(np.uint8)
    colours = colours.reshape(-1, channels, height, width).transpose(0, 2, 3, 1)
    if channels == 1:
        colours = np.repeat(colours, 3, axis=3)
    return _sheet(colours, columns, marked)


def signed_tiles(values: np.ndarray, image_shape: tuple[int, int, int], *, columns: int) -> np.ndarray:
    """Directions in pixel space: above zero one colour, below it another, zero black; each tile to its own scale.

    Args:
        values: (N, C*H*W), any sign; channels are averaged.
        image_shape: (C, H, W).
        columns: tiles in a row.
    """
    channels, height, width = image_shape
    maps = values.reshape(-1, channels, height, width).mean(axis=1)
    shares = maps / np.maximum(np.abs(maps).max(axis=(1, 2), keepdims=True), 1e-12)
    ends = [
        np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) for colour in (POSITIVE_COLOUR, NEGATIVE_COLOUR)
    ]
    colours = np.where(shares[..., None] > 0, ends[0], ends[1]) * np.abs(shares)[..., None]
    return _sheet(np.rint(colours).astype(np.uint8), columns, None)


def _sheet(colours: np.ndarray, columns: int, marked: np.ndarray | None) -> np.ndarray:
    """uint8 (N, H, W, 3) -> one picture."""
    large = colours.repeat(SCALE, axis=1).repeat(SCALE, axis=2)
    count, height, width, _ = large.shape
    opaque = np.concatenate([large, np.full((count, height, width, 1), 255, np.uint8)], axis=3)
    if marked is not None:
        orange = [*(int(HOLE_COLOUR[at : at + 2], 16) for at in (1, 3, 5)), 255]
        corner = np.add.outer(np.arange(height), np.arange(width)) < 6 * FRAME
        chosen = np.asarray(marked, dtype=bool)
        framed = opaque[chosen]
        framed[:, :FRAME] = framed[:, -FRAME:] = orange
        framed[:, :, :FRAME] = framed[:, :, -FRAME:] = orange
        framed[:, corner] = orange
        opaque[chosen] = framed
    rows = -(-count // columns)
    sheet = np.zeros((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, 4), dtype=np.uint8)
    for number, tile in enumerate(opaque):
        top, left = number // columns * (height + GAP), number % columns * (width + GAP)
        sheet[top : top + height, left : left + width] = tile
    return sheet
