"""Trained runs of which the figures alone are shipped: further seeds, and sizes that a chapter only plots.

Their files would be many times larger than what is shown of them. ``checkpoints/measured.json`` is a manifest with the
figures beside its specs. ``python -m tools.measure_runs`` trains those that have none yet and writes their figures: the
same as in the file of the run that ``python -m vae_core train`` makes of the spec.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from vae_core.errors import StoreError
from vae_core.storage.manifest import SHIPPED, read_manifest
from vae_core.storage.store import Listed

MEASURED = SHIPPED / "measured.json"
_OF_A_SPLIT = (
    "n", "mse", "reconstruction", "reconstruction_at_mean", "kl", "negative_elbo", "negative_elbo_standard_error",
    "active_units",
)  # fmt: skip


def kept_figures(metrics: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Of a run's metrics what the chapters show of such runs, by split."""
    kept: dict[str, dict[str, Any]] = {}
    for split, measured in metrics.items():
        kept[split] = {name: measured[name] for name in _OF_A_SPLIT if name in measured}
        if prior := measured.get("samples", {}).get("prior"):
            kept[split]["samples"] = {"prior": prior}
        kept[split] |= {name: measured[name] for name in ("pictures", "anomalies", "left_out") if measured.get(name)}
        if factors := measured.get("factors"):
            scores = {name: value for name, value in factors.items() if isinstance(value, int | float)}
            kept[split]["factors"] = scores | {"r2": factors["r2"], "names": factors["names"]}
    return kept


def read_measured(path: Path = MEASURED) -> tuple[Listed, ...]:
    """Spec and figures of every such run that was measured.

    Raises:
        StoreError: no such file, or not one of this form.
    """
    try:
        return _parsed(path, path.stat().st_mtime_ns)
    except OSError as error:
        raise StoreError(f"{path} is not a readable file of measured runs ({error}).") from error


@lru_cache(maxsize=8)
def _parsed(path: Path, changed: int) -> tuple[Listed, ...]:
    """The runs in a file; `changed`, its modification time, is part of the cache's key."""
    del changed
    specs = read_manifest(path)
    found = json.loads(path.read_text(encoding="utf-8")).get("measured")
    if not isinstance(found, dict):
        raise StoreError(f"{path} has no figures: make them with 'python -m tools.measure_runs'.")
    return tuple(Listed(spec.key, spec, found[spec.key]) for spec in specs if spec.key in found)
