"""PCA with quantised coefficients and an entropy coder: what transform coding does without a network.

Every coefficient is divided by the same step and rounded: with orthogonal components that spreads the error evenly
over them, and those whose deviation is small against the step become 0 and cost next to nothing. Each whole number is
coded by how often it occurred in training images.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from vae_core.coding import stream
from vae_core.errors import MeasureError

METHOD = "linear"
LEVELS = 127  # of a component's stored numbers, on either side of 0


@dataclass(frozen=True)
class LinearCoder:
    """The coder of one set of components, one step and the frequencies that belong to it.

    Attributes:
        mean: float32 (D,), of the training images.
        components: int8 (d, D); times `scales` (d, 1) they are of length 1, nearly.
        scales: float32 (d, 1).
        step: of the coefficients.
        lowest: int32 (d,), the least whole number of each coefficient; those outside its range count as at its ends.
        counts: one array for each coefficient: how often each whole number from there on occurred in training images.
    """

    mean: np.ndarray
    components: np.ndarray
    scales: np.ndarray
    step: float
    lowest: np.ndarray
    counts: tuple[np.ndarray, ...]

    @cached_property
    def key(self) -> str:
        """Names exactly these numbers."""
        found = hashlib.sha256()
        for array in (self.mean, self.components, self.scales, np.float64(self.step), self.lowest, *self.counts):
            found.update(np.ascontiguousarray(array).tobytes())
        return found.hexdigest()[:16]

    @property
    def size(self) -> int:
        """Bytes that both sides must have: components, scales, mean, and frequencies in two bytes each."""
        tables = sum(2 * len(table) for table in self.counts)
        return self.mean.size + self.components.size + 4 * self.scales.size + tables

    @cached_property
    def _rows(self) -> np.ndarray:
        rows: np.ndarray = self.components.astype(np.float32) * self.scales
        return rows

    @cached_property
    def _models(self) -> list[Any]:
        models = stream.constriction().stream.model
        return [models.Categorical((table + 0.5) / (table + 0.5).sum(), perfect=False) for table in self.counts]

    def numbers(self, images: np.ndarray) -> np.ndarray:
        """The rounded coefficients: images float32 (N, D) in [0, 1] -> int32 (N, d)."""
        found = self._rounded(images, self.step)
        highest = self.lowest + np.array([len(table) - 1 for table in self.counts], np.int32)
        return np.clip(found, self.lowest, highest)

    def _rounded(self, images: np.ndarray, step: float) -> np.ndarray:
        return np.rint((images - self.mean) @ self._rows.T / step).astype(np.int32)

    def images(self, numbers: np.ndarray) -> np.ndarray:
        """Back to images: int (N, d) -> float32 (N, D), clipped to [0, 1]."""
        return np.clip(numbers.astype(np.float32) * np.float32(self.step) @ self._rows + self.mean, 0.0, 1.0)

    def bits(self, numbers: np.ndarray) -> np.ndarray:
        """-log2 of the frequencies: what each image should take, float64 (N,)."""
        total = np.zeros(len(numbers))
        for place, table in enumerate(self.counts):
            shares = (table + 0.5) / (table + 0.5).sum()
            total -= np.log2(shares[numbers[:, place] - self.lowest[place]])
        return total

    def encode(self, numbers: np.ndarray) -> bytes:
        """Write rounded coefficients (N, d).

        Raises:
            MeasureError: one outside its range.
        """
        numbers = np.ascontiguousarray(numbers, np.int32)
        coder = stream.begin(METHOD, self.key, numbers)
        for place in reversed(range(len(self.counts))):
            indices = numbers[:, place] - self.lowest[place]
            if indices.size and not 0 <= indices.min() <= indices.max() < len(self.counts[place]):
                raise MeasureError(f"coefficient {place + 1} is outside the range of the training images.")
            if indices.size:
                coder.encode_reverse(indices, self._models[place])
        return stream.finish(coder, METHOD, len(numbers))

    def decode(self, data: bytes) -> np.ndarray:
        """Read them back: int32 (N, d).

        Raises:
            CorruptStream: it was cut or altered, or written with other components.
        """
        coder, count = stream.unpack(data, METHOD)
        numbers = np.zeros((count, len(self.counts)), np.int32)
        for place, model in enumerate(self._models):
            if count:
                numbers[:, place] = coder.decode(model, count) + self.lowest[place]
        stream.check(stream.end(coder), METHOD, self.key, numbers)
        return numbers

    def arrays(self) -> dict[str, np.ndarray]:
        """What a file holds of it."""
        return {
            "mean": np.rint(255 * self.mean).astype(np.uint8),
            "components": self.components,
            "scales": self.scales,
            "step": np.float64(self.step),
            "lowest": self.lowest,
            "lengths": np.array([len(table) for table in self.counts], np.int32),
            "counts": np.concatenate(self.counts).astype(np.int32),
        }

    @classmethod
    def of_arrays(cls, arrays: Any) -> LinearCoder:
        """The same from a file's arrays by name."""
        edges = np.cumsum(arrays["lengths"])[:-1]
        return cls(
            arrays["mean"].astype(np.float32) / 255,
            arrays["components"],
            arrays["scales"],
            float(arrays["step"]),
            arrays["lowest"],
            tuple(np.split(arrays["counts"], edges)),
        )

    def with_step(self, step: float, training: np.ndarray) -> LinearCoder:
        """The same components with another step, its frequencies counted in training images float32 (N, D)."""
        found = self._rounded(training, step)
        lowest = found.min(axis=0) - 1  # one beyond what occurred, on either side
        lengths = found.max(axis=0) + 1 - lowest + 1
        counts = tuple(
            np.bincount(found[:, place] - lowest[place], minlength=lengths[place]).astype(np.int32)
            for place in range(found.shape[1])
        )
        return replace(self, step=step, lowest=lowest.astype(np.int32), counts=counts)


def fit(training: np.ndarray, components: int, step: float) -> LinearCoder:
    """Components, mean and frequencies of training images.

    Args:
        training: float32 (N, D) in [0, 1].
        components: d, at most D and N.
        step: of the coefficients, in units of pixels times the root of their number.
    """
    from sklearn.decomposition import PCA

    found = PCA(components, svd_solver="covariance_eigh").fit(training)
    scales = np.abs(found.components_).max(axis=1, keepdims=True) / LEVELS
    whole = np.rint(found.components_ / scales).astype(np.int8)
    mean = np.rint(255 * found.mean_).astype(np.float32) / 255
    coder = LinearCoder(mean, whole, scales.astype(np.float32), step, np.zeros(components, np.int32), ())
    return coder.with_step(step, training)
