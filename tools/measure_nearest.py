"""Find the training images that are nearest to samples of the models of the page Sharper images.

VAE_DATA=… python -m tools.measure_nearest     # those that are shipped, into ui/chapters/sharper/found.npz

It needs the full MNIST, and takes about a minute for each model. Run it once another of these models is shipped.
"""

from __future__ import annotations

import numpy as np

from ui.chapters.sharper.family import DATASET, FOUR, shipped
from ui.chapters.sharper.nearest import FILE, REAL, Nearest, kept, samples_of
from ui.runs.measured_since import signature
from vae_core.datasets import ImageDataset, load
from vae_core.evaluation.features import FeatureSpace
from vae_core.evaluation.generation import MOST_SAMPLES
from vae_core.metrics import nearest_rows
from vae_core.storage.manifest import SHIPPED
from vae_core.storage.store import Store

AT_ONCE = 5_000  # training images


def search(pixels: np.ndarray, training: ImageDataset, space: FeatureSpace, of: float) -> Nearest:
    """The nearest training image of each image (N, D), and of each class the image that is nearest to one."""
    pixels = np.clip(pixels, 0.0, 1.0).astype(np.float64)
    flat = training.images.reshape(len(training), -1)
    index, errors = np.zeros(len(pixels), dtype=np.int64), np.full(len(pixels), np.inf)
    for start in range(0, len(flat), AT_ONCE):
        part = flat[start : start + AT_ONCE] / 255.0
        rows = nearest_rows(pixels, part)
        away = np.square(pixels - part[rows]).mean(axis=1)
        closer = away < errors
        index, errors = np.where(closer, start + rows, index), np.where(closer, away, errors)
    classes = space.probabilities(space.features(pixels)).argmax(axis=1)
    chosen = [members[errors[members].argmin()] for one in range(10) if len(members := np.flatnonzero(classes == one))]
    return Nearest(of, np.array(chosen), index[chosen], errors.astype(np.float32))


def main() -> None:
    """Search for those that the file lacks, and for all anew whose weights have changed."""
    store, known = Store(SHIPPED), dict(kept()) if FILE.exists() else {}
    training, space = load(DATASET, "train"), store.features(DATASET)
    if REAL not in known:
        digits = load(DATASET, "validation").first(MOST_SAMPLES).floats()
        known[REAL] = search(digits, training, space, 0.0)
    keys = [spec.key for kind in FOUR.values() for spec in shipped(kind) if spec.key in store]
    for key in keys:
        run = store.load(key)
        of = signature(run.metrics["test"])
        assert of is not None  # every model of images is measured by its squared error
        if key not in known or known[key].of != of:
            known[key] = search(samples_of(run), training, space, of)
            print(key, flush=True)
    arrays = {f"{key}/{name}": value for key in (REAL, *keys) for name, value in known[key]._asdict().items()}
    np.savez_compressed(FILE, **arrays)


if __name__ == "__main__":
    main()
