"""A visitor's own images in the app: read, looked at, kept within a quota."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ui.pictures import tiles
from ui.training import desk
from vae_core import datasets
from vae_core.datasets import own
from vae_core.datasets.reading import OwnImages, read_file, read_files
from vae_core.errors import UnusableImages

MOST_SENT = 60_000_000  # bytes, of all files of one upload
MOST_KEPT = 2_000_000_000  # bytes, of everybody's sets together
MOST_OF_ONE = 200_000_000  # bytes, of one visitor's
IN_USE = 600.0  # seconds for which a set that was shown counts as in use
VISITORS_KEPT = 1_000
PREVIEWED = 24


@dataclass
class _Shelf:
    """Who sent which sets, and when each was last shown; the lock guards it, and lets one upload be read at a time."""

    sent: OrderedDict[str, list[str]] = field(default_factory=OrderedDict)
    shown: OrderedDict[str, float] = field(default_factory=OrderedDict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    reading: threading.Lock = field(default_factory=threading.Lock)


_shelf = _Shelf()


def read_upload(files: Sequence[tuple[str, bytes]], size: int, colour: str) -> OwnImages:
    """What was uploaded, (name, content) each: one zip, one npz, or pictures.

    Raises:
        UnusableImages: with the sentence to show.
    """
    total = sum(len(content) for _, content in files)
    if total > MOST_SENT:
        raise UnusableImages(
            f"these files have {total / 1e6:.0f} MB together; send at most {MOST_SENT / 1e6:.0f}, or train from the "
            "command line with --images, which reads a folder of any size."
        )
    # One at a time: decoding takes the processor that everybody's pages need.
    with _shelf.reading:
        if len(files) == 1:
            name, content = files[0]
            return read_file(name, content, size=size, colour=colour)
        if packed := [name for name, _ in files if name.lower().endswith((".zip", ".npz"))]:
            raise UnusableImages(f"{packed[0]} is one of several files; send one archive alone, or pictures alone.")
        return read_files(files, size=size, colour=colour)


def keep(images: OwnImages, visitor: str) -> str:
    """File a set under its name, after making room for it.

    Raises:
        DatasetUnavailable: the folder cannot be written to.
    """
    root = datasets.data_root()
    name = own.file(images, root)
    with _shelf.lock:
        mine = _shelf.sent.setdefault(visitor, [])
        if name not in mine:
            mine.append(name)
        _shelf.sent.move_to_end(visitor)
        while len(_shelf.sent) > VISITORS_KEPT:
            _shelf.sent.popitem(last=False)
        _shelf.shown[name] = time.monotonic()
        _make_room(visitor, name)
    return name


def offered(visitor: str, linked: str = "") -> tuple[str, ...]:
    """Sets that a visitor may choose: their own, that of the link, and those filed by the command line."""
    with _shelf.lock:
        mine = set(_shelf.sent.get(visitor, ()))
        others = {name for names in _shelf.sent.values() for name in names} - mine
    return tuple(
        sorted(
            entry.name for entry in own.filed(datasets.data_root()) if entry.name == linked or entry.name not in others
        )
    )


def in_use() -> frozenset[str]:
    """Names of the sets that a job or a page needs."""
    needed = {spec.dataset for spec in desk().specs}
    limit = time.monotonic() - IN_USE
    return frozenset(needed | {name for name, when in list(_shelf.shown.items()) if when >= limit})


def note_shown(name: str) -> None:
    """A page shows a run on this dataset: its images stay for a while."""
    if own.shape_in(name):
        with _shelf.lock:
            _shelf.shown[name] = time.monotonic()
            _shelf.shown.move_to_end(name)
            while len(_shelf.shown) > VISITORS_KEPT:
                _shelf.shown.popitem(last=False)


def _make_room(visitor: str, newest: str) -> None:
    root = datasets.data_root()
    others = {name for who, names in _shelf.sent.items() if who != visitor for name in names}
    sizes = {entry.name: entry.size for entry in own.filed(root)}
    mine = [name for name in _shelf.sent[visitor] if name in sizes]
    needed = in_use()
    for name in list(mine):
        if sum(sizes[each] for each in mine) <= MOST_OF_ONE:
            break
        if name in needed or name in others or name == newest:
            continue
        own.remove(name, root)
        mine.remove(name)
    _shelf.sent[visitor] = mine
    own.make_room(root, MOST_KEPT, needed | {newest})


def preview(images: OwnImages) -> bytes:
    """Some of the images, evenly chosen, as a PNG file of tiles."""
    count = len(images.images)
    chosen = images.images[np.unique(np.linspace(0, count - 1, min(PREVIEWED, count)).astype(int))]
    _, channels, height, width = chosen.shape
    return tiles(chosen.reshape(len(chosen), -1) / 255.0, (channels, height, width), columns=12)


def summary(images: OwnImages) -> str:
    """What was read, in a sentence."""
    count, channels, height, width = images.images.shape
    held_out = own.held_out_count(count)
    kind = "grey" if channels == 1 else "colour"
    classes = len(images.label_names)
    named = "1 class" if classes == 1 else f"{classes} classes"
    return (
        f"{count:,} {kind} images of {height} × {width} pixels, {named}; {count - held_out:,} to learn from, "
        f"{held_out:,} held out."
    )


def left_out(images: OwnImages) -> str:
    """Which files were not used, and why: a list in markdown; empty if all were."""
    if not images.left_out_count:
        return ""
    lines = [f"- `{name.replace('`', '')}` {why}" for name, why in images.left_out]
    if more := images.left_out_count - len(images.left_out):
        lines.append(f"- and {more:,} more")
    return "\n".join(lines)
