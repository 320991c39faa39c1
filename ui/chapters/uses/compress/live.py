"""The visitor's digit, really compressed: what the browser commits when the hand rests, which is not trusted."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

import numpy as np

from ui.chapters.uses.compress.methods import bits_back, grid, pca, setting
from ui.once import once
from vae_core.coding.files import PNG, WEBP_LOSSLESS, FileKind, jpeg, webp
from vae_core.coding.stream import CHECKSUM_BITS
from vae_core.datasets.images import binarise
from vae_core.errors import CorruptStream, MeasureError

SIDE = 28
BROKEN = "The digit did not arrive whole, so nothing was compressed: change it a little."
EMPTY = "Nothing is on the board. Draw a digit, or take one from the row."
HEAD_BITS = 16  # which coder, how many images
GRID, PCA_NAME, BITS_BACK = "Codebook and prior", "PCA, rounded", "VAE, bits-back"


@dataclass(frozen=True)
class Coded:
    """An image in one method's bits.

    Attributes:
        name: of the method.
        data: the stream or file.
        bits: of it; for bits-back what it adds to the stack.
        image: uint8 (H, W), decoded from `data`.
        mse: per pixel, pixels in [0, 1].
        note: what else to know.
    """

    name: str
    data: bytes
    bits: float
    image: np.ndarray
    mse: float
    note: str = ""


def image_of(asked: Any) -> bytes | None:
    """The pixels that a browser sent, one byte each; None where nothing was sent.

    Raises:
        MeasureError: they are no image of the board, or nothing is on it.
    """
    if asked is None:
        return None
    try:
        raw = base64.b64decode(asked, validate=True) if isinstance(asked, str) and len(asked) <= 2 * SIDE**2 else b""
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != SIDE**2:
        raise MeasureError(BROKEN)
    if not any(raw):
        raise MeasureError(EMPTY)
    return raw


def _flat(raw: bytes) -> np.ndarray:
    return np.frombuffer(raw, np.uint8)[None].astype(np.float32) / 255


def _coded(name: str, data: bytes, image: np.ndarray, raw: bytes, note: str = "") -> Coded:
    own = np.frombuffer(raw, np.uint8).reshape(SIDE, SIDE)
    mse = float(np.square(image / 255.0 - own / 255.0).mean())
    return Coded(name, data, 8 * len(data), image, mse, note)


def _bytes(pixels: np.ndarray) -> np.ndarray:
    return np.rint(255 * pixels.reshape(SIDE, SIDE)).astype(np.uint8)


def file_kinds() -> tuple[FileKind, ...]:
    """The kinds of files shown, lossy ones at the quality chosen on validation digits."""
    return (
        PNG,
        WEBP_LOSSLESS,
        jpeg(round(setting("jpeg_alone"))),
        webp(round(setting("webp_alone"))),
    )


@once(maxsize=256)
def compressed(raw: bytes) -> tuple[Coded, ...]:
    """The image in every method's bits, each decoded again from them.

    Args:
        raw: uint8 pixels.
    """
    pixels = _flat(raw)
    _, bits, stream = grid().compress(pixels, setting("grid", ""))
    numbers = pca().numbers(pixels)
    other = pca().encode(numbers)
    found = [
        _coded(
            GRID,
            stream,
            _bytes(grid().images(grid().decode(stream))),
            raw,
            f"{bits.sum():.1f} say the codes, {CHECKSUM_BITS} are a checksum, {HEAD_BITS} a head",
        ),
        _coded(PCA_NAME, other, _bytes(pca().images(pca().decode(other))), raw, "checksum and head as above"),
    ]
    for kind in file_kinds():
        data = kind.encode(np.frombuffer(raw, np.uint8).reshape(SIDE, SIDE))
        found.append(_coded(kind.name, data, kind.decode(data), raw))
    return tuple(found)


@once(maxsize=256)
def chained(raw: bytes) -> Coded:
    """The image in black and white, by bits-back coding."""
    image = binarise(_flat(raw)).astype(np.uint8)
    coder = bits_back()
    chain = coder.encode(image)
    decoded = (255 * coder.decode(chain.data)).reshape(SIDE, SIDE).astype(np.uint8)
    paid, borrowed = chain.net_bits + chain.borrowed[0], chain.borrowed[0]
    return Coded(
        BITS_BACK,
        chain.data,
        chain.net_bits,
        decoded,
        float(np.square(decoded / 255.0 - image.reshape(SIDE, SIDE)).mean()),
        f"{paid:.0f} written, {borrowed:.0f} of them borrowed bits that come back; of the digit in black and white",
    )


def damaged(data: bytes, flip: int | None, keep: int) -> bytes:
    """A stream with one bit flipped, and cut.

    Args:
        data: the stream.
        flip: which bit, from 1; None for none.
        keep: bits kept; what is beyond the last whole byte is 0.
    """
    changed = bytearray(data)
    if flip is not None:
        changed[(flip - 1) // 8] ^= 128 >> (flip - 1) % 8
    kept = bytes(changed[: -(-keep // 8)])
    if keep % 8 and kept:
        kept = kept[:-1] + bytes([kept[-1] & (0xFF << 8 - keep % 8) & 0xFF])
    return kept


@dataclass(frozen=True)
class Reading:
    """What comes of a damaged stream.

    Attributes:
        error: what the decoder says; empty if it noticed nothing.
        image: uint8 (H, W) that it shows, or would show without a checksum; None where there is none.
    """

    error: str
    image: np.ndarray | None


@once(maxsize=256)
def read_again(method: str, data: bytes) -> Reading:
    """Decode a damaged stream of the codebook's, or a damaged file, by the name of its method."""
    if method == GRID:
        try:
            return Reading("", _bytes(grid().images(grid().decode(data))))
        except CorruptStream as error:
            try:
                return Reading(str(error), _bytes(grid().image_of_damaged(data)))
            except CorruptStream:
                return Reading(str(error), None)
    kind = next(kind for kind in file_kinds() if kind.name == method)
    try:
        return Reading("", kind.decode(data))
    except CorruptStream as error:
        return Reading(str(error), None)


def bit_string(data: bytes, most: int) -> tuple[str, int]:
    """The first bits as 0 and 1 in groups of eight, and how many are left out."""
    bits = [f"{byte:08b}" for byte in data[: most // 8]]
    return " ".join(bits), max(0, 8 * len(data) - most)
