"""Named image sets as arrays.

`load(name, split)` gives an `ImageDataset`. Names and splits:

====================  =====================  ====================  ==========================
name                  train                  validation            test
====================  =====================  ====================  ==========================
mnist                 55,000 (official       the bundled 5,000     official 10,000
                      train less bundled)    (needs no download)
mnist_sample          4,500 of the bundled   500 of the bundled    the same 500
digits                1,437 of 1,797         360                   the same 360
fashion_mnist, kmnist 55,000                 last 5,000 of train   official 10,000
s_curve               5,000 points           1,000                 the same 1,000
heads, heads_64       6,400 of 8,000         800                   800 others
textured              4,000 of the bundled   500 others            500 others
olivetti              320 photographs of     40 of 4 others        40 of 4 others
                      32 people
own-…                 nine tenths of a       a tenth, or from      the same tenth, or
                      user's set, see `own`  4,000 images on half  its other half
                                             of it
====================  =====================  ====================  ==========================

Models trained on ``mnist`` never see the bundled 5,000, so what the app shows offline is always held out.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from vae_core import plugins
from vae_core.clone import HOME
from vae_core.datasets import bundled, downloaded, heads, own, photographs, points, textured
from vae_core.datasets.images import Factor, ImageDataset
from vae_core.errors import SpecError, UnknownName

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class DatasetInfo:
    """Properties of a dataset that are known without loading it."""

    title: str
    image_shape: tuple[int, int, int]
    training_images: int
    label_names: tuple[str, ...]
    arrays: Callable[[str, Path, bool], tuple[np.ndarray, np.ndarray]]
    """(split, root, download) -> uint8 images (N, C, H, W) and int64 labels (N,)."""
    factors: tuple[Factor, ...] = ()
    factor_values: Callable[[str, Path], np.ndarray] | None = None
    """(split, root) -> float32 (N, F), a row for each image; None if no factors are known."""
    files_are_here: Callable[[Path], bool] | None = None
    """Whether its files are in a data root; None if it needs none from there."""
    classes_held_out: bool = False
    """Whether held-out images are of classes that no training image has."""
    targets: tuple[str, ...] = ()
    """Names of the other images that a model may learn to give for each of these."""
    target_images: Callable[[str, Path], dict[str, np.ndarray]] | None = None
    """(split, root) -> uint8 (N, C, H, W) for each of `targets`; None if there are none."""

    @property
    def pictures(self) -> bool:
        """Whether the images are pictures rather than coordinates of points."""
        return self.image_shape[1] > 1

    @property
    def to_rebuild(self) -> bool:
        """Whether they are pictures that a model shall rebuild, rather than ones to learn other images from."""
        return self.pictures and not self.targets

    @property
    def classified(self) -> bool:
        """Whether a classifier can learn the classes: there are several, and held-out images are of the same ones."""
        return len(self.label_names) > 1 and not self.classes_held_out


def data_root(root: str | os.PathLike[str] | None = None) -> Path:
    """The folder that holds downloaded images: `root`, else ``$VAE_DATA``, else ``data/`` in the clone, or
    in the current folder where the package is installed by itself."""
    chosen = root or os.environ.get("VAE_DATA")
    return Path(chosen).expanduser() if chosen else HOME / "data"


def register_dataset(name: str, known: DatasetInfo) -> None:
    """Register a dataset defined outside this package.

    Raises:
        ValueError: another dataset has this name.
    """
    if DATASETS.get(name, known) != known:
        raise ValueError(f"there is a dataset {name} already: {DATASETS[name].title}")
    DATASETS[name] = known


def check_name(name: object) -> str:
    """Return `name` if it is a known dataset or could name a user's own set, whether or not that is on this machine.

    Raises:
        UnknownName: naming the datasets there are.
    """
    plugins.load()
    if isinstance(name, str) and (name in DATASETS or own.shape_in(name)):
        return name
    what = f"dataset {repr(name)[:60]}"
    raise UnknownName(f"there is no {what}; choose one of {', '.join(DATASETS)}.", what=what)


def info(name: str) -> DatasetInfo:
    """Title, image shape and class names of a dataset, without loading it."""
    known = DATASETS.get(check_name(name))
    return known or _own_info(name, data_root())


def _own_info(name: str, root: Path) -> DatasetInfo:
    """Of a user's own set: the shape is part of its name, the rest needs its file."""
    shape, stored = own.shape_in(name), own.describe(name, root)
    assert shape is not None  # checked by check_name
    title = f"{stored.title}, {stored.name[-4:]}" if stored else name
    training = own.shares(stored.count).training if stored else 0
    factors = stored.factors if stored else ()
    return DatasetInfo(
        title,
        shape,
        training,
        stored.label_names if stored else (),
        partial(own.load_own, name),
        factors,
        partial(own.load_factors, name) if factors else None,
    )


def here(root: str | os.PathLike[str] | None = None) -> tuple[str, ...]:
    """The datasets of pictures to rebuild that are available without a download."""
    plugins.load()
    return tuple(name for name, known in DATASETS.items() if known.to_rebuild and is_here(name, root))


def is_here(name: str, root: str | os.PathLike[str] | None = None) -> bool:
    """Whether a dataset's training images are available without a download."""
    plugins.load()
    known = DATASETS.get(name)
    return known is None or known.files_are_here is None or known.files_are_here(data_root(root))


def load(name: str, split: str, *, root: str | os.PathLike[str] | None = None, download: bool = True) -> ImageDataset:
    """Load one split of a named dataset.

    Args:
        name: one of `DATASETS`.
        split: ``train``, ``validation`` or ``test``.
        root: where torchvision keeps its files; see `data_root`.
        download: fetch the files if they are missing.

    Raises:
        SpecError: unknown name or split.
        DatasetUnavailable: files missing, truncated or unreachable; the message says what to do.
    """
    check_name(name)
    if split not in SPLITS:
        raise SpecError(f"there is no split {repr(split)[:60]}; choose one of {', '.join(SPLITS)}.")
    known = DATASETS.get(name) or _own_info(name, data_root(root))
    images, labels = known.arrays(split, data_root(root), download)
    values = known.factor_values(split, data_root(root)) if known.factor_values else None
    targets = known.target_images(split, data_root(root)) if known.target_images else {}
    return ImageDataset(name, split, images, labels, known.label_names, known.factors, values, targets)


_DIGITS = tuple(str(digit) for digit in range(10))
_CLOTHES = ("T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
_BANDS = tuple(f"band {number}" for number in range(1, points.BANDS + 1))
_KANA = ("お o", "き ki", "す su", "つ tsu", "な na", "は ha", "ま ma", "や ya", "れ re", "を wo")


def _downloaded(title: str, name: str, label_names: tuple[str, ...], read: Callable[..., Any]) -> DatasetInfo:
    here_already = partial(downloaded.is_here, name)
    return DatasetInfo(title, (1, 28, 28), 55_000, label_names, read, files_are_here=here_already)


def _heads(size: int) -> DatasetInfo:
    return DatasetInfo(
        f"Rendered heads, {size} by {size}",
        (1, size, size),
        heads.COUNT - 2 * heads.HELD_OUT,
        ("head",),
        partial(heads.load_heads, size=size),
        heads.FACTORS,
        partial(heads.head_factors, size=size),
        lambda root: heads.file_of(size, root).is_file(),
    )


DATASETS: dict[str, DatasetInfo] = {
    "mnist": _downloaded("MNIST digits", "mnist", _DIGITS, downloaded.load_mnist),
    "mnist_sample": DatasetInfo("MNIST sample of 5,000", (1, 28, 28), 4_500, _DIGITS, bundled.load_mnist_sample),
    "digits": DatasetInfo("Small digits, 8 by 8", (1, 8, 8), 1_437, _DIGITS, bundled.load_digits),
    "fashion_mnist": _downloaded("Fashion-MNIST", "fashion_mnist", _CLOTHES, downloaded.load_fashion_mnist),
    "kmnist": _downloaded("Kuzushiji-MNIST", "kmnist", _KANA, downloaded.load_kmnist),
    "s_curve": DatasetInfo("S-curve, points in space", (1, 1, 3), 5_000, _BANDS, points.load_s_curve),
    "heads": _heads(32),
    "heads_64": _heads(64),
    "olivetti": DatasetInfo(
        "Olivetti faces, photographs",
        (1, photographs.SIDE, photographs.SIDE),
        (photographs.PEOPLE - 2 * photographs.HELD_OUT) * photographs.EACH,
        photographs.NAMES,
        photographs.load_olivetti,
        files_are_here=photographs.is_here,
        classes_held_out=True,
    ),
    "textured": DatasetInfo(
        "Digits on textures",
        (1, textured.SIDE, textured.SIDE),
        4_000,
        _DIGITS,
        textured.load_textured,
        targets=textured.TARGETS,
        target_images=textured.textured_targets,
    ),
}

__all__ = [
    "DATASETS",
    "SPLITS",
    "DatasetInfo",
    "Factor",
    "ImageDataset",
    "check_name",
    "data_root",
    "here",
    "info",
    "is_here",
    "load",
    "register_dataset",
]
