"""What the store keeps of a run in progress."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor


@dataclass
class TrainingState:
    """What the store writes after every epoch.

    Attributes:
        epoch: finished epochs.
        weights: the model's state.
        moments: the optimisers' state, see `training.optimisers.optimiser_state`.
        history: one record per finished epoch.
        snapshots: epoch -> float16 (n, d).
        precision: fixed for the whole run by its first part.
    """

    epoch: int
    weights: dict[str, Tensor]
    moments: dict[str, Tensor]
    history: list[dict[str, float]]
    precision: str
    snapshots: dict[int, np.ndarray] = field(default_factory=dict)
