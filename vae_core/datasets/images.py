"""ImageDataset: the arrays that everything else works on."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

# Of the draws that evaluation makes of grey pixels: fixed, so that evaluating twice gives the same numbers.
BINARISATION_SEED = 20_150_901


def binarise(pixels: np.ndarray, generator: np.random.Generator | None = None) -> np.ndarray:
    """Grey pixels as black and white ones, float32 of the same shape.

    Args:
        pixels: in [0, 1], any shape.
        generator: to draw each pixel as Bernoulli(pixel), as "dynamic binarisation" does anew in every epoch
            (Salakhutdinov and Murray 2008; Burda et al. 2016); None for a threshold at one half, which goes to white.
    """
    if generator is None:
        return (np.asarray(pixels) >= 0.5).astype(np.float32)
    # random() lies in [0, 1): black stays black and white stays white.
    return (generator.random(np.shape(pixels), dtype=np.float32) < pixels).astype(np.float32)


@dataclass(frozen=True)
class ImageDataset:
    """Images of one split, with labels.

    Attributes:
        name: the dataset's name.
        split: ``train``, ``validation`` or ``test``.
        images: uint8 (N, C, H, W), 0 to 255.
        labels: int64 (N,), indices into `label_names`.
        label_names: one name per class.
    """

    name: str
    split: str
    images: np.ndarray
    labels: np.ndarray
    label_names: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.images.dtype != np.uint8 or self.images.ndim != 4:
            raise ValueError(f"images must be uint8 (N, C, H, W), not {self.images.dtype} {self.images.shape}")
        if self.labels.shape != (len(self.images),):
            raise ValueError(f"labels must be ({len(self.images)},), not {self.labels.shape}")

    def __len__(self) -> int:
        return len(self.images)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        _, channels, height, width = self.images.shape
        return channels, height, width

    def floats(self) -> np.ndarray:
        """Pixels in [0, 1], float32, flattened: (N, C*H*W)."""
        return self.images.reshape(len(self), math.prod(self.image_shape)).astype(np.float32) / 255.0

    def binarised(self, seed: int = BINARISATION_SEED) -> ImageDataset:
        """Black and white images, one draw of Bernoulli(pixel) for each pixel; one that is binary stays as it is."""
        drawn = binarise(self.images / np.float32(255.0), np.random.default_rng(seed))
        return replace(self, images=drawn.astype(np.uint8) * np.uint8(255))

    def first(self, count: int | None) -> ImageDataset:
        """The first `count` images, or all of them for None; at most as many as there are."""
        return self if count is None else replace(self, images=self.images[:count], labels=self.labels[:count])
