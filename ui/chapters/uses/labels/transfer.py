"""Features learned on one set of images, labels of another: small digits of other writers, scaled to 28 by 28."""

from __future__ import annotations

from typing import Any

import numpy as np

from ui.chapters.uses.labels.draws import DRAWS
from ui.chapters.uses.labels.features import FEATURES
from vae_core.datasets import load
from vae_core.evaluation.few_labels import accuracies
from vae_core.storage.manifest import SHIPPED
from vae_core.storage.store import Store

DATASET = "digits"  # scikit-learn's, 8 by 8 pixels
LEVELS = (1, 3, 10, 30)
INSIDE = 20  # pixels: MNIST's digits fill 20 of 28, and the small ones all of their 8
# Name of the features in FEATURES, "own" for a VAE that learned on these very digits (linear: no
# deeper one is shipped), or "small" for their 64 pixels.
SOURCES = {
    "small": "64 pixels as they are",
    "own": "a linear VAE of these digits, d = 16",
    "pca": "PCA of MNIST, d = 32",
    "conv_ae": "convolutional AE of MNIST, d = 32",
    "both": "two convolutional AEs of MNIST, layers before their codes",
}
OWN = "vae-digits-d16-b1-4c948dd124"


def enlarged(images: np.ndarray) -> np.ndarray:
    """Small digits as MNIST's would be: (N, 1, 8, 8) uint8 -> flat float32 (N, 784) in [0, 1].

    Bilinear, to 20 by 20 pixels, in the middle of 28 by 28.
    """
    from scipy.ndimage import zoom

    small = images[:, 0].astype(np.float32) / 255.0
    large = zoom(small, (1, INSIDE / small.shape[1], INSIDE / small.shape[2]), order=1, grid_mode=True, mode="nearest")
    edge = (28 - INSIDE) // 2
    return np.pad(np.clip(large, 0.0, 1.0), ((0, 0), (edge, edge), (edge, edge))).reshape(len(images), -1)


def figures_of_transfer(name: str) -> dict[str, Any]:
    """As `tools.measure_labels.figures_of`, on the digits' own split: labels from one part, accuracy on the other."""
    training, test = load(DATASET, "train"), load(DATASET, "test")
    specs = FEATURES[name].specs() if name in FEATURES else []
    runs = [Store(SHIPPED).load(key) for key in ([OWN] if name == "own" else [spec.key for spec in specs])]

    def read(images: Any) -> np.ndarray:
        if name == "small":
            return images.floats()
        if name == "own":
            return runs[0].encode(images.floats())
        return FEATURES[name].of(runs, enlarged(images.images))

    known, asked = read(training), read(test)
    found = {}
    for level in LEVELS:
        right = accuracies(known, training.labels, asked, test.labels, level, DRAWS)
        found[str(level)] = [round(one, 4) for one in right]
    return {"keys": [run.key for run in runs], "d": known.shape[1], "n": len(test), "accuracy": found}
