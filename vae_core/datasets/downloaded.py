"""Image sets that torchvision downloads and reads: MNIST, Fashion-MNIST, Kuzushiji-MNIST."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vae_core.datasets.bundled import mnist_sample
from vae_core.datasets.torchvision_private import reader
from vae_core.errors import DatasetUnavailable

HELD_OUT = 5_000
READERS = {"mnist": "MNIST", "fashion_mnist": "FashionMNIST", "kmnist": "KMNIST"}  # torchvision's names
FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)  # all that torchvision asks for, even where one split is read
_INSTEAD = {"MNIST": ", or use mnist_sample, which needs no download"}


def load_mnist(split: str, root: Path, download: bool) -> tuple[np.ndarray, np.ndarray]:
    """Train is the official training set without the bundled 5,000, which are the validation split."""
    bundled_images, bundled_labels, positions = mnist_sample()
    if split == "validation":
        return bundled_images, bundled_labels
    images, labels = _official("MNIST", train=split == "train", root=root, download=download)
    if split == "test":
        return images, labels
    if not np.array_equal(images[positions], bundled_images):
        raise DatasetUnavailable(
            f"the MNIST files in {root} are not in the official order, so the held-out digits cannot be kept out of "
            "training; delete the folder and let it be downloaded again."
        )
    kept = np.ones(len(images), dtype=bool)
    kept[positions] = False
    return images[kept], labels[kept]


def load_fashion_mnist(split: str, root: Path, download: bool) -> tuple[np.ndarray, np.ndarray]:
    """Fashion-MNIST (Xiao et al. 2017), last 5,000 of the training set as validation."""
    return _last_held_out("FashionMNIST", split, root, download)


def load_kmnist(split: str, root: Path, download: bool) -> tuple[np.ndarray, np.ndarray]:
    """Kuzushiji-MNIST (Clanuwat et al. 2018), last 5,000 of the training set as validation."""
    return _last_held_out("KMNIST", split, root, download)


def is_here(name: str, root: Path) -> bool:
    """Whether the files of a dataset have been downloaded; does not import torchvision."""
    raw = root / READERS[name] / "raw"
    return all((raw / file).is_file() for file in FILES)


def _last_held_out(name: str, split: str, root: Path, download: bool) -> tuple[np.ndarray, np.ndarray]:
    images, labels = _official(name, train=split != "test", root=root, download=download)
    part = {"train": slice(None, -HELD_OUT), "validation": slice(-HELD_OUT, None), "test": slice(None)}[split]
    return images[part], labels[part]


def _official(name: str, *, train: bool, root: Path, download: bool) -> tuple[np.ndarray, np.ndarray]:
    """uint8 (N, 1, 28, 28) and int64 (N,) of one official part, downloaded on request.

    Raises:
        DatasetUnavailable: the files are missing, unreachable or damaged.
    """
    read = reader(name)
    try:
        try:
            dataset = read(str(root), train=train, download=False)
        except RuntimeError as failed:
            missing = [file for file in FILES if not (root / name / "raw" / file).is_file()]
            if not missing:
                raise DatasetUnavailable(_damaged(name, root, "a file ends too early")) from failed
            if not download:
                lacks = f"is not in {root}" if len(missing) == len(FILES) else f"in {root} lacks {missing[0]}"
                raise DatasetUnavailable(
                    f"{name} {lacks}; point VAE_DATA at a folder that has it, unpacked in {name}/raw, or train from "
                    f"the command line on a machine with a network, which downloads it{_INSTEAD.get(name, '')}."
                ) from failed
            dataset = read(str(root), train=train, download=True)
    except DatasetUnavailable:
        raise
    except (RuntimeError, OSError) as failed:
        raise DatasetUnavailable(
            f"{name} is not in {root} and could not be downloaded ({_first_line(failed)}); connect to a network, or "
            f"point VAE_DATA at a folder that has it{_INSTEAD.get(name, '')}."
        ) from failed
    except (ValueError, AssertionError, EOFError, IndexError, KeyError) as broken:
        raise DatasetUnavailable(_damaged(name, root, "one is empty, or another kind of file")) from broken
    images, labels = dataset.data.numpy()[:, None], dataset.targets.numpy().astype(np.int64)
    expected = 60_000 if train else 10_000
    if images.shape != (expected, 1, 28, 28) or labels.shape != (expected,):
        raise DatasetUnavailable(_damaged(name, root, f"{len(images):,} images where {expected:,} belong"))
    return images, labels


def _damaged(name: str, root: Path, detail: str) -> str:
    return f"the {name} files in {root} are damaged ({detail}); delete them and let them be downloaded again."


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
