"""Decode an untrusted picture file into a small array, or say why it cannot be used.

Nothing in a file is trusted before it is checked: its size in pixels is read from its header, and a file that
declares too many is never decoded.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from vae_core.datasets.limits import MOST_BYTES, MOST_PIXELS
from vae_core.errors import UnusableImages

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
FORMATS = ("PNG", "JPEG", "WEBP")
COLOURS = ("auto", "grey", "colour")
_TOO_LARGE = f"claims more than the {MOST_PIXELS / 1e6:.0f} million pixels that a picture may have."
_ALIKE = 2  # grey levels by which rounding and compression separate equal channels


def decode(content: bytes, size: int) -> np.ndarray:
    """A picture file as uint8 (3, size, size): cropped to its middle square, resized, transparency over black.

    An animation gives its first picture; 16 bits a channel become 8; every colour space becomes RGB.

    Args:
        content: bytes of a PNG, JPEG or WebP file.
        size: side length, in pixels.

    Raises:
        UnusableImages: not such a file, damaged, too large, or empty; the message continues after the file's name.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    if not content:
        raise UnusableImages("is empty.")
    if len(content) > MOST_BYTES:
        raise UnusableImages(f"has {len(content) / 1e6:,.0f} MB; a picture may have {MOST_BYTES / 1e6:.0f}.")
    try:
        # Pillow warns about large pictures; the check below raises an error instead.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = Image.open(io.BytesIO(content), formats=FORMATS)
            width, height = picture.size
            if width * height > MOST_PIXELS:
                raise UnusableImages(_TOO_LARGE)
            picture.load()
            upright = ImageOps.exif_transpose(picture)
            fitted = ImageOps.fit(
                _eight_bit_rgb(upright),
                (size, size),
                Image.Resampling.BOX if _is_reduced(upright, size) else Image.Resampling.BICUBIC,
            )
    except UnusableImages:
        raise
    except Image.DecompressionBombError as error:
        raise UnusableImages(_TOO_LARGE) from error
    except UnidentifiedImageError as error:
        raise UnusableImages("is not a PNG, JPEG or WebP picture.") from error
    except MemoryError as error:
        raise UnusableImages("needs more memory than there is; scale it down.") from error
    except (
        OSError,
        ValueError,
        SyntaxError,
        EOFError,
        IndexError,
        KeyError,
        TypeError,
        OverflowError,
    ) as error:
        # What Pillow raises on damaged files depends on where the damage is.
        raise UnusableImages("is damaged or ends too early.") from error
    return np.asarray(fitted, dtype=np.uint8).transpose(2, 0, 1)


def _is_reduced(picture: Image.Image, size: int) -> bool:
    return min(picture.size) >= size


def _eight_bit_rgb(picture: Image.Image) -> Image.Image:
    from PIL import Image

    if picture.mode.startswith("I;16") or picture.mode == "I":
        deep = np.asarray(picture, dtype=np.float64)
        return Image.fromarray(np.rint(np.clip(deep / 257.0, 0, 255)).astype(np.uint8)).convert("RGB")
    if picture.mode == "F":
        raise UnusableImages("holds floating-point pixels; save it with 8 or 16 bits a channel.")
    if picture.has_transparency_data:
        layered = picture.convert("RGBA")
        black = Image.new("RGBA", layered.size, (0, 0, 0, 255))
        return Image.alpha_composite(black, layered).convert("RGB")
    return picture.convert("RGB")


def all_grey(images: np.ndarray) -> bool:
    """Whether the channels of all pictures, uint8 (N, 3, H, W), are nearly equal."""
    return all((part.max(axis=1) - part.min(axis=1)).max() <= _ALIKE for part in _parts(images))


def to_grey(images: np.ndarray) -> np.ndarray:
    """Luminance with the weights of ITU-R 601: uint8 (N, 3, H, W) -> (N, 1, H, W)."""
    weights = np.array([0.299, 0.587, 0.114], np.float32)
    found = np.empty((len(images), 1, *images.shape[2:]), np.uint8)
    for part, grey in zip(_parts(images), _parts(found), strict=True):
        grey[:, 0] = np.rint(np.tensordot(part.astype(np.float32), weights, axes=((1,), (0,))))
    return found


def _parts(images: np.ndarray) -> Iterator[np.ndarray]:
    """Batches of pictures: all of them at once would need four times their memory."""
    for start in range(0, len(images), 500):
        yield images[start : start + 500]
