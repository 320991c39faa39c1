"""The shipped runs, as a list of specs: `rebuild` makes the files from it."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from vae_core.clone import HOME, IN_CLONE, PROJECT, WITHOUT_RUNS
from vae_core.errors import SpecError, StoreError
from vae_core.spec import RunSpec

SHIPPED = PROJECT / "checkpoints"
MANIFEST = SHIPPED / "manifest.json"
DEFAULT_STORE = HOME / "checkpoints"  # of the command line: the shipped runs, or a folder of one's own


def read_manifest(path: Path = MANIFEST) -> list[RunSpec]:
    """The specs of ``{"runs": [spec, ...]}``. A run that begins with another stands after it, or that one is shipped.

    Raises:
        StoreError: no such file, or not a manifest; the message names the invalid entry.
    """
    if path == MANIFEST and not IN_CLONE:
        raise StoreError(f"{WITHOUT_RUNS}; its manifest.json can be named with --manifest.")
    try:
        return list(_parsed(path, path.stat().st_mtime_ns))
    except OSError as error:
        raise StoreError(f"{path} is not a readable manifest of runs ({error}).") from error


@lru_cache(maxsize=8)
def _parsed(path: Path, changed: int) -> tuple[RunSpec, ...]:
    """The specs in a file; `changed`, its modification time, is part of the cache's key."""
    del changed
    try:
        entries = list(json.loads(path.read_text(encoding="utf-8"))["runs"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path} is not a readable manifest of runs ({error}).") from error
    specs: list[RunSpec] = []
    known = set() if path == MANIFEST else shipped_keys()
    for number, entry in enumerate(entries, start=1):
        try:
            spec = RunSpec.from_dict(entry)
            if spec.base and spec.base not in known:
                raise SpecError(f"it begins with {spec.base}, which must come before it.")
            specs.append(spec)
            known.add(spec.key)
        except (SpecError, TypeError) as error:
            raise StoreError(f"run {number} in {path}: {error}") from error
    return tuple(specs)


def shipped_keys() -> set[str]:
    """Keys of the shipped runs; none where the package is installed without them."""
    return {spec.key for spec in read_manifest()} if IN_CLONE else set()


def shipped_run(**fields: object) -> RunSpec:
    """The first spec of the shipped manifest whose fields have the given values.

    Raises:
        StoreError: the manifest has none.
    """
    for spec in read_manifest():
        if all(getattr(spec, name) == value for name, value in fields.items()):
            return spec
    raise StoreError(f"the manifest {MANIFEST} lists no run with {fields}.")
