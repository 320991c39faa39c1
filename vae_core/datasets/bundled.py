"""Image sets that need no download: 5,000 MNIST digits shipped with the package, and scikit-learn's digits."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

SAMPLE_FILE = Path(__file__).resolve().parents[1] / "data" / "mnist_sample.npz"
SAMPLE_HELD_OUT = 500
DIGITS_HELD_OUT = 360


@cache
def mnist_sample() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The 5,000 bundled digits, 500 of each class, interleaved by class.

    Returns:
        images uint8 (5000, 1, 28, 28), labels int64 (5000,), and their positions int64 (5000,) in the official
        MNIST training set. Source and licence: ``vae_core/data/README.md``.
    """
    with np.load(SAMPLE_FILE, allow_pickle=False) as file:
        arrays = file["images"][:, None], file["labels"].astype(np.int64), file["positions"].astype(np.int64)
    for array in arrays:
        array.setflags(write=False)  # cached and shared between callers
    return arrays


def load_mnist_sample(split: str, _root: Path, _download: bool) -> tuple[np.ndarray, np.ndarray]:
    """First 4,500 to train on (450 per class), last 500 held out (50 per class), also used as the test split."""
    images, labels, _ = mnist_sample()
    part = slice(None, -SAMPLE_HELD_OUT) if split == "train" else slice(-SAMPLE_HELD_OUT, None)
    return images[part], labels[part]


def _digits_table() -> np.ndarray:
    """scikit-learn's digits: (1797, 65), 64 pixel counts and the label.

    Read from its file: importing scikit-learn for it takes as long as training a small model.
    """
    found = find_spec("sklearn")
    for folder in (found.submodule_search_locations or []) if found else []:
        file = Path(folder) / "datasets" / "data" / "digits.csv.gz"
        if file.is_file():
            return np.loadtxt(file, delimiter=",")
    from sklearn.datasets import load_digits as sklearn_digits  # a release that stores the file elsewhere

    bunch = sklearn_digits()
    return np.column_stack([bunch.data, bunch.target])


@cache
def _digits() -> tuple[np.ndarray, np.ndarray]:
    table = _digits_table()
    counts, labels = table[:, :64].reshape(-1, 1, 8, 8), table[:, 64].astype(np.int64)
    images = np.rint(counts * (255.0 / 16.0)).astype(np.uint8)  # pixel counts 0..16 -> 0..255
    # Consecutive digits come from the same writer; a fixed shuffle mixes the writers over the splits.
    order = np.random.default_rng(0).permutation(len(images))
    return images[order], labels[order]


def load_digits(split: str, _root: Path, _download: bool) -> tuple[np.ndarray, np.ndarray]:
    """1,437 to train on, 360 held out, also used as the test split."""
    images, labels = _digits()
    part = slice(None, -DIGITS_HELD_OUT) if split == "train" else slice(-DIGITS_HELD_OUT, None)
    return images[part], labels[part]
