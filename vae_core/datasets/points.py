"""Points sampled from a curved sheet in space: three coordinates each, stored as images of three grey pixels."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

POINTS, HELD_OUT, BANDS = 6_000, 1_000, 8


@cache
def _s_curve() -> tuple[np.ndarray, np.ndarray]:
    # scikit-learn's make_s_curve, reimplemented: importing scikit-learn would delay the page that shows the points.
    generator = np.random.default_rng(0)
    along = 3 * np.pi * (generator.uniform(size=POINTS) - 0.5)
    across = 2.0 * generator.uniform(size=POINTS)
    points = np.stack([np.sin(along), across, np.sign(along) * (np.cos(along) - 1.0)], axis=1)
    low, high = points.min(axis=0), points.max(axis=0)
    # One scale for all three axes, centred: ratios of distances are preserved.
    scaled = (points - (low + high) / 2) / (high - low).max() + 0.5
    images = np.rint(scaled * 255.0).astype(np.uint8)[:, None, None, :]  # (N, 1, 1, 3)
    labels = np.clip(((along / (3 * np.pi) + 0.5) * BANDS).astype(np.int64), 0, BANDS - 1)
    return images, labels


def load_s_curve(split: str, _root: Path, _download: bool) -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's S-curve: 5,000 points to train on, 1,000 held out, also used as the test split.

    Coordinates are rounded to 256 steps; labels are eight bands along the curve.
    """
    images, labels = _s_curve()
    part = slice(None, -HELD_OUT) if split == "train" else slice(-HELD_OUT, None)
    return images[part], labels[part]
