"""Rendered heads whose six causes are known, shipped at 32 x 32 (docs/heads.md says how they were made)."""

from __future__ import annotations

import lzma
import zipfile
from functools import cache
from pathlib import Path

import numpy as np

from vae_core.datasets.images import Factor
from vae_core.errors import DatasetUnavailable

FILE = Path(__file__).resolve().parents[1] / "data" / "heads.npz"
COUNT, HELD_OUT = 8_000, 800
STEP = 3  # greys are multiples of this: 86 levels, so that the file stays small
FINEST = 65_535  # a factor's value is one of so many equal steps above its lowest

FACTORS = (
    Factor("smile", low=-1.0, high=1.0),  # from a frown to a smile
    Factor("open mouth", low=0.0, high=1.0),
    Factor("width", low=-0.8, high=0.8),  # in MakeHuman's measure: 1 is its widest head
    Factor("age", low=25.0, high=90.0, unit="years"),
    Factor("turn", low=-22.0, high=22.0, unit="°"),  # positive: the face looks to the picture's right
    Factor("light", low=-40.0, high=40.0, unit="°"),  # positive: from the picture's right
)
_PARTS = {
    "train": slice(None, -2 * HELD_OUT),
    "validation": slice(-2 * HELD_OUT, -HELD_OUT),
    "test": slice(-HELD_OUT, None),
}


def values_of(steps: np.ndarray) -> np.ndarray:
    """Values of the factors, float32 (N, F), from whole steps 0 to `FINEST`."""
    low, high = (np.array([getattr(factor, end) for factor in FACTORS]) for end in ("low", "high"))
    return (low + (high - low) * (np.asarray(steps) / FINEST)).astype(np.float32)


def file_of(size: int, root: Path) -> Path:
    """Where the heads of a size lie: with the package, or below a data root."""
    return FILE if size == 32 else root / "heads" / f"heads-{size}.npz"


@cache
def read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images, uint8 (N, 1, S, S), and values of `FACTORS`, float32 (N, F), of one file; read-only.

    Raises:
        DatasetUnavailable: it is missing or damaged.
    """
    again = "make it with 'python -m tools.render_heads WHEEL --size 64', see docs/heads.md"
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            levels, steps = file["levels"], file["factors"]
    except FileNotFoundError as error:
        raise DatasetUnavailable(f"there are no heads in {path}; {again}, or use heads, which are shipped.") from error
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, lzma.LZMAError) as error:
        raise DatasetUnavailable(f"the file {path} is damaged; delete it and {again}.") from error
    arrays = levels[:, None] * np.uint8(STEP), values_of(steps)
    for array in arrays:
        array.setflags(write=False)  # cached and shared between callers
    return arrays


def load_heads(split: str, root: Path, download: bool, size: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """6,400 to train on, 800 to validate on, 800 to test on; all have the label 0."""
    del download  # there is nothing to download
    images = read(file_of(size, root))[0][_PARTS[split]]
    return images, np.zeros(len(images), np.int64)


def head_factors(split: str, root: Path, size: int = 32) -> np.ndarray:
    """Values of `FACTORS` for the images of a split, float32 (N, F)."""
    return read(file_of(size, root))[1][_PARTS[split]]
