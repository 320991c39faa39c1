"""The feature space in which generated images are measured: a classifier of the same dataset, not Inception."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vae_core.errors import DamagedRun
from vae_core.metrics import hole_threshold, nearest_distances
from vae_core.program.forward import run_program
from vae_core.run import Run
from vae_core.spec import RunSpec

REFERENCE_IMAGES = 10_000
_CLASSIFIER_OF = {"mnist_sample": "mnist"}  # the same digits
_EPOCHS = {"digits": 100}
_DEFAULT_EPOCHS = 20


def classifier_spec(dataset: str) -> RunSpec:
    """The classifier whose features are used for `dataset`."""
    name = _CLASSIFIER_OF.get(dataset, dataset)
    return RunSpec(dataset=name, model="classifier", epochs=_EPOCHS.get(name, _DEFAULT_EPOCHS))


def reference_extras(training: np.ndarray, held_out: np.ndarray) -> dict[str, np.ndarray]:
    """The arrays that a classifier's run stores for `FeatureSpace`.

    Args:
        training: (N, f), features of training images; stored in half precision.
        held_out: (M, f), features of held-out images, as the run stores them.
    """
    reference = training.astype(np.float16)
    threshold = hole_threshold(held_out, reference.astype(np.float64))
    return {"reference": reference, "threshold": np.array([threshold], dtype=np.float32)}


@dataclass(frozen=True)
class FeatureSpace:
    """The features of images in the penultimate layer of a frozen classifier.

    Attributes:
        run: the classifier.
        reference: float64 (N, f), features of training images.
        threshold: an image farther than this from every reference image is a hole: 95% of real held-out images are
            nearer (so 5% of those very images score as holes, and about as many of others).
    """

    run: Run
    reference: np.ndarray
    threshold: float

    @classmethod
    def of(cls, run: Run) -> FeatureSpace:
        """The feature space of a classifier's run.

        Raises:
            DamagedRun: a classifier's file without its reference.
        """
        if missing := {"reference", "threshold"} - set(run.extras):
            raise DamagedRun(f"{run.key} does not hold its {missing.pop()}; delete its file and train it again.")
        return cls(run, run.extras["reference"].astype(np.float64), float(run.extras["threshold"][0]))

    def features(self, pixels: np.ndarray) -> np.ndarray:
        """Flat images (N, D) -> float64 (N, f). Pixels are clipped to [0, 1]."""
        return self.run.encode(np.clip(pixels, 0.0, 1.0)).astype(np.float64)

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """Features (N, f) -> class probabilities (N, K)."""
        from scipy.special import softmax  # takes half a second to import

        logits = run_program(self.run.decoder, self.run.weights, features).astype(np.float64)
        return softmax(logits, axis=1)

    def distances(self, features: np.ndarray) -> np.ndarray:
        """Features (N, f) -> distance to the nearest training image, (N,)."""
        return nearest_distances(features, self.reference)
