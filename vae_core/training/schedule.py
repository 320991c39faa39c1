"""What happens when in a run: its learning rate, the images of an epoch, and which epochs' codes are kept.

Formulas that both loops, the film and the forecast of a run that is not trained yet share: nothing here needs torch.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from vae_core.spec import RunSpec

SNAPSHOT_NUMBERS = 1_000  # of one epoch's snapshot: 500 images for d = 2
# A few images are gone through several times in an epoch: an epoch's bookkeeping would cost more than its steps.
FEW_IMAGES, FEWEST_PER_EPOCH = 1_000, 5_000
MAX_SNAPSHOTS = 60
FILM_BYTES = 600_000  # of all reconstructions of a run
FEWEST_REBUILT, MOST_REBUILT = 2, 10  # images
WARM_UP_SHARE = 0.1
START_DIVISOR, END_DIVISOR = 25.0, 1e4


def learning_rate_at(step: int, steps: int, peak: float) -> float:
    """One-cycle schedule (Smith and Topin 2018): cosine up over the first tenth, cosine down to peak / 10^4."""
    warm_up = max(1.0, WARM_UP_SHARE * steps)
    if step < warm_up:
        low, share = peak / START_DIVISOR, step / warm_up
        return low + (peak - low) * 0.5 * (1.0 - math.cos(math.pi * share))
    low, share = peak / END_DIVISOR, (step - warm_up) / max(1.0, steps - warm_up)
    return low + (peak - low) * 0.5 * (1.0 + math.cos(math.pi * share))


def images_per_epoch(count: int) -> int:
    """How many images an epoch shows when there are `count` to learn from: whole passes, several over a few."""
    return count * math.ceil(FEWEST_PER_EPOCH / count) if 0 < count < FEW_IMAGES else count


def snapshot_epochs(epochs: int) -> set[int]:
    """The epochs whose latent plane is kept: all up to `MAX_SNAPSHOTS`, else the first ten and an even spread."""
    if epochs <= MAX_SNAPSHOTS:
        return set(range(1, epochs + 1))
    spread = np.linspace(10, epochs, MAX_SNAPSHOTS - 9)
    return set(range(1, 10)) | {round(epoch) for epoch in spread}


def shown_images(spec: RunSpec) -> int:
    """How many held-out images an epoch's snapshot of the latent plane has."""
    return SNAPSHOT_NUMBERS // spec.latent_dim or 1


def rebuilt_images(spec: RunSpec, image_shape: tuple[int, ...]) -> int:
    """How many held-out images are rebuilt after each kept epoch."""
    each = len(snapshot_epochs(spec.epochs)) * math.prod(image_shape)
    return max(FEWEST_REBUILT, min(MOST_REBUILT, FILM_BYTES // each))
