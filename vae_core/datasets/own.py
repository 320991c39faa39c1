"""Sets of a visitor's own images, filed under a name that is made of their content.

The same images get the same name, so a run on them has the same key wherever it is trained. A set is one file in
``own/`` of the data root, proven whole by its SHA-256 whenever it is read, and never pickled.
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

import numpy as np

from vae_core import archive
from vae_core.datasets.reading import OwnImages
from vae_core.errors import DamagedRun, DatasetUnavailable, StoreError

SUFFIX = ".safetensors"
_NAME = re.compile(r"own-(\d)x(\d{1,4})x(\d{1,4})-[0-9a-f]{12}")
_WAITED_TOO_LONG = "your images have waited too long and are gone; send them again."
HELD_OUT_SHARE, FEWEST_HELD_OUT = 0.1, 11  # more than the ten neighbours that codes are compared with


@dataclass(frozen=True)
class FiledSet:
    """A set in the folder.

    Attributes:
        name: made of its content.
        title: where it was read from.
        count: images.
        label_names: class names.
        size: of its file, in bytes.
        used: when it was last read, in seconds since the epoch.
    """

    name: str
    title: str
    count: int
    label_names: tuple[str, ...]
    size: int
    used: float


def shape_in(name: str) -> tuple[int, int, int] | None:
    """(C, H, W) of a set, from its name alone; None for what is not the name of one."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    channels, height, width = map(int, found.groups())
    return channels, height, width


def name_of(own: OwnImages) -> str:
    """``own-CxHxW-`` and 12 hex digits of a hash of images, labels and class names."""
    digest = hashlib.blake2b(digest_size=6)
    digest.update(repr((own.images.shape, own.label_names)).encode())
    digest.update(np.ascontiguousarray(own.images).data)
    digest.update(np.ascontiguousarray(own.labels, dtype="<i8").data)
    _, channels, height, width = own.images.shape
    return f"own-{channels}x{height}x{width}-{digest.hexdigest()}"


def folder(root: Path) -> Path:
    """Where sets are kept below a data root."""
    return root / "own"


def file(own: OwnImages, root: Path) -> str:
    """Keep a set; its name.

    Raises:
        DatasetUnavailable: the folder cannot be written to, or the disk is full.
    """
    return _write(own, folder(root))


def waiting(root: Path) -> Path:
    """Where sets wait that were read and are not kept yet."""
    return folder(root) / ".waiting"


def put_by(own: OwnImages, root: Path) -> str:
    """Write a set where `accept` finds it; its name. Errors as of `file`."""
    return _write(own, waiting(root))


def waiting_size(name: str, root: Path) -> int:
    """Bytes of a set that waits.

    Raises:
        DatasetUnavailable: it waits no longer.
    """
    try:
        return (waiting(root) / f"{name}{SUFFIX}").stat().st_size
    except OSError as error:
        raise DatasetUnavailable(_WAITED_TOO_LONG) from error


def accept(name: str, root: Path) -> None:
    """Keep a set that waits; nothing is left to do for one that is kept already.

    Raises:
        DatasetUnavailable: it waits no longer, or its file cannot be moved.
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


def _write(own: OwnImages, place: Path) -> str:
    name, document = name_of(own), {"title": own.title, "label_names": list(own.label_names)}
    try:
        archive.write(place / f"{name}{SUFFIX}", {"images": own.images, "labels": own.labels}, document)
    except StoreError as error:
        raise DatasetUnavailable(
            f"your images could not be kept in {place} ({error.__cause__}); free some space, or choose another "
            "folder with --data-root or VAE_DATA."
        ) from error
    return name


def held_out_count(count: int) -> int:
    """How many of a set's images are held out: a tenth, at least 11."""
    return max(FEWEST_HELD_OUT, round(HELD_OUT_SHARE * count))


def label_names(name: str, root: Path) -> tuple[str, ...]:
    """Class names of a set in a folder other than the usual one; none if it is not there."""
    filed_set = describe(name, root)
    return filed_set.label_names if filed_set else ()


def load_own(name: str, split: str, root: Path, download: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """One split: a tenth of the images, at least 11, is held out, by a fixed shuffle, and is the test split too.

    Raises:
        DatasetUnavailable: the set is not here, or its file is damaged.
    """
    del download  # they are nowhere else
    path = folder(root) / f"{name}{SUFFIX}"
    try:
        tensors, _ = archive.read(path)
    except FileNotFoundError as error:
        raise DatasetUnavailable(
            f"the images {name} are not in {folder(root)}; read them again with 'python -m vae_core train --images …'."
        ) from error
    except DamagedRun as error:
        raise DatasetUnavailable(f"{error} Delete it and read the images again.") from error
    except OSError as error:
        raise DatasetUnavailable(f"{path} cannot be read ({error.strerror or error}).") from error
    note_used(name, root)
    images, labels = tensors["images"], tensors["labels"]
    order = np.random.default_rng(0).permutation(len(images))
    held_out = held_out_count(len(images))
    part = order[held_out:] if split == "train" else order[:held_out]
    return images[part], labels[part]


def note_used(name: str, root: Path) -> None:
    """The time of a set's file says when it was last used: the longest unused is the first to go."""
    with suppress(OSError):  # of a folder that can only be read nothing is removed either
        os.utime(folder(root) / f"{name}{SUFFIX}")


def describe(name: str, root: Path) -> FiledSet | None:
    """A set in the folder, from the head of its file; None if it is not there or cannot be read."""
    path = folder(root) / f"{name}{SUFFIX}"
    try:
        state = path.stat()
        return _described(path, state.st_ino, state.st_size, state.st_mtime)
    except (OSError, DamagedRun, KeyError, TypeError, ValueError):
        return None


@lru_cache(maxsize=256)
def _described(path: Path, inode: int, size: int, used: float) -> FiledSet:
    del inode
    document = archive.read_document(path)
    count = archive.read_shapes(path)["images"][0]
    names = tuple(map(str, document["label_names"]))
    return FiledSet(path.name.removesuffix(SUFFIX), str(document["title"]), count, names, size, used)


def filed(root: Path) -> list[FiledSet]:
    """All sets in the folder, the longest unused first."""
    names = [path.name.removesuffix(SUFFIX) for path in folder(root).glob(f"own-*{SUFFIX}")]
    found = [entry for name in names if shape_in(name) and (entry := describe(name, root))]
    return sorted(found, key=lambda entry: entry.used)


def remove(name: str, root: Path) -> None:
    """Remove a set, if it is there."""
    if shape_in(name):
        (folder(root) / f"{name}{SUFFIX}").unlink(missing_ok=True)


def make_room(root: Path, most: int, most_sets: int, keep: frozenset[str] = frozenset()) -> list[str]:
    """Remove the longest unused sets until what is left fits; the names of what went.

    Args:
        root: the data root.
        most: bytes that all sets together may have.
        most_sets: how many there may be.
        keep: names of sets in use, which stay.
    """
    entries = filed(root)
    total, count = sum(entry.size for entry in entries), len(entries)
    gone = []
    for entry in entries:
        if total <= most and count <= most_sets:
            break
        if entry.name in keep:
            continue
        remove(entry.name, root)
        total, count = total - entry.size, count - 1
        gone.append(entry.name)
    return gone


def tidy(root: Path, most: int, longest: float) -> None:
    """Of what waits, remove what has waited for more than `longest` seconds, and the oldest beyond `most` bytes.

    Also what a process left half-written that was ended.
    """
    total = 0
    for written, size, path in sorted(_files(waiting(root)), reverse=True):
        total += size
        if total > most or time.time() - written > longest:
            path.unlink(missing_ok=True)


def _files(place: Path) -> Iterator[tuple[float, int, Path]]:
    """(time, bytes, path) of the files in a folder."""
    for path in place.glob("*"):
        with suppress(FileNotFoundError):  # taken meanwhile
            state = path.stat()
            yield state.st_mtime, state.st_size, path
