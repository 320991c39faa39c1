"""The shipped runs, as a list of specs: `rebuild` makes the files from it."""

from __future__ import annotations

import json
from pathlib import Path

from vae_core.errors import SpecError, StoreError
from vae_core.spec import RunSpec

PROJECT = Path(__file__).resolve().parents[1]
SHIPPED = PROJECT / "checkpoints"
MANIFEST = SHIPPED / "manifest.json"


def read_manifest(path: Path = MANIFEST) -> list[RunSpec]:
    """The specs of ``{"runs": [spec, ...]}``.

    Raises:
        StoreError: no such file, or not a manifest; names the entry that is wrong.
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["runs"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path} is not a readable manifest of runs ({error}).") from error
    specs = []
    for number, entry in enumerate(entries, start=1):
        try:
            specs.append(RunSpec.from_dict(entry))
        except (SpecError, TypeError) as error:
            raise StoreError(f"run {number} in {path}: {error}") from error
    return specs
