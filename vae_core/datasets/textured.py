"""Digits on textures, with what the digit is and where it lies: pictures to learn to cut a figure out of its ground.

Each picture is made at load of one of the 5,000 bundled digits and a crop of one of three photographs that come with
scikit-image, brick, grass and gravel. It depends on the digit's number alone, not on which others are made.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from vae_core.datasets.bundled import mnist_sample

HELD_OUT = 500  # digits to validate on, and as many to test on
TEXTURES = ("brick", "grass", "gravel")
SHRINK = 2  # so many pixels of a photograph, down and across, become one
SIDE = 28
GROUND = (0.1, 0.55)  # the darkest and the brightest pixel of every crop
INK = (0.75, 1.0)  # the range from which a digit's level is drawn
SEED = 1979
TARGETS = ("clean", "mask")
# Columns of a texture, as shares of its width: no crop of one split sees what a crop of another does.
_COLUMNS = {"train": (0.0, 0.6), "validation": (0.6, 0.8), "test": (0.8, 1.0)}
_DIGITS = {
    "train": slice(None, -2 * HELD_OUT),
    "validation": slice(-2 * HELD_OUT, -HELD_OUT),
    "test": slice(-HELD_OUT, None),
}


@cache
def texture(name: str) -> np.ndarray:
    """A photograph, each pixel the mean of `SHRINK` by `SHRINK` of the original's: float32 (256, 256) in [0, 1]."""
    from skimage import data  # takes half a second to import

    levels = getattr(data, name)().astype(np.float32) / 255.0  # (512, 512)
    height, width = (extent // SHRINK for extent in levels.shape)
    small: np.ndarray = levels.reshape(height, SHRINK, width, SHRINK).mean(axis=(1, 3))
    small.setflags(write=False)  # cached and shared between callers
    return small


def ground(name: str, split: str, generator: np.random.Generator) -> np.ndarray:
    """A crop of a texture from the columns of a split, mirrored half the time, its levels stretched to `GROUND`.

    Returns:
        float32 (28, 28).
    """
    whole = texture(name)
    first, end = (round(share * whole.shape[1]) for share in _COLUMNS[split])
    top = generator.integers(len(whole) - SIDE + 1)
    left = generator.integers(first, end - SIDE + 1)
    crop = whole[top : top + SIDE, left : left + SIDE]
    if generator.random() < 0.5:
        crop = crop[:, ::-1]
    low, high = GROUND
    return low + (high - low) * (crop - crop.min()) / (crop.max() - crop.min())


def picture(digit: np.ndarray, number: int, split: str) -> np.ndarray:
    """A digit on a texture.

    The digit's grey value says how much of its ink covers the ground, and the ink is one level of `INK`; half of all
    pictures are inverted, so that neither the bright nor the dark is always the figure.

    Args:
        digit: uint8 (28, 28).
        number: of the digit among the bundled ones; it fixes texture, crop, ink and inversion.
        split: whose columns of the texture are used.

    Returns:
        uint8 (28, 28).
    """
    generator = np.random.default_rng((SEED, number))
    under = ground(TEXTURES[generator.integers(len(TEXTURES))], split, generator)
    ink, cover = generator.uniform(*INK), digit / np.float32(255.0)
    levels = under * (1.0 - cover) + ink * cover
    if generator.random() < 0.5:
        levels = 1.0 - levels
    return np.rint(255.0 * levels).astype(np.uint8)


@cache
def _pictures(split: str) -> np.ndarray:
    digits, _, _ = mnist_sample()
    numbers = range(len(digits))[_DIGITS[split]]
    made = np.stack([picture(digits[number, 0], number, split) for number in numbers])[:, None]
    made.setflags(write=False)  # cached and shared between callers
    return made


def load_textured(split: str, _root: Path, _download: bool) -> tuple[np.ndarray, np.ndarray]:
    """4,000 to train on, 500 to validate on, 500 others to test on, each of other digits and on other ground."""
    return _pictures(split), mnist_sample()[1][_DIGITS[split]]


def textured_targets(split: str, _root: Path) -> dict[str, np.ndarray]:
    """``clean``, the digit alone on black, and ``mask``, white where more than half is ink: uint8 (N, 1, 28, 28)."""
    digits = mnist_sample()[0][_DIGITS[split]]
    return {"clean": digits, "mask": np.where(digits > 127, np.uint8(255), np.uint8(0))}
