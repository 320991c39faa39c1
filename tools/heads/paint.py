"""The greys of a head's surface: skin, lips, brows, hair, eyes, the inside of the mouth; and the light upon it."""

from __future__ import annotations

import math

import numpy as np

from tools.heads.mesh import Mesh
from tools.heads.shape import OLDEST, YOUNGEST

SKIN, LIPS, DARK_HAIR, GREY_HAIR, INSIDE, WHITE, IRIS = 0.92, 0.52, 0.12, 0.70, 0.04, 1.0, 0.05
AMBIENT = 0.45
ELEVATION = 25.0  # degrees above the horizon, of the light
# In the texture, whose v runs across the face: the lips' ellipse, and the island of the inside of the mouth.
_LIPS, _LIPS_RADII = (0.911, 0.483), (0.0165, 0.0235)
_INSIDE = (0.74, 0.94, 0.0, 0.16)


class Paint:
    """What is where on one mesh, by the triangles' corners."""

    def __init__(self, mesh: Mesh) -> None:
        places = mesh.vertices[mesh.triangles]  # (T, 3, 3)
        x, y, z = places[..., 0], places[..., 1], places[..., 2]
        u, v = mesh.uv[..., 0], mesh.uv[..., 1]
        body = (mesh.group == "body")[:, None]
        lips = body & (((u - _LIPS[0]) / _LIPS_RADII[0]) ** 2 + ((v - _LIPS[1]) / _LIPS_RADII[1]) ** 2 < 1)
        inside = body & (u > _INSIDE[0]) & (u < _INSIDE[1]) & (v > _INSIDE[2]) & (v < _INSIDE[3])
        eyes = np.char.endswith(mesh.group, "-eye")[:, None]
        self._plain = np.full(x.shape, SKIN)
        self._plain[lips] = LIPS
        self._plain[inside] = INSIDE
        self._plain[eyes & (z > -1)] = WHITE
        self._plain[eyes & ((np.abs(x) - 0.3077) ** 2 + (y - 7.284) ** 2 < 0.075**2)] = IRIS
        across = np.abs(x)
        arch = 7.51 + 0.05 * np.sin((across - 0.12) / 0.42 * np.pi)
        brows = np.minimum(_rise(across, 0.08, 0.16), _rise(0.60 - across, 0.0, 0.1)) * _rise(
            0.085 - np.abs(y - arch), 0.0, 0.06
        )
        line = 7.84 + 0.05 * np.cos(across * 4) - 1.3 * np.maximum(0.9 - z, 0.0)
        ear = (across > 0.72) & (y > 6.8) & (y < 7.62) & (z > -0.1)
        cap = _rise(y - line, -0.06, 0.06) * (y > 6.9) * ~ear
        self._hair = np.maximum(brows * (z > 0.9), cap) * (body & ~inside & ~lips)

    def parts(self) -> tuple[np.ndarray, np.ndarray]:
        """The greys without hair, and how much of each corner is hair: (T, 3) each, 0 to 1."""
        return self._plain, self._hair

    def albedo(self, age: np.ndarray) -> np.ndarray:
        """(B, T, 3), 0 to 1: hair and brows turn from dark to grey with age, in years (B,)."""
        grey = (age - YOUNGEST) / (OLDEST - YOUNGEST)
        hair = DARK_HAIR + (GREY_HAIR - DARK_HAIR) * grey
        return self._plain + (hair[:, None, None] - self._plain) * self._hair


def _rise(x: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 below `low`, 1 above `high`, and straight in between."""
    return np.clip((x - low) / (high - low), 0.0, 1.0)


def normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Unit normals of the vertices, each the mean over its triangles by their area: (B, V, 3) -> (B, V, 3)."""
    a, b, c = (vertices[:, triangles[:, corner]] for corner in range(3))
    p, q = b - a, c - a
    face = [p[..., i] * q[..., j] - p[..., j] * q[..., i] for i, j in ((1, 2), (2, 0), (0, 1))]
    bodies, count = vertices.shape[:2]
    index = (np.arange(bodies)[:, None, None] * count + triangles).ravel()
    sums = [np.bincount(index, np.repeat(each.ravel(), 3), bodies * count) for each in face]
    total = np.stack(sums, axis=-1).reshape(bodies, count, 3)
    length = np.sqrt(total[..., 0] ** 2 + total[..., 1] ** 2 + total[..., 2] ** 2)
    return total / np.maximum(length, 1e-12)[..., None]


def lit(normal: np.ndarray, azimuth: np.ndarray) -> np.ndarray:
    """Lambert's law with some light from everywhere, 0 to 1: normals (B, V, 3), the light's azimuths in degrees (B,).

    Light from 0 comes from the viewer's side, from a positive angle from the picture's right.
    """
    up = math.sin(math.radians(ELEVATION))
    level = math.cos(math.radians(ELEVATION))
    x = np.array([level * math.sin(math.radians(angle)) for angle in azimuth])[:, None]
    z = np.array([level * math.cos(math.radians(angle)) for angle in azimuth])[:, None]
    towards = normal[..., 0] * x + normal[..., 1] * up + normal[..., 2] * z
    return AMBIENT + (1 - AMBIENT) * np.maximum(towards, 0.0)
