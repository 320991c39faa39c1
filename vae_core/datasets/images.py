"""ImageDataset: the arrays that everything else works on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from vae_core.errors import SpecError

# For binarising grey pixels in an evaluation: fixed, so that evaluating twice gives the same numbers.
BINARISATION_SEED = 20_150_901


def binarise(pixels: np.ndarray, generator: np.random.Generator | None = None) -> np.ndarray:
    """Binarise grey pixels: 0 or 1, float32 of the same shape.

    Args:
        pixels: in [0, 1], any shape.
        generator: to sample each pixel from Bernoulli(pixel), as "dynamic binarisation" does anew in every epoch
            (Salakhutdinov and Murray 2008; Burda et al. 2016); None for a threshold: 1 from one half on.
    """
    if generator is None:
        return (np.asarray(pixels) >= 0.5).astype(np.float32)
    # random() lies in [0, 1): black stays black and white stays white.
    return (generator.random(np.shape(pixels), dtype=np.float32) < pixels).astype(np.float32)


KINDS = ("continuous", "category")
PICTURE = "picture"  # the target of a model that gives what it sees


@dataclass(frozen=True)
class Factor:
    """A known cause of an image, such as its width or its light.

    Attributes:
        name: to display.
        kind: one of `KINDS`: a real number, or the index of a category.
        low, high: the range of its values.
        unit: of its values, to display; empty for a number without one.
    """

    name: str
    kind: str = "continuous"
    low: float = 0.0
    high: float = 1.0
    unit: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS or not self.low < self.high:
            raise ValueError(f"factor {self.name!r} must be {' or '.join(KINDS)}, with low below high")


@dataclass(frozen=True)
class ImageDataset:
    """Images of one split, with labels and, where known, their generative factors.

    Attributes:
        name: the dataset's name.
        split: ``train``, ``validation`` or ``test``.
        images: uint8 (N, C, H, W), 0 to 255.
        labels: int64 (N,), indices into `label_names`.
        label_names: one name per class.
        factors: one for each column of `factor_values`; empty if none are known.
        factor_values: float32 (N, F).
        targets: other images that a model may learn to give for each of these, by name: uint8 (N, C, H, W).
    """

    name: str
    split: str
    images: np.ndarray
    labels: np.ndarray
    label_names: tuple[str, ...]
    factors: tuple[Factor, ...] = ()
    factor_values: np.ndarray | None = None
    targets: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.images.dtype != np.uint8 or self.images.ndim != 4:
            raise ValueError(f"images must be uint8 (N, C, H, W), not {self.images.dtype} {self.images.shape}")
        if self.labels.shape != (len(self.images),):
            raise ValueError(f"labels must be ({len(self.images)},), not {self.labels.shape}")
        shape = None if self.factor_values is None else self.factor_values.shape
        if shape != ((len(self.images), len(self.factors)) if self.factors else None):
            raise ValueError(f"{len(self.factors)} factors of {len(self.images)} images do not fit values of {shape}")
        for name, given in self.targets.items():
            if given.dtype != np.uint8 or given.shape != self.images.shape:
                raise ValueError(
                    f"the target {name} must be uint8 {self.images.shape}, not {given.dtype} {given.shape}"
                )

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
        """Binarised images: one sample of Bernoulli(pixel) for each pixel; binary images stay as they are."""
        binary = binarise(self.images / np.float32(255.0), np.random.default_rng(seed))
        return replace(self, images=binary.astype(np.uint8) * np.uint8(255))

    def target(self, name: str) -> np.ndarray:
        """The images that a model learns to give: of a name in `targets`, or `PICTURE`, these themselves; uint8.

        Raises:
            SpecError: there are none of this name.
        """
        if name != PICTURE and name not in self.targets:
            raise SpecError(f"{self.name} has no target {name!r}.")
        return self.images if name == PICTURE else self.targets[name]

    def first(self, count: int | None) -> ImageDataset:
        """The first `count` images, or all of them if there are fewer or `count` is None."""
        return self if count is None else self._chosen(slice(count))

    def without(self, label: int | None) -> ImageDataset:
        """The images that are not of one class, in their order; all of them if `label` is None.

        Raises:
            SpecError: all images are of that class.
        """
        if label is None:
            return self
        others = self.labels != label
        if len(others) and not others.any():
            what = self.label_names[label] if label < len(self.label_names) else label
            raise SpecError(
                f"all {len(self):,} images of the {self.split} split of {self.name} are of class {what!r}: leave out "
                "another class."
            )
        return self._chosen(others)

    def _chosen(self, which: slice | np.ndarray) -> ImageDataset:
        values = None if self.factor_values is None else self.factor_values[which]
        targets = {name: given[which] for name, given in self.targets.items()}
        return replace(
            self, images=self.images[which], labels=self.labels[which], factor_values=values, targets=targets
        )
