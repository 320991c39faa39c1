"""Where and how a run is computed; none of it is part of the run's key."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Execution:
    """Settings shared by all ways to train.

    Attributes:
        data_root: folder of the downloaded images and the user's own sets; None for the default, see
            `datasets.data_root`.
        device: ``auto``, or the name of a torch device.
        precision: ``auto`` (measured), ``float32`` or ``bfloat16`` for the network's matrix products; losses and the
            optimiser's state are float32 always.
    """

    data_root: str | Path | None = None
    device: str = "auto"
    precision: str = "auto"


DEFAULT_EXECUTION = Execution()
