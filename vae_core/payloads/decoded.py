"""What a decoder makes at one time of its training, as one small picture for the training film.

Its tiles, row by row: images decoded on a grid over the plane, from the top left, then samples from the prior, from the
same codes each time so that one sees them change. Nothing here needs torch.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from vae_core.payloads.plane import PRIOR_REACH, LatentPlane, square_range, tiled

SAMPLES, SAMPLES_SEED = 16, 0
MOST_PIXELS = 120_000  # of the grid
FEWEST, MOST = 4, 12  # images along a side of the grid
QUALITY = 70
_WEBP, _EDGES = "film/decoded/", "film/edges/"  # tensors of a file, then the epoch


class Decoded(NamedTuple):
    """One picture.

    Attributes:
        webp: uint8 (bytes,), the file.
        edges: float32 (4,), the square of the plane that the grid covers: left, right, bottom, top.
    """

    webp: np.ndarray
    edges: np.ndarray


def side_of(image_shape: tuple[int, ...]) -> int:
    """Images along a side of the grid, fewer of large ones."""
    _, height, width = image_shape
    return int(min(MOST, max(FEWEST, math.sqrt(MOST_PIXELS / (height * width)))))


def is_picture(image_shape: tuple[int, ...]) -> bool:
    """Whether there is something to see in an image: points of a space are images of one row."""
    return image_shape[1] > 1


def decoded(
    decode: Callable[[np.ndarray], np.ndarray], codes: np.ndarray, image_shape: tuple[int, ...], *, prior: bool
) -> Decoded:
    """The picture for a decoder.

    Args:
        decode: codes (N, d) -> pixels in [0, 1], (N, D).
        codes: (n, d) of held-out images, which say where the plane lies and how far it reaches.
        image_shape: (C, H, W).
        prior: whether the codes have a prior to sample from.
    """
    plane = LatentPlane.of_codes(codes)
    reach = square_range(plane.project(codes), at_least=PRIOR_REACH if prior and plane.whole else 0.0)
    (left, right), (bottom, top) = reach["x"], reach["y"]
    side = side_of(image_shape)
    middles = (np.arange(side) + 0.5) / side
    u, v = np.meshgrid(left + (right - left) * middles, top + (bottom - top) * middles)
    z = plane.embed(np.stack([u.ravel(), v.ravel()], axis=1))
    if prior:
        draws = np.random.default_rng(SAMPLES_SEED).standard_normal((SAMPLES, codes.shape[1]))
        z = np.concatenate([z, draws])
    levels = np.rint(np.clip(decode(z.astype(np.float32)), 0.0, 1.0) * 255.0).astype(np.uint8)
    picture = tiled(levels.reshape(-1, *image_shape), side)
    return Decoded(_webp(picture), np.array([left, right, bottom, top], dtype=np.float32))


def to_tensors(pictures: Mapping[int, Decoded]) -> dict[str, np.ndarray]:
    """Epoch -> picture, as tensors of a file."""
    return {
        name: array
        for epoch, (webp, edges) in pictures.items()
        for name, array in ((f"{_WEBP}{epoch}", webp), (f"{_EDGES}{epoch}", edges))
    }


def from_tensors(tensors: Mapping[str, np.ndarray]) -> dict[int, Decoded]:
    """The inverse of `to_tensors`, for a file that may hold others too."""
    epochs = [name.removeprefix(_WEBP) for name in tensors if name.startswith(_WEBP)]
    return {int(epoch): Decoded(tensors[f"{_WEBP}{epoch}"], tensors[f"{_EDGES}{epoch}"]) for epoch in epochs}


def _webp(picture: np.ndarray) -> np.ndarray:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(picture).save(file, format="WEBP", quality=QUALITY, method=0)
    return np.frombuffer(file.getvalue(), dtype=np.uint8)
