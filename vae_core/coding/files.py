"""Image files as everybody writes them: PNG, WebP and JPEG, of one image or of many side by side in one."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from vae_core.errors import CorruptStream

MOST_EFFORT = 6  # of WebP
LOSSLESS_EFFORT = 80  # of 100: the last 20 take 25 times as long for half a per cent


@dataclass(frozen=True)
class FileKind:
    """A way to write a grey image.

    Attributes:
        name: for people.
        format: Pillow's.
        quality: of lossy kinds, 0 to 100; None for lossless ones.
        two_tone: whether pixels are black or white, and a bit each before compression.
    """

    name: str
    format: str
    quality: int | None = None
    two_tone: bool = False

    def encode(self, image: np.ndarray) -> bytes:
        """The file of an image uint8 (H, W); two-tone ones are white above 127."""
        picture = Image.fromarray(np.ascontiguousarray(image, np.uint8))
        if self.two_tone:
            picture = picture.point(lambda value: 255 * (value > 127)).convert("1")
        out = io.BytesIO()
        if self.format == "PNG":
            picture.save(out, "PNG", optimize=True)
        elif self.format == "JPEG":
            picture.save(out, "JPEG", quality=self.quality, optimize=True)
        elif self.quality is None:
            picture.convert("L").save(out, "WEBP", lossless=True, quality=LOSSLESS_EFFORT, method=MOST_EFFORT)
        else:
            picture.convert("L").save(out, "WEBP", quality=self.quality, method=MOST_EFFORT)
        return out.getvalue()

    def decode(self, data: bytes) -> np.ndarray:
        """The image in a file: uint8 (H, W).

        Raises:
            CorruptStream: Pillow cannot read it. JPEG and WebP have no checksum: what was altered may also read as
                another image.
        """
        try:
            with Image.open(io.BytesIO(data), formats=(self.format,)) as picture:
                return np.asarray(picture.convert("L"))
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise CorruptStream(f"{self.name} cannot read it: {error}.") from error


PNG = FileKind("PNG", "PNG")
WEBP_LOSSLESS = FileKind("WebP, lossless", "WEBP")


def jpeg(quality: int) -> FileKind:
    """JPEG at a quality from 0 to 100."""
    return FileKind(f"JPEG, quality {quality}", "JPEG", quality)


def webp(quality: int) -> FileKind:
    """Lossy WebP at a quality from 0 to 100."""
    return FileKind(f"WebP, quality {quality}", "WEBP", quality)


def two_tone(kind: FileKind) -> FileKind:
    """A lossless kind with one bit a pixel."""
    return replace(kind, name=f"{kind.name}, one bit a pixel", two_tone=True)


def mosaic(images: np.ndarray) -> np.ndarray:
    """Images (N, H, W) side by side, as square as may be, black where none is left: (rows·H, columns·W)."""
    count, height, width = images.shape
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    sheet = np.zeros((rows * columns, height, width), images.dtype)
    sheet[:count] = images
    return sheet.reshape(rows, columns, height, width).transpose(0, 2, 1, 3).reshape(rows * height, columns * width)


def from_mosaic(sheet: np.ndarray, count: int, height: int, width: int) -> np.ndarray:
    """The first images of a mosaic: (count, height, width)."""
    rows, columns = sheet.shape[0] // height, sheet.shape[1] // width
    return sheet.reshape(rows, height, columns, width).transpose(0, 2, 1, 3).reshape(-1, height, width)[:count]
