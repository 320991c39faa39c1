"""Draw the data set of heads and write it, to the same bytes every time."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np

from tools.heads.draw import Artist
from tools.heads.shape import ANCESTRIES
from vae_core.datasets.heads import COUNT, FACTORS, FINEST, STEP, values_of

SEED = 20_261_129
SEX, ANCESTRY = 0.25, 0.2  # nuisance: how far a head may lie from the mean of the sexes, and of the ancestries


def causes_of(values: np.ndarray, nuisance: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """What `Artist.draw` wants, from the factors (N, F) and numbers -1 to 1 (N, 4) for the rest; None for the mean."""
    values = np.asarray(values, dtype=np.float64)
    rest = np.zeros((len(values), 1 + len(ANCESTRIES))) if nuisance is None else nuisance
    causes = {factor.name: values[:, column] for column, factor in enumerate(FACTORS)}
    causes["sex"] = SEX * rest[:, 0]
    mean = (rest[:, 1] + rest[:, 2] + rest[:, 3]) / 3
    for column, ancestry in enumerate(ANCESTRIES, 1):
        causes[ancestry] = ANCESTRY * (rest[:, column] - mean)
    return causes


def drawn(count: int = COUNT, seed: int = SEED) -> tuple[np.ndarray, np.ndarray]:
    """Independent and uniform: steps of the factors, uint16 (N, F), and the nuisance, -1 to 1, (N, 4)."""
    steps = np.random.default_rng(seed).integers(0, FINEST, (count, len(FACTORS) + 1 + len(ANCESTRIES)), endpoint=True)
    return steps[:, : len(FACTORS)].astype(np.uint16), steps[:, len(FACTORS) :] / FINEST * 2 - 1


def levels_of(images: np.ndarray) -> np.ndarray:
    """Greys in whole `STEP`s, uint8."""
    return ((images.astype(np.int64) + STEP // 2) // STEP).astype(np.uint8)


def heads(artist: Artist, size: int, count: int = COUNT) -> dict[str, np.ndarray]:
    """The data set's arrays: ``levels`` uint8 (N, S, S) and ``factors`` uint16 (N, F)."""
    steps, nuisance = drawn()
    steps, nuisance = steps[:count], nuisance[:count]
    images = artist.draw(causes_of(values_of(steps), nuisance), size)
    return {"levels": levels_of(images), "factors": steps}


def packed(arrays: dict[str, np.ndarray]) -> bytes:
    """An npz file: as numpy's own, but packed with LZMA and without a time."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_LZMA) as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, array, version=(1, 0), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.create_system = zipfile.ZIP_LZMA, 3
            archive.writestr(entry, content.getvalue())
    return stream.getvalue()


def write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write a file of arrays, and say how large it is."""
    content = packed(arrays)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    print(f"{path}: {len(content):,} bytes")
