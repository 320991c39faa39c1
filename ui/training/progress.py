"""The progress of a run in training: an immutable record, read from the file that its process writes after each epoch.

It is read at most once a second for all visitors together, more often only until there is one, and without torch.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ui.figures.palette import CLASS_COLOURS
from ui.runs.resources import store
from vae_core import archive
from vae_core.errors import DamagedRun, RunNotFound, SpecError
from vae_core.payloads.film import film_of_partial
from vae_core.payloads.plane import Payload
from vae_core.spec import RunSpec

FRESH = 0.9  # seconds for which a record is reused without checking the file
FRESH_WITHOUT = 0.2  # the same while there is none: who has just asked for a run waits for its first picture
RECORDS_KEPT = 16
RATE_OVER = 20  # readings


@dataclass(frozen=True, eq=False)
class Live:
    """The progress of a run.

    Attributes:
        spec: of the run.
        epoch: number of finished epochs; 0 while there is only the untrained network.
        history: one record per finished epoch, losses in nats per image.
        images_per_second: over the last epochs, validation left out; None if the file does not have it.
        seconds_left: until the last epoch ends; None before the first one has ended.
        film: for the component.
        readings: (time at which the epoch ended, epoch) of what was read, oldest first.
        file: identity of the file that it was read from.
    """

    spec: RunSpec
    epoch: int
    history: list[dict[str, float]]
    images_per_second: float | None
    seconds_left: float | None
    film: Payload | None
    readings: tuple[tuple[float, int], ...] = ()
    file: tuple[int, int] = (0, 0)


@dataclass
class _Records:
    """The records, least recently used first; the lock lets many visitors share one reading."""

    records: OrderedDict[tuple[Path, str], tuple[float, Live | None]] = field(default_factory=OrderedDict)
    lock: threading.Lock = field(default_factory=threading.Lock)


_read = _Records()


def live(key: str) -> Live | None:
    """The record of a run that is in training or was stopped; None if it has not begun.

    Raises:
        RunNotFound: this cannot be the key of a run.
    """
    folder = store()
    entry = folder.root, key
    path = folder.partial_path(folder.path(key).name.removesuffix(".safetensors"))
    with _read.lock:
        checked, known = _read.records.get(entry, (-FRESH, None))
        if time.monotonic() - checked < (FRESH if known else FRESH_WITHOUT):
            return known
        record = _renewed(path, known)
        _read.records[entry] = time.monotonic(), record
        _read.records.move_to_end(entry)
        while len(_read.records) > RECORDS_KEPT:
            _read.records.popitem(last=False)
        return record


def kept_spec(key: str) -> RunSpec | None:
    """The specification of a run that was stopped or is in training; None if there is none."""
    try:
        record = live(key)
    except RunNotFound:
        return None
    return record.spec if record else None


def _renewed(path: Path, known: Live | None) -> Live | None:
    try:
        state = path.stat()
        file = state.st_ino, state.st_mtime_ns
        if known and known.file == file:
            return known
        tensors, document = archive.read(path)
        record = _record(tensors, document)
    except (OSError, DamagedRun, SpecError, KeyError, TypeError, ValueError):
        return None  # removed meanwhile, or damaged: the training process sets it aside
    readings = known.readings if known and known.epoch < record.epoch else ()
    if not record.epoch:
        return replace(record, file=file)
    readings = (*readings, (state.st_mtime, record.epoch))[-RATE_OVER:]
    per_epoch = _seconds_per_epoch(readings, record.history)
    left = per_epoch * (record.spec.epochs - record.epoch)
    return replace(record, readings=readings, file=file, seconds_left=left)


def _record(tensors: dict[str, np.ndarray], document: dict[str, Any]) -> Live:
    spec, history, epoch = RunSpec.from_dict(document["spec"]), document["history"], int(document["epoch"])
    shown = document.get("images_per_epoch")
    recent = history[-5:]
    seconds = sum(record["seconds"] for record in recent)
    rate = shown * len(recent) / max(seconds, 1e-9) if shown and recent else None
    return Live(spec, epoch, history, rate, None, film_of_partial(tensors, document, palette=list(CLASS_COLOURS)))


def _seconds_per_epoch(readings: tuple[tuple[float, int], ...], history: list[dict[str, float]]) -> float:
    """From the times at which epochs ended; from the history, which leaves validation out, while only one is known or
    if the clock was set back."""
    (first, from_epoch), (last, to_epoch) = readings[0], readings[-1]
    if to_epoch > from_epoch and last > first:
        return (last - first) / (to_epoch - from_epoch)
    return sum(record["seconds"] for record in history) / len(history)
