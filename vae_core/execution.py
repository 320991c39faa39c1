"""Where and how a run is computed: what its key does not depend on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Execution:
    """One answer for all who train.

    Attributes:
        data_root: folder of the downloaded images and of one's own sets; None for the usual one, see
            `datasets.data_root`.
        device: ``auto``, or the name of a torch device.
        precision: ``auto`` (measured), ``float32`` or ``bfloat16`` for the network's matrix products; losses and the
            optimiser's state are float32 always.
    """

    data_root: str | Path | None = None
    device: str = "auto"
    precision: str = "auto"


USUAL = Execution()
