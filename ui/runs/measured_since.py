"""Figures of shipped runs that were measured after their files had been made.

A run's own file has what was measured when it was trained, and stays as it is: every version of it would stay in the
history. What `vae_core.evaluation.measure` reports since then is in measured_since.json, which
`python -m tools.measure_since` writes. A run trained now has it in its own file.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("measured_since.json")
# A figure that changes with every weight: what was measured since is of a file only if both have the same.
SIGNATURES = ("mse", "cross_entropy")

# Samples from the box: in the files it lies around the codes of the measured split, since then around validation codes.
DEFINED_ANEW = ("box",)

Figures = dict[str, Any]


def signature(figures: Figures) -> float | None:
    """The number by which the figures of one split are recognised as those of the same weights."""
    return next((figures[name] for name in SIGNATURES if name in figures), None)


def completed(key: str, metrics: dict[str, Figures]) -> dict[str, Figures]:
    """What a run's file says, by split, and what was measured of the same weights since; see `_joined`."""
    since = _since().get(key, {})
    return {
        split: _joined(figures, since[split]["figures"])
        if split in since and since[split]["of"] == signature(figures)
        else figures
        for split, figures in metrics.items()
    }


@lru_cache(maxsize=1)
def _since() -> dict[str, dict[str, Figures]]:
    return json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}


def _joined(first: Figures, further: Figures) -> Figures:
    """Both, nested ones joined alike; where both have a figure, the first one's, but for `DEFINED_ANEW`."""
    joined = dict(first)
    for name, value in further.items():
        if name not in joined or name in DEFINED_ANEW:
            joined[name] = value
        elif isinstance(value, dict) and isinstance(joined[name], dict):
            joined[name] = _joined(joined[name], value)
    return joined
