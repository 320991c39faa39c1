"""Which number of a code found which known factor."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ui.runs.resources import held_out
from vae_core.run import Run


class Found(NamedTuple):
    values: np.ndarray
    factors: tuple[str, ...]

    def told(self, index: int) -> str:
        best = int(self.values[index].argmax())
        return f"{self.factors[best]} {self.values[index, best]:.2f}"


def matrix_of(run: Run) -> Found:
    images = held_out(run.spec.dataset)
    both = np.corrcoef(np.c_[run.codes.mean, images.factor_values], rowvar=False)
    d = run.codes.mean.shape[1]
    return Found(np.abs(both[:d, d:]), tuple(factor.name for factor in images.factors))
