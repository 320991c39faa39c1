"""The container of a compressed stream: a stack of an ANS coder (Duda 2013) with a checksum at its bottom.

One byte says which coder wrote it, one to three how many images it holds (7 bits each, the lowest first); then comes
the stack, words of 32 bits from the bottom up, the lowest byte first, without the zeros at the end. The checksum, a
CRC-32, is pushed before anything else: it costs 33 bits with the seal above it, and fills the coder's state, which
otherwise costs about as much to fill.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from vae_core.errors import CorruptStream, MissingPackage

METHODS = ("bits-back", "grid", "linear")
MOST_IMAGES = 100_000  # of one stream
CHECKSUM_BITS = 33  # with the seal
WORD = 4  # bytes
_LITTLE = np.dtype("<u4")


def constriction() -> Any:
    """The library of entropy coders (Bamler 2022).

    Raises:
        MissingPackage: it is not installed.
    """
    try:
        import constriction as library
    except ModuleNotFoundError as error:
        raise MissingPackage("coding needs the package constriction: pip install constriction.") from error
    return library


def checksum(method: str, key: str, *content: np.ndarray) -> int:
    """CRC-32 of a coder's name, its model's key, and what it codes, with its shape."""
    found = zlib.crc32(f"{method} {key}".encode())
    for array in content:
        found = zlib.crc32(f"{array.shape} {array.dtype.str}".encode(), found)
        found = zlib.crc32(np.ascontiguousarray(array).tobytes(), found)
    return found


def begin(method: str, key: str, content: np.ndarray, above: np.ndarray | None = None) -> Any:
    """An ANS coder with the checksum of what it is to code on its stack, and any further words, uint32 (n,), above."""
    above = np.zeros(0, np.uint32) if above is None else above
    first = np.array([checksum(method, key, content, above)], np.uint32)
    return constriction().stream.stack.AnsCoder(np.concatenate([first, above]), seal=True)


def finish(coder: Any, method: str, count: int) -> bytes:
    """The container of a coder's stack.

    Raises:
        ValueError: more than `MOST_IMAGES` images.
    """
    if not 0 <= count <= MOST_IMAGES:
        raise ValueError(f"a stream holds at most {MOST_IMAGES:,} images, not {count:,}")
    head, left = [METHODS.index(method)], count
    while left >= 128:
        head.append(128 | left % 128)
        left //= 128
    stack = coder.get_compressed().astype(_LITTLE).tobytes().rstrip(b"\0")
    return bytes([*head, left]) + stack


def unpack(data: bytes, method: str) -> tuple[Any, int]:
    """The coder of a container, and how many images it holds.

    Raises:
        CorruptStream: it is no container of this coder.
    """
    if not data or data[0] != METHODS.index(method):
        raise CorruptStream(f"this is no stream of the coder {method!r}: its first byte is another.")
    count, place = 0, 1
    while place < min(len(data), 4):
        byte = data[place]
        count |= (byte & 127) << 7 * (place - 1)
        place += 1
        if byte < 128:
            break
    else:
        raise CorruptStream("the stream ends, or makes no sense, before it has said how many images it holds.")
    if count > MOST_IMAGES:
        raise CorruptStream(f"the stream claims {count:,} images, and no stream holds more than {MOST_IMAGES:,}.")
    stack = data[place:]
    words = np.frombuffer(stack + bytes(-len(stack) % WORD), _LITTLE).astype(np.uint32)
    try:
        return constriction().stream.stack.AnsCoder(words), count
    except ValueError as error:  # a zero word at the end
        raise CorruptStream("the stream ends with zeros, which no coder writes: it was altered.") from error


def end(coder: Any) -> np.ndarray:
    """The words at the bottom of the stack, once everything is decoded: the checksum first, and what was put above it.

    Raises:
        CorruptStream: something else is there.
    """
    try:
        words: np.ndarray = coder.get_compressed(unseal=True)
    except (AssertionError, ValueError):  # of another length, or without the seal
        words = np.zeros(0, np.uint32)
    if not len(words):
        raise CorruptStream("the stream does not end where its last image does: it was cut or altered.")
    return words


def check(words: np.ndarray, method: str, key: str, content: np.ndarray) -> None:
    """Compare the checksum at the bottom of the stack with that of what was decoded, and of the words above it.

    Raises:
        CorruptStream: they differ.
    """
    if words[0] != checksum(method, key, content, words[1:]):
        raise CorruptStream(
            "the checksum does not fit what was decoded: the stream was altered, or written with another model or by a "
            "machine whose arithmetic differs."
        )
