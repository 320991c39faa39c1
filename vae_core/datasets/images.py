"""ImageDataset: the arrays that everything else works on."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np


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

    def first(self, count: int | None) -> ImageDataset:
        """The first `count` images, or all of them for None; at most as many as there are."""
        return self if count is None else replace(self, images=self.images[:count], labels=self.labels[:count])
