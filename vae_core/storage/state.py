"""The stored state of a run in progress."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor


@dataclass
class TrainingState:
    """What is needed to resume a run; the store writes it after every epoch.

    Attributes:
        epoch: number of finished epochs.
        weights: the model's state.
        moments: the optimisers' state, see `training.optimisers.optimiser_state`.
        history: one record per finished epoch.
        snapshots: epoch -> float16 (n, d).
        precision: chosen when the run begins, and kept when it resumes; empty before.
    """

    epoch: int
    weights: dict[str, Tensor]
    moments: dict[str, Tensor]
    history: list[dict[str, float]]
    precision: str
    snapshots: dict[int, np.ndarray] = field(default_factory=dict)
