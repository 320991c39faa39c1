"""The visitors' own image sets that the app keeps: who sent them, which are in use, and their limits.

All of it is stored on the disk, so that it survives a restart and several apps can share the folder: the sender of a
set is recorded as an empty file ``own/.sent/<set>~<visitor>``, its last use as the time of the set's own file. The
limits are in `vae_core.datasets.limits`.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ui.training.app_queue import training_queue
from vae_core import datasets
from vae_core.datasets import own
from vae_core.datasets.limits import IN_USE, MOST_KEPT, MOST_OF_ONE, MOST_SETS, MOST_SETS_OF_ONE
from vae_core.errors import DatasetUnavailable

NOTED_EVERY = 30.0  # seconds between two records that a set is shown
_NOTED_KEPT = 256


@dataclass
class _State:
    """Allows one set to be accepted at a time, and records when each was last noted as shown."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    noted: OrderedDict[str, float] = field(default_factory=OrderedDict)


_state = _State()


def keep(name: str, visitor: str) -> None:
    """Keep a set that was read, after removing others if necessary.

    Raises:
        DatasetUnavailable: it no longer exists, the sets in use leave no space, or the folder cannot be written to.
    """
    root = datasets.data_root()
    with _state.lock:
        _make_room(name, visitor, root)
        own.accept(name, root)
        mark = _marks(root) / f"{name}~{visitor}"
        try:
            mark.parent.mkdir(exist_ok=True)
            mark.touch()  # after the set itself: it has not been used yet
        except OSError as error:
            raise DatasetUnavailable(f"your images could not be kept ({error.strerror or error}).") from error


def offered(visitor: str, linked: str = "") -> tuple[str, ...]:
    """Sets that a visitor may choose: their own, that of the link, and those stored by the command line."""
    root = datasets.data_root()
    senders = _senders(root)
    return tuple(
        sorted(
            entry.name
            for entry in own.stored_sets(root)
            if entry.name == linked or entry.name not in senders or visitor in senders[entry.name]
        )
    )


def in_use() -> frozenset[str]:
    """Names of the sets that a job needs, or that a page or a job used recently.

    A set that was uploaded but not used since is not in use.
    """
    root = datasets.data_root()
    limit, senders = time.time() - IN_USE, _senders(root)
    lately = (
        entry.name
        for entry in own.stored_sets(root)
        if entry.used >= limit and all(entry.used > sent for sent in senders.get(entry.name, {}).values())
    )
    return frozenset({spec.dataset for spec in training_queue().specs}.union(lately))


def note_shown(name: str) -> None:
    """Record that a page shows a run on this dataset, so that its images are kept for a while."""
    now = time.monotonic()
    if own.shape_in(name) is None or now - _state.noted.get(name, -NOTED_EVERY) < NOTED_EVERY:
        return
    with _state.lock:
        _state.noted[name] = now
        _state.noted.move_to_end(name)
        while len(_state.noted) > _NOTED_KEPT:
            _state.noted.popitem(last=False)
    own.note_used(name, datasets.data_root())


def _marks(root: Path) -> Path:
    return own.folder(root) / ".sent"


def _senders(root: Path) -> dict[str, dict[str, float]]:
    """Set -> visitor -> when they sent it, in seconds since the epoch."""
    found: dict[str, dict[str, float]] = {}
    for mark in _marks(root).glob("own-*~*"):
        name, _, visitor = mark.name.partition("~")
        with suppress(FileNotFoundError):  # removed meanwhile
            found.setdefault(name, {})[visitor] = mark.stat().st_mtime
    return found


def _forget(name: str, visitor: str, root: Path) -> None:
    (_marks(root) / f"{name}~{visitor}").unlink(missing_ok=True)


def _make_room(name: str, visitor: str, root: Path) -> None:
    """Remove the least recently used sets to admit one more, first the visitor's own, then those of all.

    Raises:
        DatasetUnavailable: the remaining sets are in use.
    """
    sizes = {entry.name: entry.size for entry in own.stored_sets(root)}  # least recently used first
    senders, needed = _senders(root), in_use() | {name}
    for gone in senders.keys() - sizes.keys() - {name}:
        for each in senders[gone]:
            _forget(gone, each, root)
    new = sizes.get(name) or own.waiting_size(name, root)
    mine = [each for each in sizes if each != name and visitor in senders.get(each, {})]
    for each in list(mine):
        if _fits(mine, sizes, new, MOST_OF_ONE, MOST_SETS_OF_ONE):
            break
        if each in needed:
            continue
        if len(senders[each]) == 1:  # else others sent it too: it stays for them
            own.remove(each, root)
        _forget(each, visitor, root)
        mine.remove(each)
    if not _fits(mine, sizes, new, MOST_OF_ONE, MOST_SETS_OF_ONE):
        raise DatasetUnavailable(
            f"you may keep {MOST_OF_ONE / 1e6:.0f} MB of images and {MOST_SETS_OF_ONE} sets, and "
            f"{sum(sizes[each] for each in mine) / 1e6:.0f} MB in {len(mine)} are in use; send these when a run has "
            "ended, or send fewer."
        )
    others = 0 if name in sizes else new
    own.make_room(root, MOST_KEPT - others, MOST_SETS - 1, needed)
    left = {entry.name: entry.size for entry in own.stored_sets(root) if entry.name != name}
    if not _fits(list(left), left, new, MOST_KEPT, MOST_SETS):
        raise DatasetUnavailable("there is no room for more images while those of others are in use; try again later.")


def _fits(names: list[str], sizes: dict[str, int], new: int, most: int, most_sets: int) -> bool:
    """Whether one more set, of `new` bytes, fits beside the named ones."""
    return sum(sizes[each] for each in names) + new <= most and len(names) < most_sets
