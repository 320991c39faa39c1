"""Sets of a user's own images, stored under a name derived from their content.

The same images get the same name, so a run on them has the same key wherever it is trained. A set is one file in
``own/`` of the data root, verified by its SHA-256 on every read, without pickle.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vae_core import archive
from vae_core.datasets.images import Factor
from vae_core.datasets.names import cleaned
from vae_core.datasets.reading import OwnImages
from vae_core.errors import DamagedRun, DatasetUnavailable, OtherFormat, StoreError

SUFFIX = ".safetensors"
_NAME = re.compile(r"own-(\d)x(\d{1,4})x(\d{1,4})-[0-9a-f]{12}")
_WAITED_TOO_LONG = "your images waited too long to be accepted and were removed; send them again."
HELD_OUT_SHARE, FEWEST_HELD_OUT = 0.1, 11  # more than the ten neighbours of the measurements
FEWEST_TO_HALVE = 400  # held-out images: with fewer, half of them measures too little


@dataclass(frozen=True)
class StoredSet:
    """A set in the folder.

    Attributes:
        name: derived from its content.
        title: what it was read from.
        count: images.
        label_names: class names.
        size: of its file, in bytes.
        used: when it was last read, in seconds since the epoch.
        factors: its known factors, if any.
    """

    name: str
    title: str
    count: int
    label_names: tuple[str, ...]
    size: int
    used: float
    factors: tuple[Factor, ...] = ()


class Shares(NamedTuple):
    """How many images of a set each split has.

    Attributes:
        training, validation: of these.
        test: of this; 0 where it is the same images as validation.
    """

    training: int
    validation: int
    test: int


def shape_in(name: str) -> tuple[int, int, int] | None:
    """(C, H, W) of a set, from its name alone; None if it is not the name of a set."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    channels, height, width = map(int, found.groups())
    return channels, height, width


def name_of(own: OwnImages) -> str:
    """``own-CxHxW-`` and 12 hex digits of a hash of images, labels and class names, and of factors if there are any."""
    digest = hashlib.blake2b(digest_size=6)
    digest.update(repr((own.images.shape, own.label_names)).encode())
    digest.update(np.ascontiguousarray(own.images).data)
    digest.update(np.ascontiguousarray(own.labels, dtype="<i8").data)
    if own.factor_values is not None:
        digest.update(repr([factor.name for factor in own.factors]).encode())
        digest.update(np.ascontiguousarray(own.factor_values, dtype="<f4").data)
    _, channels, height, width = own.images.shape
    return f"own-{channels}x{height}x{width}-{digest.hexdigest()}"


def folder(root: Path) -> Path:
    """The folder of the sets below a data root."""
    return root / "own"


def save(own: OwnImages, root: Path) -> str:
    """Store a set; returns its name.

    Raises:
        DatasetUnavailable: the folder cannot be written to, or the disk is full.
    """
    return _write(own, folder(root))


def waiting(root: Path) -> Path:
    """The folder of sets that were read but not accepted yet."""
    return folder(root) / ".waiting"


def save_waiting(own: OwnImages, root: Path) -> str:
    """Store a set until `accept` is called for it; returns its name. Errors as of `save`."""
    return _write(own, waiting(root))


def waiting_size(name: str, root: Path) -> int:
    """Size of a waiting set, in bytes.

    Raises:
        DatasetUnavailable: it is no longer there.
    """
    try:
        return (waiting(root) / f"{name}{SUFFIX}").stat().st_size
    except OSError as error:
        raise DatasetUnavailable(_WAITED_TOO_LONG) from error


def accept(name: str, root: Path) -> None:
    """Move a waiting set to the others; if it is already there, only mark it as used.

    Raises:
        DatasetUnavailable: it is no longer there, or its file cannot be moved.
    """
    if shape_in(name) is None:
        raise DatasetUnavailable(f"{name[:60]!r} is not the name of a set of images.")
    kept = folder(root) / f"{name}{SUFFIX}"
    try:
        waits = waiting(root) / kept.name
        if waits.exists():
            waits.replace(kept)
        os.utime(kept)  # used now
    except FileNotFoundError as error:
        raise DatasetUnavailable(_WAITED_TOO_LONG) from error
    except OSError as error:
        raise DatasetUnavailable(f"your images could not be kept ({error.strerror or error}).") from error


def _write(own: OwnImages, target: Path) -> str:
    name, tensors = name_of(own), {"images": own.images, "labels": own.labels}
    document: dict[str, Any] = {"title": own.title, "label_names": list(own.label_names)}
    if own.factor_values is not None:
        tensors["factors"] = own.factor_values
        document["factors"] = [{"name": each.name, "low": each.low, "high": each.high} for each in own.factors]
    try:
        archive.write(target / f"{name}{SUFFIX}", tensors, document)
    except StoreError as error:
        raise DatasetUnavailable(
            f"your images could not be kept in {target} ({error.__cause__}); free some space, or choose another "
            "folder with --data-root or VAE_DATA."
        ) from error
    return name


def shares(count: int) -> Shares:
    """Of so many images a tenth, at least 11, are held out; see `halves`."""
    held_out = max(FEWEST_HELD_OUT, round(HELD_OUT_SHARE * count))
    validation, test = halves(held_out)
    return Shares(count - held_out, validation, test)


def halves(held_out: int) -> tuple[int, int]:
    """How many of so many held-out images are to validate on, and how many to test on; 0 if there are too few."""
    test = held_out // 2 if held_out >= FEWEST_TO_HALVE else 0
    return held_out - test, test


def load_own(name: str, split: str, root: Path, download: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """One split of a fixed shuffle: validation images first, then test images, then those to learn from, see `shares`.

    Raises:
        DatasetUnavailable: the set is not here, or its file is damaged.
    """
    del download  # there is nothing to download
    tensors = _tensors(name, root)
    part = _part(split, len(tensors["images"]))
    return tensors["images"][part], tensors["labels"][part]


def load_factors(name: str, split: str, root: Path) -> np.ndarray:
    """Values of a set's known factors, float32 (N, F), a row for each image of `load_own`; errors as of that."""
    values = _tensors(name, root)["factors"]
    return values[_part(split, len(values))]


def _tensors(name: str, root: Path) -> dict[str, np.ndarray]:
    path = folder(root) / f"{name}{SUFFIX}"
    try:
        tensors, _ = archive.read(path)
    except FileNotFoundError as error:
        raise DatasetUnavailable(
            f"the images {name} are not in {folder(root)}; read them again with 'python -m vae_core train --images …'."
        ) from error
    except OtherFormat as error:
        raise DatasetUnavailable(str(error)) from error
    except DamagedRun as error:
        raise DatasetUnavailable(f"{error} Delete it and read the images again.") from error
    except OSError as error:
        raise DatasetUnavailable(f"{path} cannot be read ({error.strerror or error}).") from error
    note_used(name, root)
    return tensors


def _part(split: str, count: int) -> np.ndarray:
    """Which of so many images belong to a split."""
    order = np.random.default_rng(0).permutation(count)
    _, validation, test = shares(count)
    if split == "train":
        return order[validation + test :]
    if split == "test" and test:
        return order[validation : validation + test]
    return order[:validation]


def note_used(name: str, root: Path) -> None:
    """Record in its file's time that a set was used now; the least recently used set is removed first."""
    with suppress(OSError):  # nothing is removed from a read-only folder either
        os.utime(folder(root) / f"{name}{SUFFIX}")


def describe(name: str, root: Path) -> StoredSet | None:
    """A set in the folder, from the header of its file; None if it is not there or cannot be read."""
    path = folder(root) / f"{name}{SUFFIX}"
    try:
        state = path.stat()
        return _described(path, state.st_ino, state.st_size, state.st_mtime)
    except (OSError, DamagedRun, KeyError, TypeError, ValueError):
        return None


@lru_cache(maxsize=256)
def _described(path: Path, inode: int, size: int, used: float) -> StoredSet:
    del inode
    document = archive.read_document(path)
    count = archive.read_shapes(path)["images"][0]
    names = tuple(cleaned(str(name)) for name in document["label_names"])  # older sets have them as they came
    factors = tuple(
        Factor(cleaned(str(each["name"])), low=float(each["low"]), high=float(each["high"]))
        for each in document.get("factors", ())
    )
    return StoredSet(path.name.removesuffix(SUFFIX), cleaned(str(document["title"])), count, names, size, used, factors)


def stored_sets(root: Path) -> list[StoredSet]:
    """All sets in the folder, the least recently used first."""
    names = [path.name.removesuffix(SUFFIX) for path in folder(root).glob(f"own-*{SUFFIX}")]
    found = [entry for name in names if shape_in(name) and (entry := describe(name, root))]
    return sorted(found, key=lambda entry: entry.used)


def remove(name: str, root: Path) -> None:
    """Remove a set, if it is there."""
    if shape_in(name):
        (folder(root) / f"{name}{SUFFIX}").unlink(missing_ok=True)


def make_room(root: Path, most: int, most_sets: int, keep: frozenset[str] = frozenset()) -> list[str]:
    """Remove the least recently used sets until the rest is within the limits; returns their names.

    Args:
        root: the data root.
        most: limit on their total size, in bytes.
        most_sets: limit on their number.
        keep: names of sets in use, which are not removed.
    """
    entries = stored_sets(root)
    total, count = sum(entry.size for entry in entries), len(entries)
    removed = []
    for entry in entries:
        if total <= most and count <= most_sets:
            break
        if entry.name in keep:
            continue
        remove(entry.name, root)
        total, count = total - entry.size, count - 1
        removed.append(entry.name)
    return removed


def remove_stale(root: Path, most: int, longest: float) -> None:
    """Remove sets that have waited for more than `longest` seconds, and the oldest beyond `most` bytes in total.

    This includes the incomplete files of processes that were killed.
    """
    total = 0
    for written, size, path in sorted(_files(waiting(root)), reverse=True):
        total += size
        if total > most or time.time() - written > longest:
            path.unlink(missing_ok=True)


def _files(parent: Path) -> Iterator[tuple[float, int, Path]]:
    """(time, bytes, path) of the files in a folder."""
    for path in parent.glob("*"):
        with suppress(FileNotFoundError):  # moved or removed meanwhile
            state = path.stat()
            yield state.st_mtime, state.st_size, path
