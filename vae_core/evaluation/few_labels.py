"""How well classes are told apart when few images have a label: one support vector machine for all features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from vae_core.datasets.few_labels import DRAWS, labelled
from vae_core.datasets.images import ImageDataset
from vae_core.errors import MeasureError
from vae_core.models import model_kind
from vae_core.run import Run

C = 10.0  # of every machine, whatever the features: chosen once, on images that are not in the test set


def kernel(a: np.ndarray, b: np.ndarray, gamma: float) -> np.ndarray:
    """exp(-gamma |a - b|²), float32 (N, M), of float32 rows (N, d) and (M, d)."""
    squared = np.square(a).sum(axis=1)[:, None] + np.square(b).sum(axis=1)[None] - 2.0 * (a @ b.T)
    np.maximum(squared, 0.0, out=squared)
    squared *= -gamma
    return np.exp(squared, out=squared)


@dataclass(frozen=True)
class Machine:
    """A fitted support vector machine, one against one (Cortes and Vapnik 1995), with a Gaussian kernel.

    Attributes:
        vectors: float32 (S, d), the support vectors, class after class.
        starts: of each class among them, and their end; (K + 1,).
        coefficients: (K - 1, S), as scikit-learn's ``dual_coef_``.
        intercepts: (K (K - 1) / 2,), of the pairs of classes in order.
        gamma: of the kernel, 1 / (d · variance of the labelled features), scikit-learn's ``scale``.
        classes: (K,), their labels.
    """

    vectors: np.ndarray
    starts: np.ndarray
    coefficients: np.ndarray
    intercepts: np.ndarray
    gamma: float
    classes: np.ndarray

    @classmethod
    def fit(cls, features: np.ndarray, labels: np.ndarray) -> Machine:
        """Fit the machine, by scikit-learn.

        Args:
            features: (N, d).
            labels: (N,), at least two different ones.

        Raises:
            ValueError: labels of one class, or none: there is nothing to tell apart.
        """
        from sklearn.svm import SVC  # takes a second to import

        if len(np.unique(labels)) < 2:
            raise ValueError("a classifier needs labels of at least two classes")
        features = np.ascontiguousarray(features, dtype=np.float32)
        gamma = float(1.0 / (features.shape[1] * max(float(features.var()), 1e-12)))
        fitted = SVC(C=C, kernel="precomputed").fit(kernel(features, features, gamma), labels)
        sign = -1.0 if len(fitted.classes_) == 2 else 1.0  # of two classes scikit-learn turns the signs
        return cls(
            vectors=features[fitted.support_],
            starts=np.concatenate([[0], np.cumsum(fitted.n_support_)]),
            coefficients=(sign * fitted.dual_coef_).astype(np.float32),
            intercepts=sign * fitted.intercept_,
            gamma=gamma,
            classes=fitted.classes_,
        )

    def votes(self, features: np.ndarray) -> np.ndarray:
        """How many of the pairs that a class is in it wins: (N, d) -> int64 (N, K)."""
        similar = kernel(np.asarray(features, dtype=np.float32), self.vectors, self.gamma)  # (N, S)
        ends = list(zip(self.starts, self.starts[1:], strict=False))
        parts = [similar[:, start:end] @ self.coefficients[:, start:end].T for start, end in ends]  # (N, K - 1) each
        votes = np.zeros((len(similar), len(self.classes)), dtype=np.int64)
        pairs = [(i, j) for i in range(len(ends)) for j in range(i + 1, len(ends))]
        for (i, j), intercept in zip(pairs, self.intercepts, strict=True):
            first = parts[i][:, j - 1] + parts[j][:, i] + intercept > 0
            votes[:, i] += first
            votes[:, j] += ~first
        return votes

    def predict(self, features: np.ndarray) -> np.ndarray:
        """The class with the most votes, the first where several have as many: (N, d) -> (N,)."""
        found: np.ndarray = self.classes[self.votes(features).argmax(axis=1)]
        return found

    def accuracy(self, features: np.ndarray, labels: np.ndarray) -> float:
        """The share of images, of features (N, d), whose class (N,) is told."""
        return float((self.predict(features) == labels).mean())


def accuracies(
    known: np.ndarray, labels: np.ndarray, asked: np.ndarray, right: np.ndarray, per_class: int, draws: int
) -> list[float]:
    """The share of images told right by machines that were each fitted on a few labels.

    Args:
        known, labels: features (N, d) and classes (N,) to draw the labelled images from, see `labelled`.
        asked, right: those of the images to tell.
        per_class: labels of each class.
        draws: how many times, with the seeds from 0 on.

    Raises:
        ValueError: see `labelled` and `Machine.fit`.
    """
    chosen = [labelled(labels, per_class, seed) for seed in range(draws)]
    return [Machine.fit(known[one], labels[one]).accuracy(asked, right) for one in chosen]


def measure_few_labels(run: Run, known: ImageDataset, asked: ImageDataset, per_class: int) -> dict[str, Any]:
    """How many images are told right by a machine on a run's codes (their means), with few labels.

    Args:
        run: with an encoder to numbers.
        known: images with labels to draw from, of which the run learned none.
        asked: the images to tell, none of them among `known`.
        per_class: labels of each class.

    Returns:
        ``few_labels``: ``per_class``, ``draws``, ``accuracy`` and its ``standard_deviation`` over draws.

    Raises:
        MeasureError: no such code or labels, or images that are the same.
    """
    if not model_kind(run.spec.model).bottleneck.continuous or not run.encoder:
        raise MeasureError(f"{run.key} gives no real numbers for an image that a classifier could be fitted on.")
    if per_class < 1 or len(known.label_names) < 2:
        raise MeasureError("few labels need at least one label of each class, and two classes.")
    if len(known) == len(asked) and np.array_equal(known.images, asked.images):
        raise MeasureError(f"labels are drawn from the very images of {asked.name} to be told: choose another split.")
    found = accuracies(
        run.encode(known.floats()), known.labels, run.encode(asked.floats()), asked.labels, per_class, DRAWS
    )
    spread = {"accuracy": float(np.mean(found)), "standard_deviation": float(np.std(found, ddof=1))}
    return {"few_labels": {"per_class": per_class, "draws": DRAWS, **spread}}
