"""The head as a browser draws it: what can be seen of the mesh, and what each factor adds, in whole numbers."""

from __future__ import annotations

import numpy as np

from tools.heads import draw, paint, shape
from tools.heads.draw import Artist
from tools.heads.pack import causes_of, drawn, levels_of
from tools.heads.raster import fixed, rasterise
from vae_core.datasets.heads import STEP, values_of
from vae_core.payloads.head import GREYS, MOVES, PER_DECIMETRE

LOOKED_AT, SIZE, AT_ONCE = 1_000, 96, 20  # heads and pixels: a triangle that none of them shows is left out
EXAMPLES = 24
SEED = 18


def model(artist: Artist) -> dict[str, np.ndarray]:
    """The arrays of the file that `vae_core.payloads.head` reads, see there."""
    mesh, moves = artist.mesh, artist.shapes.moves()
    # With the neighbours of what is seen, which have a part in its normals.
    near = np.isin(mesh.triangles, np.unique(mesh.triangles[_seen(artist)])).any(axis=1)
    used, triangles = np.unique(mesh.triangles[near], return_inverse=True)
    plain, hair = artist.paint.parts()
    values = values_of(drawn(EXAMPLES, SEED)[0])
    pictures = levels_of(artist.draw(causes_of(values), 32)) * np.uint8(STEP)
    return {
        "triangles": triangles.reshape(-1, 3).astype(np.uint16),
        "moves": np.rint(np.stack([moves[name][used] for name in MOVES]) * PER_DECIMETRE).astype(np.int16),
        "plain": np.rint(plain[near] * GREYS).astype(np.uint16),
        "hair": np.rint(hair[near] * GREYS).astype(np.uint16),
        "frame": np.array([draw.LEFT - shape.AXIS[0], draw.BOTTOM - shape.AXIS[1], draw.SIDE, draw.FINER]),
        "light": np.array([paint.AMBIENT, paint.ELEVATION, draw.EMPTY]),
        "greys": np.array([paint.DARK_HAIR, paint.GREY_HAIR]),
        "example_values": values,
        "example_pictures": pictures,
    }


def _seen(artist: Artist) -> np.ndarray:
    """Which triangles are nearest at some pixel of some head: (T,)."""
    triangles = artist.mesh.triangles
    names = np.broadcast_to(np.arange(1, len(triangles) + 1)[:, None], triangles.shape)  # as greys; 0 is empty
    seen = np.zeros(len(triangles) + 1, bool)
    values = values_of(drawn(LOOKED_AT, SEED + 1)[0])
    for start in range(0, LOOKED_AT, AT_ONCE):
        causes = causes_of(values[start : start + AT_ONCE])
        vertices = shape.turned(artist.shapes.vertices(causes), causes["turn"])
        points = fixed((vertices - np.array([draw.LEFT, draw.BOTTOM, 0.0])) * (SIZE / draw.SIDE))
        seen[rasterise(points, triangles, np.broadcast_to(names, (len(points), *names.shape)), SIZE)] = True
    return seen[1:]
