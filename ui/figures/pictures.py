"""Images as sheets of tiles, cached as PNG files so that they are not encoded again in every rerun."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from ui.figures.markup import Html, small_print
from ui.figures.palette import HOLE_COLOUR, NEGATIVE_COLOUR, POSITIVE_COLOUR

GAP, FRAME = 2, 1  # image pixels
_ROW = "display:flex;flex-wrap:wrap;align-items:center;gap:0.25rem 1.5rem;margin-bottom:0.9rem"
_LABEL = "flex:1 1 13rem;line-height:1.4;font-variant-numeric:tabular-nums"
_CELLS = "display:flex;flex-wrap:wrap;gap:1.5rem clamp(1rem, 4vw, 4rem)"
_CELL = "flex:1 1 {least};min-width:0;margin:0"
_CELL_PICTURE = "display:block;width:100%;margin:0.5rem 0;image-rendering:pixelated"
_CAPTION = "font-size:0.875rem;opacity:0.72;font-variant-numeric:tabular-nums"
_PICTURE = "flex:4 1 19rem;min-width:0;max-width:100%;image-rendering:pixelated"


class Picture(NamedTuple):
    """A picture and its words.

    Attributes:
        title: in bold.
        text: beside or below it.
        file: PNG.
        seen: what is on it, for those who do not see it: what the words beside it do not say.
    """

    title: str
    text: str
    file: bytes
    seen: str


def tiles(
    pixels: np.ndarray, image_shape: tuple[int, int, int], *, columns: int, marked: np.ndarray | None = None
) -> bytes:
    """Images in rows at their own size, transparent between; the page enlarges them without smoothing.

    Args:
        pixels: (N, C*H*W); values outside [0, 1] are clipped.
        image_shape: (C, H, W), one or three channels.
        columns: tiles in a row.
        marked: (N,), which tiles get a frame and a notched corner: not colour alone.

    Returns:
        A PNG file.
    """
    channels, height, width = image_shape
    colours = np.rint(np.clip(pixels, 0.0, 1.0) * 255.0).astype(np.uint8)
    colours = colours.reshape(-1, channels, height, width).transpose(0, 2, 3, 1)
    if channels == 1:
        colours = np.repeat(colours, 3, axis=3)
    return _sheet(colours, columns, marked)


def signed_tiles(values: np.ndarray, image_shape: tuple[int, int, int], *, columns: int) -> bytes:
    """Directions in pixel space: positive and negative values in two colours, zero black; each tile has its own scale.

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


def _sheet(colours: np.ndarray, columns: int, marked: np.ndarray | None) -> bytes:
    """uint8 (N, H, W, 3) -> one picture."""
    count, height, width, _ = colours.shape
    opaque = np.concatenate([colours, np.full((count, height, width, 1), 255, np.uint8)], axis=3)
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
    file = io.BytesIO()
    Image.fromarray(sheet).save(file, format="PNG")
    return file.getvalue()


def labelled_rows(rows: Sequence[Picture], note: str = "") -> Html:
    """Pictures below one another, each with its label on the left, or above it on narrow screens: HTML.

    One element instead of five per row: Streamlit's cost grows with the elements, in every rerun of every visitor.

    Args:
        rows: from top to bottom.
        note: below them.
    """
    lines = []
    for label, text, picture, seen in rows:
        title, said = html.escape(label), html.escape(text)
        lines.append(
            f'<div style="{_ROW}"><div style="{_LABEL}"><strong>{title}</strong><br>{said}</div>'
            f"{_image(picture, _PICTURE, f'{label}: {seen}')}</div>"
        )
    return Html("".join(lines) + small_print(note))


def side_by_side(cells: Sequence[Picture], note: str = "", *, least: str = "19rem") -> Html:
    """Pictures side by side, each between its title and its caption; below one another on narrow screens.

    Args:
        cells: from left to right.
        note: below them.
        least: the width below which they stand under one another, in CSS.
    """
    style, parts = _CELL.format(least=least), []
    for label, text, picture, seen in cells:
        title, said = html.escape(label), html.escape(text)
        parts.append(
            f'<figure style="{style}"><strong>{title}</strong>'
            f"{_image(picture, _CELL_PICTURE, f'{label}: {seen}')}"
            f'<figcaption style="{_CAPTION}">{said}</figcaption></figure>'
        )
    return Html(f'<div style="{_CELLS}">{"".join(parts)}</div>{small_print(note)}')


def _image(picture: bytes, style: str, alternative: str) -> str:
    """A PNG file within HTML."""
    source = base64.b64encode(picture).decode()
    return f'<img style="{style}" alt="{html.escape(alternative)}" src="data:image/png;base64,{source}">'
