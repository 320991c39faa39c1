"""Remove old runs and leftover files from a store."""

from __future__ import annotations

import re
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from vae_core.errors import SpecError, StoreError
from vae_core.storage.budget import unmark
from vae_core.storage.manifest import shipped_keys
from vae_core.storage.store import SUFFIX, Store

DAY = 86_400.0
LEFTOVER_AGE = DAY  # a temporary file that old belongs to a process that was killed
_LEFTOVER = re.compile(r"\..*\.tmp|.*\.damaged-\d+")


@dataclass(frozen=True)
class Evicted:
    """A file that was removed, or would be.

    Attributes:
        path: of the file.
        size: in bytes.
        why: the reason, in words.
    """

    path: Path
    size: int
    why: str


def evict(
    store: Store, *, older_than: float | None = None, most: int | None = None, only_say: bool = False
) -> list[Evicted]:
    """Remove old runs, and leftovers.

    Shipped runs and runs in training are never removed. Leftovers are temporary files and damaged files set aside, once
    they are a day old, and interrupted runs older than `older_than`.

    Args:
        store: the folder.
        older_than: remove runs that are at least this many days old.
        most: remove the oldest runs until the rest has at most this many bytes.
        only_say: report what would be removed, and remove nothing.

    Returns:
        What was removed, or would be.

    Raises:
        SpecError: a limit below 0.
        StoreError: a file cannot be removed.
    """
    if (older_than is not None and not older_than >= 0) or (most is not None and most < 0):
        raise SpecError("the age in days and the size in bytes must be at least 0.")
    shipped = shipped_keys()
    now = time.time()
    gone = _leftovers(store, now, older_than)
    runs = sorted(_files(store.root.glob(f"*{SUFFIX}")))
    left = sum(size for _, _, size in runs)
    for written, path, size in runs:
        age = (now - written) / DAY
        key = path.name.removesuffix(SUFFIX)
        if key in shipped:
            continue
        if older_than is not None and age >= older_than:
            gone.append(Evicted(path, size, f"written {age:.1f} days ago"))
        elif most is not None and left > most:
            gone.append(Evicted(path, size, "among the oldest"))
        else:
            continue
        left -= size
    return gone if only_say else [entry for entry in gone if _remove(store, entry.path)]


def _files(paths: Iterable[Path]) -> Iterator[tuple[float, Path, int]]:
    """When each was written, and its bytes; without what is no file, and links that lead nowhere."""
    for path in paths:
        with suppress(OSError):  # removed meanwhile, or a link to itself
            state = path.stat()
            if stat.S_ISREG(state.st_mode):
                yield state.st_mtime, path, state.st_size


def _leftovers(store: Store, now: float, older_than: float | None) -> list[Evicted]:
    found = []
    for folder in (store.root, store.root / ".partial", store.root / ".films"):
        for written, path, size in sorted(_files(folder.glob("*")), key=lambda file: file[1]):  # hidden ones too
            age = now - written
            if _LEFTOVER.fullmatch(path.name) and age >= LEFTOVER_AGE:
                found.append(Evicted(path, size, "left over"))
            elif folder.name == ".partial" and older_than is not None and age >= older_than * DAY:
                found.append(Evicted(path, size, f"interrupted {age / DAY:.1f} days ago"))
    return found


def _remove(store: Store, path: Path) -> bool:
    """Remove a file unless its run is being trained; returns whether it was removed."""
    key = path.name.split(SUFFIX)[0].lstrip(".")
    with store.locked(key, wait=False) as held:
        if not held:
            return False
        try:
            path.unlink(missing_ok=True)
            if path == store.root / f"{key}{SUFFIX}":
                store.film_path(key).unlink(missing_ok=True)
                unmark(store, key)
        except OSError as error:
            raise StoreError(f"{path} cannot be removed ({error.strerror or error}).") from error
    return True
