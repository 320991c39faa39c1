"""Feature selection: which pixels a run keeps, and a digit as its code sees it."""

from __future__ import annotations

import numpy as np

from ui.chapters.reduction.comparison import DATASET
from ui.figures.pictures import tiles
from ui.once import once
from ui.runs.resources import held_out, load_run
from vae_core.run import Run

DIMMED = 0.3  # of a pixel that is not kept
DARK, BRIGHT = np.array([0.10, 0.35, 0.55]), np.array([0.55, 0.93, 1.0])  # a kept pixel of value 0, and of value 1


def kept_pixels(run: Run) -> np.ndarray:
    """(d,), the numbers of the pixels that a run of chosen pixels keeps, in the order of their choice."""
    return run.weights["code.weight"].argmax(axis=1)


@once(maxsize=64)
def kept_picture(key: str, start: int, count: int) -> bytes:
    """Held-out images with the pixels that a run keeps in blue, from dark (0) to bright (1); the others are dimmed."""
    run, images = load_run(key), held_out(DATASET)
    pixels = images.floats()[start : start + count]
    colours = np.repeat(DIMMED * pixels[:, None, :], 3, axis=1)  # (N, 3, D)
    chosen = kept_pixels(run)
    shares = pixels[:, None, chosen]
    colours[:, :, chosen] = (1 - shares) * DARK[:, None] + shares * BRIGHT[:, None]
    _, height, width = images.image_shape
    return tiles(colours.reshape(count, -1), (3, height, width), columns=count)
