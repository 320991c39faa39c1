"""A colour for each entry of a codebook: entries near each other have similar ones."""

from __future__ import annotations

import numpy as np

DARKEST, LIGHTEST = 0.38, 0.88  # of OKLab's L
REACH = 0.13  # of its a and b, either way
# From OKLab to cube roots of cone responses, and from those to linear sRGB (Ottosson 2020).
_TO_CONES = np.array(
    [[1.0, 0.3963377774, 0.2158037573], [1.0, -0.1055613458, -0.0638541728], [1.0, -0.0894841775, -1.2914855480]]
)
_TO_RED_GREEN_BLUE = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def colours_of(entries: np.ndarray, uses: np.ndarray) -> list[str]:
    """Entries (K, D) -> "#rrggbb" each: lightness and hue by their ranks along the first three principal directions.

    Ranks, not places: of entries that lie close together none would be told from another. Of both ways along the first
    direction, the one that makes entries that are used often darker: they are those of the empty background.

    Args:
        entries: (K, D).
        uses: (K,), in how many cells each stands.
    """
    centred = entries.astype(np.float64) - entries.mean(axis=0)
    directions = np.linalg.svd(centred, full_matrices=False)[2][:3]
    directions *= np.sign(directions[np.arange(len(directions)), np.abs(directions).argmax(axis=1)])[:, None]
    places = np.zeros((len(entries), 3))
    places[:, : len(directions)] = centred @ directions.T
    if (places[:, 0] * (uses - uses.mean())).sum() > 0:
        places[:, 0] *= -1.0
    ranks = places.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable") / max(len(entries) - 1, 1)
    light = DARKEST + (LIGHTEST - DARKEST) * ranks[:, :1]
    lab = np.concatenate([light, REACH * (2.0 * ranks[:, 1:] - 1.0)], axis=1)
    linear = np.clip((lab @ _TO_CONES.T) ** 3 @ _TO_RED_GREEN_BLUE.T, 0.0, 1.0)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return ["#{:02x}{:02x}{:02x}".format(*colour) for colour in np.rint(255 * encoded).astype(int)]
