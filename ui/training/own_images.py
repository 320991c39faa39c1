"""A visitor's own images in the app: read in a child process, and summarised in a few words and pictures."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ui.figures.markup import in_a_line
from ui.figures.pictures import tiles
from ui.training.in_child import Refused, TookTooMuch, read_in_child
from ui.training.turns import Turns
from vae_core import datasets
from vae_core.datasets import own
from vae_core.datasets.classes import counted
from vae_core.datasets.limits import (
    LONGEST_READING,
    LONGEST_UNDECIDED,
    MEMORY_OF_READER,
    MOST_READERS,
    MOST_SENT,
    MOST_UNDECIDED,
)
from vae_core.datasets.pictures import Preparation
from vae_core.datasets.reader import ALONE
from vae_core.errors import UnusableImages
from vae_core.sweep.plan import memory_available


def _readers() -> int:
    """How many processes may read now: each may take gigabytes, and competes with the pages for the processor."""
    free = memory_available()
    return 1 if free is None else max(1, min(MOST_READERS, int(free // MEMORY_OF_READER)))


_turns = Turns(_readers)
_tidying = threading.Lock()


@dataclass(frozen=True)
class Read:
    """Summary of an upload; the images themselves wait on the disk.

    Attributes:
        name: of the set, see `own.name_of`.
        title: name of the upload.
        shape: (N, C, H, W).
        classes: name and count of each.
        left_out: (name, reason) of some skipped files.
        left_out_count: the number of skipped files.
        notes: what the visitor should know about how they were read, or doubt, in sentences.
        preview: some of the images, as a PNG file of tiles.
    """

    name: str
    title: str
    shape: tuple[int, int, int, int]
    classes: tuple[tuple[str, int], ...]
    left_out: tuple[tuple[str, str], ...]
    left_out_count: int
    notes: tuple[str, ...]
    preview: bytes


def read_upload(
    files: Sequence[tuple[str, bytes]],
    prepared: Preparation,
    *,
    visitor: str = "",
    address: str = "",
    on_wait: Callable[[int], None] | None = None,
) -> Read:
    """Read what was uploaded, (name, content) each: one zip, one npz, or pictures.

    Args:
        files: what was uploaded.
        prepared: how pictures become images of the set.
        visitor, address, on_wait: see `Turns.turn`.

    Raises:
        UnusableImages: with a message for the visitor.
        Busy: it cannot be read now.
    """
    total = sum(len(content) for _, content in files)
    if total > MOST_SENT:
        raise UnusableImages(
            f"these files have {total / 1e6:.0f} MB together; send at most {MOST_SENT / 1e6:.0f}, or train from the "
            "command line with --images, which reads a folder of any size."
        )
    packed = [name for name, _ in files if name.lower().endswith((".zip", ".npz", ".npy"))]
    if packed and len(files) > 1:
        raise UnusableImages(f"{packed[0]} is one of several files; send one archive alone, or pictures alone.")
    root = datasets.data_root()
    with _turns.turn(visitor, address, on_wait):
        with _tidying:
            own.remove_stale(root, MOST_UNDECIDED, LONGEST_UNDECIDED)
        found = _run_reader(files, prepared, str(root.resolve()))
    left_out = tuple((str(name), str(why)) for name, why in found["left_out"])
    return Read(
        found["name"], found["title"], tuple(found["shape"]), tuple(map(tuple, found["classes"])), left_out,
        found["left_out_count"], tuple(found["notes"]), _preview(found),
    )  # fmt: skip


def read_picture(
    name: str,
    content: bytes,
    shape: tuple[int, int, int],
    *,
    visitor: str = "",
    address: str = "",
    on_wait: Callable[[int], None] | None = None,
) -> np.ndarray:
    """One picture as a model of images of this shape gets it: float32 (1, C*H*W), 0 to 1. It is kept nowhere.

    Args:
        name, content: of the picture's file.
        shape: (C, H, W).
        visitor, address, on_wait: see `Turns.turn`.

    Raises:
        UnusableImages: with a message for the visitor.
        Busy: it cannot be read now.
    """
    channels, side, _ = shape
    with _turns.turn(visitor, address, on_wait):
        found = _run_reader([(name, content)], Preparation(side, "grey" if channels == 1 else "colour"), ALONE)
    return np.frombuffer(base64.b64decode(found["pixels"]), np.uint8).reshape(1, -1).astype(np.float32) / 255.0


def _run_reader(files: Sequence[tuple[str, bytes]], prepared: Preparation, root: str) -> dict[str, Any]:
    """The report of `vae_core.datasets.reader`, whose first argument is `root`.

    Raises:
        UnusableImages: with its message, or because it was killed.
        Busy: it could not be started.
    """
    arguments = [root, json.dumps(asdict(prepared))]
    try:
        report: dict[str, Any] = json.loads(
            read_in_child("vae_core.datasets.reader", arguments, files, limit=LONGEST_READING)
        )
    except Refused as error:
        raise UnusableImages(str(error)) from error
    except TookTooMuch as error:
        raise UnusableImages(f"these images took {error} to read; send fewer, or smaller ones.") from error
    return report


def _preview(found: dict[str, Any]) -> bytes:
    _, channels, height, width = found["shape"]
    shown = np.frombuffer(base64.b64decode(found["shown"]), np.uint8).reshape(-1, channels * height * width)
    return tiles(shown / 255.0, (channels, height, width), columns=12)


def summary(read: Read) -> str:
    """What was read, in a sentence."""
    count, channels, height, width = read.shape
    shares = own.shares(count)
    held_out = (
        f"{shares.validation:,} to validate on, {shares.test:,} to test on"
        if shares.test
        else f"{shares.validation:,} held out"
    )
    kind = "grey" if channels == 1 else "colour"
    named = "1 class" if len(read.classes) == 1 else f"{len(read.classes)} classes"
    return (
        f"{count:,} {kind} images of {height} × {width} pixels, {named}; {shares.training:,} to learn from, "
        f"{held_out}.{f' Classes: {counted(read.classes)}.' if len(read.classes) > 1 else ''}"
    )


def left_out(read: Read) -> str:
    """Which files were not used, and why: a list in markdown; empty if all were."""
    if not read.left_out_count:
        return ""
    lines = [f"- `{' '.join(name.replace('`', '').split())}` {in_a_line(why)}" for name, why in read.left_out]
    if more := read.left_out_count - len(read.left_out):
        lines.append(f"- and {more:,} more")
    return "\n".join(lines)
