"""The host's word that a run in training is to end: an empty file in the store, which every app that shares it reads.

``.stops/<key>`` ends one run, ``.stops/all`` ends all. A file counts for what was asked for before it was written, and
is removed after a while, so that a run can be asked for again.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from vae_core.errors import StoreError
from vae_core.storage.store import SUFFIX, Store

ALL = "all"
SENTENCE = "The host of this app has ended it. Its finished epochs are kept."
LASTS = 600.0  # seconds: every app has seen it by then


@dataclass(frozen=True)
class Stop:
    """One word of the host.

    Attributes:
        key: of the run; empty for all.
        when: it was given, in seconds since the epoch.
    """

    key: str
    when: float


def give(store: Store, key: str = "") -> None:
    """Have a run ended, or all.

    Raises:
        RunNotFound: `key` is not the key of a run.
        StoreError: the folder cannot be written to.
    """
    name = store.path(key).name.removesuffix(SUFFIX) if key else ALL
    place = _folder(store.root) / name
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        place.touch()
    except OSError as error:
        raise StoreError(f"{place} cannot be written ({error.strerror or error}).") from error


def given(root: Path) -> list[Stop]:
    """What the host has said lately."""
    found = []
    for place in _folder(root).glob("*"):
        with suppress(OSError):  # removed meanwhile, or the folder can only be read
            when = place.stat().st_mtime
            if time.time() - when > LASTS:
                place.unlink()
            else:
                found.append(Stop("" if place.name == ALL else place.name, when))
    return found


def in_training(store: Store) -> list[str]:
    """Keys of the runs that some process trains now."""
    keys = [path.name.removesuffix(SUFFIX) for path in store.partial_path("x").parent.glob(f"*{SUFFIX}")]
    found = []
    for key in sorted(keys):
        with store.locked(key, wait=False) as free:
            if not free:
                found.append(key)
    return found


def _folder(root: Path) -> Path:
    return root / ".stops"
