"""The figures that tools/measure_labels.py measured, and intervals over draws."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

FILE = Path(__file__).with_name("measured.json")
WITHIN = 2.093  # 95 % of Student's t with 19 degrees of freedom lies within so many


class Mean(NamedTuple):
    """A mean over draws of labels.

    Attributes:
        mean: per cent.
        half: half the width of its 95 % interval, percentage points.
        spread: standard deviation over draws, percentage points.
    """

    mean: float
    half: float
    spread: float


@cache
def kept() -> dict[str, Any]:
    """The file."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def accuracies(name: str, level: int, part: str = "features") -> np.ndarray:
    """Of one kind of features by draw, per cent; (20,)."""
    return 100.0 * np.array(kept()[part][name]["accuracy"][str(level)])


def mean_of(values: np.ndarray) -> Mean:
    """Of the figures of all draws, (20,)."""
    spread = float(values.std(ddof=1))
    return Mean(float(values.mean()), WITHIN * spread / math.sqrt(len(values)), spread)


def difference(name: str, other: str, level: int, part: str = "features") -> Mean:
    """By how much one kind of features is better than another, draw by draw, percentage points."""
    return mean_of(accuracies(name, level, part) - accuracies(other, level, part))
