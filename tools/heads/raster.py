"""A software rasteriser for many small pictures: orthographic, z-buffer, greys interpolated within a triangle.

From the corners' positions in 256ths of a pixel on, all numbers are integers, so that the same positions give the same
bytes on every machine.
"""

from __future__ import annotations

import numpy as np

STEPS = 256  # of a pixel: positions are rounded to these
_FAR = np.iinfo(np.int64).max


def fixed(points: np.ndarray) -> np.ndarray:
    """Positions in pixels, rounded to whole `STEPS`: int64 of the same shape."""
    return np.rint(np.asarray(points) * STEPS).astype(np.int64)


def rasterise(points: np.ndarray, triangles: np.ndarray, values: np.ndarray, size: int, empty: int = 0) -> np.ndarray:
    """Draw the same triangles of several bodies, each into a picture of its own.

    A pixel shows the nearest triangle whose closed area has the pixel's centre in it. Triangles that turn their back
    (clockwise in the picture) are not drawn.

    Args:
        points: int64 (B, V, 3) of `fixed`: x to the right, y up, from the lower left corner, z towards the viewer; all
            in `STEPS` of a pixel, below 2**20 in size.
        triangles: int64 (T, 3), indices of points, counter-clockwise seen from their front.
        values: int64 (B, T, 3), the grey at each corner, 0 to 65,535.
        size: of a picture, in pixels.
        empty: the grey where nothing is.

    Returns:
        int64 (B, size, size), the first row uppermost.
    """
    bodies = len(points)
    corners = points[:, triangles]  # (B, T, 3, 3)
    x, y = corners[..., 0], corners[..., 1]
    area = _doubled_area(x[..., 0], y[..., 0], x[..., 1], y[..., 1], x[..., 2], y[..., 2])
    # Pixel i has its centre at (i + 1/2) STEPS: the first and the last of them within the triangle's extent.
    half = STEPS // 2
    left, low = (np.maximum(-(-(each.min(axis=2) - half) // STEPS), 0) for each in (x, y))
    right, high = (np.minimum((each.max(axis=2) - half) // STEPS, size - 1) for each in (x, y))
    body, triangle = np.nonzero((area > 0) & (right >= left) & (high >= low))
    left, low = left[body, triangle], low[body, triangle]
    wide = right[body, triangle] - left + 1
    count = wide * (high[body, triangle] - low + 1)
    # One candidate for each pixel in each triangle's extent.
    which = np.repeat(np.arange(len(body)), count)
    place = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    row, column = low[which] + place // wide[which], left[which] + place % wide[which]
    weights = _weights(x[body, triangle], y[body, triangle], which, column * STEPS + half, row * STEPS + half)
    inside = (weights[0] >= 0) & (weights[1] >= 0) & (weights[2] >= 0)
    which, row, column = which[inside], row[inside], column[inside]
    weights = [weight[inside] for weight in weights]
    whole = area[body, triangle][which]
    depth = _mixed(corners[body, triangle, :, 2], which, weights, whole)
    pixel = (body[which] * size + (size - 1 - row)) * size + column
    # The nearest wins; of two that are equally near, the first in the list.
    key = (2**30 - depth) * 2**32 + np.arange(len(which))
    nearest = np.full(bodies * size * size, _FAR)
    np.minimum.at(nearest, pixel, key)
    covered = np.flatnonzero(nearest != _FAR)
    winner = nearest[covered] % 2**32
    which, weights = which[winner], [weight[winner] for weight in weights]
    picture = np.full(bodies * size * size, empty, np.int64)
    picture[covered] = _mixed(values[body, triangle], which, weights, whole[winner])
    return picture.reshape(bodies, size, size)


def averaged(pictures: np.ndarray, by: int) -> np.ndarray:
    """Means of blocks of `by` x `by` pixels, 0 to 65,535, as bytes: int64 (B, S, S) -> uint8 (B, S / by, S / by)."""
    bodies, size, _ = pictures.shape
    blocks = pictures.reshape(bodies, size // by, by, size // by, by).sum(axis=(2, 4))
    most = 65_535 * by * by
    return ((blocks * 255 + most // 2) // most).astype(np.uint8)


def _doubled_area(ax, ay, bx, by, cx, cy):  # type: ignore[no-untyped-def]
    return (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)


def _weights(x: np.ndarray, y: np.ndarray, which: np.ndarray, px: np.ndarray, py: np.ndarray) -> list[np.ndarray]:
    """Barycentric weights of points within the triangles `which`, times the doubled area."""
    found = []
    for first, second in ((1, 2), (2, 0), (0, 1)):
        dx, dy = x[:, second] - x[:, first], y[:, second] - y[:, first]
        # dx (py - y) - dy (px - x), with what depends on the triangle alone computed once for it.
        constant = dy * x[:, first] - dx * y[:, first]
        found.append(dx[which] * py - dy[which] * px + constant[which])
    return found


def _mixed(at_corners: np.ndarray, which: np.ndarray, weights: list[np.ndarray], whole: np.ndarray) -> np.ndarray:
    total = sum(weights[corner] * at_corners[:, corner][which] for corner in range(3))
    return total // whole
