"""How many bytes the runs that visitors ask for may take in a store, finished and interrupted ones together.

Asked before a run is trained. An empty file ``.asked/<key>`` marks a run as a visitor's: what the command line has
trained is not counted and never removed.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from vae_core.errors import SpecError, StoreError
from vae_core.storage.manifest import shipped_keys
from vae_core.storage.store import Store

MOST_STORED = 4_000_000_000  # bytes, about: some thousand runs of the form's usual size. Processes that ask at once may
# both see the same room
MOST_GIGABYTES = 100_000
LEFT_FREE = 500_000_000  # bytes of the disk that training leaves to everything else
BESIDE_WEIGHTS = 20_000_000  # bytes at most of a run's codes, snapshots, history and film
FORGOTTEN_AFTER = 3_600.0  # seconds for which a mark waits for the first file of its run
BYTES_PER_WEIGHT = 24  # weights and two moments in single precision, and once more while the file is replaced


@dataclass(frozen=True)
class _Stored:
    """A visitor's run in a store: what there is of it, finished or not."""

    key: str
    finished: bool
    written: float
    size: int
    paths: tuple[Path, ...]


def unmark(store: Store, key: str) -> None:
    """Have a run count as the command line's from now on: it was removed, or is trained there."""
    (store.root / ".asked" / key).unlink(missing_ok=True)


def most_stored() -> int:
    """The budget: ``VAE_MOST_STORED`` gigabytes, by default `MOST_STORED` bytes.

    Raises:
        SpecError: the variable is not such a number.
    """
    wanted = os.environ.get("VAE_MOST_STORED")
    if not wanted:
        return MOST_STORED
    if not wanted.isascii() or not wanted.isdigit() or not 1 <= int(wanted) <= MOST_GIGABYTES:
        raise SpecError(f"VAE_MOST_STORED must be gigabytes from 1 to {MOST_GIGABYTES:,}, not {wanted[:40]!r}.")
    return int(wanted) * 1_000_000_000


def needed_for(weights: int) -> int:
    """Bytes that a run of so many weights takes while it trains."""
    return BYTES_PER_WEIGHT * weights + BESIDE_WEIGHTS


def make_room(store: Store, key: str, needed: int, most: int, *, keep: str = "") -> list[str]:
    """Mark a run as a visitor's, after others of visitors were removed if need be.

    Args:
        store: where it is to be trained.
        key: of the run.
        needed: bytes that it takes, see `needed_for`.
        most: bytes that all runs of visitors may take.
        keep: key of a run that stays, because it begins with that one; empty for none.

    Returns:
        Keys of the runs that were removed.

    Raises:
        StoreError: it does not fit all the same, or the disk is full.
    """
    marks = store.root / ".asked"
    there = store.path(key).exists() or store.partial_path(key).exists()
    others = sorted(
        (run for run in _stored(store, marks) if run.key != key), key=lambda run: (run.finished, run.written)
    )
    total, gone = sum(run.size for run in others), []
    staying = sum(run.size for run in others if run.key == keep or _is_training(store, run.key))
    if staying + needed <= most:  # else nothing is removed for a run that does not fit all the same
        for run in others:
            if total + needed <= most:
                break
            if run.key != keep and _remove(store, run):
                total -= run.size
                gone.append(run.key)
    if total + needed > most:
        raise StoreError(
            f"it would take about {needed / 1e6:,.0f} MB, and the runs of visitors may take {most / 1e9:,.1f} GB here; "
            "choose narrower layers, or try again when others have finished."
        )
    try:
        store.root.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(store.root).free < needed + LEFT_FREE:
            raise StoreError("the disk is nearly full, so nothing new is trained.")
        if not there:
            marks.mkdir(exist_ok=True)
            (marks / key).touch()
    except OSError as error:
        raise StoreError(f"the store {store.root} cannot be written to ({error.strerror or error}).") from error
    return gone


def _stored(store: Store, marks: Path) -> Iterator[_Stored]:
    shipped = shipped_keys()
    for mark in list(marks.glob("*")):
        key, found = mark.name, False
        for paths in ((store.partial_path(key),), (store.path(key), store.film_path(key))):
            states = []
            for path in paths:
                with suppress(FileNotFoundError):
                    states.append(path.stat())
            if states:
                found = True
                written, size = max(state.st_mtime for state in states), sum(state.st_size for state in states)
                if key not in shipped:
                    yield _Stored(key, paths[0] == store.path(key), written, size, paths)
        with suppress(FileNotFoundError):
            if not found and time.time() - mark.stat().st_mtime > FORGOTTEN_AFTER:
                mark.unlink()  # it was removed, or never had an epoch


def _is_training(store: Store, key: str) -> bool:
    with store.locked(key, wait=False) as free:
        return not free


def _remove(store: Store, run: _Stored) -> bool:
    """Remove a run with its mark unless it is being trained; returns whether it was removed."""
    with store.locked(run.key, wait=False) as free:
        if not free:
            return False
        try:
            for path in run.paths:
                path.unlink(missing_ok=True)
            if not (store.path(run.key).exists() or store.partial_path(run.key).exists()):
                unmark(store, run.key)
        except OSError as error:
            raise StoreError(f"the run {run.key} cannot be removed ({error.strerror or error}).") from error
    return True
