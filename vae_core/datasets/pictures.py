"""Decode an untrusted picture file into a small array, or say why it cannot be used.

Nothing in a file is trusted before it is checked: what it is shows in its first bytes, its size in pixels is read from
its header, and a file that declares too many is never decoded.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vae_core.datasets.limits import MOST_BYTES, MOST_PIXELS, SIZES
from vae_core.errors import UnusableImages

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".jfif", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif")
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "PPM")
READABLE = "PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF"
COLOURS = ("auto", "grey", "colour")
FITS = ("crop", "pad")
HEAD = 16  # bytes that show what a file is
_TOO_LARGE = f"claims more than the {MOST_PIXELS / 1e6:.0f} million pixels that a picture may have."
_NO_PICTURE = f"is not a picture that can be read here ({READABLE})."
_ALIKE = 2  # grey levels by which rounding and compression separate equal channels
_DARK = 64  # mean grey level of ink that would not be seen on black
_AVIF_BRANDS = (b"avif", b"avis")
_OTHER_KINDS = (  # where, the bytes there, and what to say
    (4, b"ftyp", "is a HEIC photograph or a video; export it as JPEG (on an iPhone: Settings, Camera, Formats, Most "
     "Compatible)."),
    (0, b"\0\0\0\x0cjP  ", "is a JPEG 2000 picture; save it as PNG."),
    (0, b"%PDF", "is a PDF; save its pages as PNG."),
    (0, b"8BPS", "is a Photoshop file; save it as PNG."),
    (0, b"SIMPLE  =", "is a FITS file; save it as PNG."),
    (0, b"PK\x03\x04", "is an archive within an archive; pack the pictures themselves."),
    (0, b"7z\xbc\xaf\x27\x1c", "is an archive within an archive; pack the pictures themselves."),
    (0, b"Rar!\x1a\x07", "is an archive within an archive; pack the pictures themselves."),
    (0, b"\x1f\x8b", "is an archive within an archive; pack the pictures themselves."),
)  # fmt: skip


@dataclass(frozen=True)
class Preparation:
    """How pictures become images of one size.

    Attributes:
        size: side length in pixels, one of `SIZES`; None for arrays' own, and 28 for pictures.
        colour: ``grey``, ``colour``, or ``auto``: grey if all pictures are.
        fit: ``crop`` to the middle square, or ``pad`` to a square with the colour of the picture's edge.
        stretch: make each picture's darkest value black and its brightest white.
        invert: exchange black and white.

    Raises:
        UnusableImages: a value that is not offered.
    """

    size: int | None = None
    colour: str = "auto"
    fit: str = "crop"
    stretch: bool = False
    invert: bool = False

    def __post_init__(self) -> None:
        for name, given, offered in (("colour", self.colour, COLOURS), ("fit", self.fit, FITS)):
            if given not in offered:
                raise UnusableImages(f"{name} must be one of {', '.join(offered)}, not {given[:40]!r}.")
        if self.size is not None and self.size not in SIZES:
            raise UnusableImages(
                f"images can be made {', '.join(map(str, SIZES))} pixels wide and high, not {self.size}."
            )

    @property
    def side(self) -> int:
        """The side length of pictures, in pixels."""
        return self.size or SIZES[0]

    def toned(self, images: np.ndarray) -> np.ndarray:
        """Stretched and inverted as chosen: uint8 (N, C, H, W)."""
        if self.stretch:
            images = np.concatenate([_stretched(part) for part in _parts(images)]) if len(images) else images
        return 255 - images if self.invert else images


@dataclass(frozen=True)
class Decoded:
    """A picture file as an image.

    Attributes:
        on_black: uint8 (3, S, S), what is transparent on black.
        opacity: uint8 (S, S), or None for a picture without transparency.
        ink: mean grey level of what is opaque; 0 without transparency.
        cut: share of the longer side that was cropped away.
    """

    on_black: np.ndarray
    opacity: np.ndarray | None = None
    ink: float = 0.0
    cut: float = 0.0


def kind_of(head: bytes) -> str | None:
    """Why a file cannot be read as a picture, from its first bytes; None if it may be one."""
    if not head:
        return "is empty."
    if head[4:8] == b"ftyp" and head[8:12] in _AVIF_BRANDS:
        return None
    for offset, mark, why in _OTHER_KINDS:
        if head[offset : offset + len(mark)] == mark:
            return why
    starts = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
    netpbm = head[:1] == b"P" and head[1:2] in b"456" and head[2:3].isspace()
    is_webp = head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    return None if head.startswith(starts) or netpbm or is_webp else _NO_PICTURE


def decode(content: bytes, size: int, fit: str = "crop") -> np.ndarray:
    """One picture file as uint8 (3, size, size); see `layers`."""
    return on_background([layers(content, Preparation(size, fit=fit))])[0]


def layers(content: bytes, prepared: Preparation) -> Decoded:
    """A picture file as an image: upright, made square, resized.

    An animation gives its first picture; 16 bits a channel become 8; every colour space becomes RGB.

    Args:
        content: bytes of a file of one of `FORMATS`.
        prepared: its size and how it is made square.

    Raises:
        UnusableImages: not such a file, damaged, too large, or empty; the message continues after the file's name.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    if why := kind_of(content[:HEAD]):
        raise UnusableImages(why)
    if len(content) > MOST_BYTES:
        raise UnusableImages(f"has {len(content) / 1e6:,.0f} MB; a picture may have {MOST_BYTES / 1e6:.0f}.")
    try:
        # Pillow warns about large pictures; the check below raises an error instead.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = Image.open(io.BytesIO(content), formats=_readable())
            width, height = picture.size
            if width * height > MOST_PIXELS:
                raise UnusableImages(_TOO_LARGE)
            picture.load()
            upright = ImageOps.exif_transpose(picture)
            return _fitted(upright, prepared)
    except UnusableImages:
        raise
    except Image.DecompressionBombError as error:
        raise UnusableImages(_TOO_LARGE) from error
    except UnidentifiedImageError as error:
        raise UnusableImages("is damaged, or of a kind that cannot be read here; save it as PNG.") from error
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


def _readable() -> tuple[str, ...]:
    """The formats that this build of Pillow has."""
    from PIL import features

    return tuple(name for name in FORMATS if name not in ("AVIF", "WEBP") or features.check(name.lower()))


def on_background(pictures: list[Decoded]) -> np.ndarray:
    """uint8 (N, 3, S, S), all on one background: white if the ink on transparency is dark, else black."""
    inks = [picture.ink for picture in pictures if picture.opacity is not None]
    images = np.stack([picture.on_black for picture in pictures])
    if inks and np.mean(inks) < _DARK:
        for image, picture in zip(images, pictures, strict=True):
            if picture.opacity is not None:
                image[...] = np.minimum(image.astype(np.uint16) + (255 - picture.opacity), 255)
    return images


def _fitted(picture: Image.Image, prepared: Preparation) -> Decoded:
    from PIL import Image

    opacity = None
    if picture.has_transparency_data:
        layered = picture.convert("RGBA")
        opacity = layered.getchannel("A") if np.asarray(layered)[..., 3].min() < 255 else None
        black = Image.new("RGBA", layered.size, (0, 0, 0, 255))
        ink = _mean_ink(layered)
        flat = Image.alpha_composite(black, layered).convert("RGB")
    else:
        ink, flat = 0.0, _eight_bit_rgb(picture, stretch=prepared.stretch)
    square = _square(flat, prepared, edge=opacity is None)
    clear = None if opacity is None else np.asarray(_square(opacity, prepared, edge=False), dtype=np.uint8)
    cut = 1 - min(picture.size) / max(picture.size) if prepared.fit == "crop" else 0.0
    return Decoded(np.asarray(square, dtype=np.uint8).transpose(2, 0, 1), clear, ink, cut)


def _square(picture: Image.Image, prepared: Preparation, *, edge: bool) -> Image.Image:
    """Cropped or padded, and resized by averages, or smoothly where it becomes larger."""
    from PIL import Image, ImageOps

    side = prepared.side
    if prepared.fit == "pad" and picture.width != picture.height:
        whole = max(picture.size)
        around = Image.new(picture.mode, (whole, whole), _edge_colour(picture) if edge else 0)
        around.paste(picture, ((whole - picture.width) // 2, (whole - picture.height) // 2))
        picture = around
    is_reduced = min(picture.size) >= side
    return ImageOps.fit(picture, (side, side), Image.Resampling.BOX if is_reduced else Image.Resampling.BICUBIC)


def _edge_colour(picture: Image.Image) -> tuple[int, ...]:
    """The median colour along the edges of an RGB picture."""
    pixels = np.asarray(picture)
    edges = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    return tuple(int(value) for value in np.median(edges, axis=0))


def _mean_ink(layered: Image.Image) -> float:
    """Mean grey level of an RGBA picture, weighted by opacity; white where nothing is opaque."""
    grey = np.asarray(layered.convert("RGB").convert("L"), dtype=np.float64)
    weights = np.asarray(layered.getchannel("A"), dtype=np.float64)
    return float((grey * weights).sum() / weights.sum()) if weights.any() else 255.0


def _eight_bit_rgb(picture: Image.Image, *, stretch: bool) -> Image.Image:
    from PIL import Image

    if picture.mode.startswith("I;16") or picture.mode == "I":
        deep = np.asarray(picture, dtype=np.float64)
        low, high = (deep.min(), max(deep.max(), deep.min() + 1)) if stretch else (0.0, 65_535.0)
        levels = np.rint(np.clip((deep - low) / (high - low) * 255, 0, 255)).astype(np.uint8)
        return Image.fromarray(levels).convert("RGB")
    if picture.mode == "F":
        raise UnusableImages("holds floating-point pixels; save it with 8 or 16 bits a channel.")
    return picture.convert("RGB")


def _stretched(images: np.ndarray) -> np.ndarray:
    """Each picture's darkest value becomes 0, its brightest 255; what is all one value stays."""
    low = images.min(axis=(1, 2, 3), keepdims=True).astype(np.float32)
    high = images.max(axis=(1, 2, 3), keepdims=True).astype(np.float32)
    wide = np.where(high > low, high - low, 1)
    return np.where(high > low, np.rint((images - low) / wide * 255), images).astype(np.uint8)


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


def resized(images: np.ndarray, prepared: Preparation) -> np.ndarray:
    """uint8 images (N, C, H, W) made square and of the chosen size, as pictures are."""
    from PIL import Image

    side = prepared.side
    found = np.empty((len(images), images.shape[1], side, side), np.uint8)
    for image, small in zip(images, found, strict=True):
        rgb = Image.fromarray(np.ascontiguousarray(np.broadcast_to(image, (3, *image.shape[1:])).transpose(1, 2, 0)))
        small[...] = np.asarray(_square(rgb, prepared, edge=True)).transpose(2, 0, 1)[: len(image)]
    return found


def _parts(images: np.ndarray) -> Iterator[np.ndarray]:
    """Batches of pictures: all of them at once would need four times their memory."""
    for start in range(0, len(images), 500):
        yield images[start : start + 500]
