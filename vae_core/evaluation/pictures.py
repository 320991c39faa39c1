"""What generated and rebuilt images look like beside real ones: sharpness, classes, copies. No torch."""

from __future__ import annotations

from typing import Any

import numpy as np

from vae_core.datasets import ImageDataset
from vae_core.evaluation.features import FeatureSpace
from vae_core.evaluation.generation import SEED, STREAMS, sample_size
from vae_core.losses.likelihoods import bernoulli_floor
from vae_core.metrics import (
    class_balance,
    laplacian_variance,
    mean_squared_error,
    near_copies,
    share_standard_error,
)
from vae_core.run import Codes, Run
from vae_core.sampling import draw


def measure_pictures(run: Run, dataset: ImageDataset, codes: Codes, space: FeatureSpace) -> dict[str, Any]:
    """Figures of samples and reconstructions as pictures.

    The samples are those of ``samples`` / ``prior``, decoded from the same draws; reconstructions are of as many images
    of the split; real images are the split's first.

    Args:
        run: the model.
        dataset: the split.
        codes: of that split.
        space: of the dataset's classifier.

    Returns:
        ``real``, ``prior`` and ``reconstructions``: for each ``n``, ``sharpness`` (mean variance of the Laplacian, by
        that of the real images: theirs is 1) and its ``sharpness_standard_error``, ``pixel_entropy`` (nats per image:
        how undecided its pixels are, see `losses.likelihoods.bernoulli_floor`).
        ``prior`` also has ``classes`` (shares by class), ``classes_covered``, ``class_divergence`` (nats) and
        ``copies`` with its ``copies_standard_error``, see `metrics.sharpness`. ``reconstructions`` also has the mean
        squared error of the pixels, ``mse``, and of the features, ``features``: squared distance of an image's
        features to those of its reconstruction, by the mean squared distance of two real images' features.
    """
    count = sample_size(dataset)
    images = dataset.first(count).floats()
    generator = np.random.default_rng([SEED, STREAMS["prior"]])
    drawn = run.decode(draw("prior", count, run.codes.mean, run.mixture, generator))
    rebuilt = run.decode(codes.mean[:count])
    of_real, of_drawn, of_rebuilt = (space.features(one) for one in (images, drawn, rebuilt))
    size = float(laplacian_variance(_shaped(run, images)).mean())
    found = {
        name: _as_pictures(run, pixels, size)
        for name, pixels in (("real", images), ("prior", drawn), ("reconstructions", rebuilt))
    }
    balance = class_balance(*(space.probabilities(rows).argmax(axis=1) for rows in (of_drawn, of_real)))
    copies = near_copies(space.distances(of_drawn), space.distances(of_real))
    found["prior"] |= {
        "classes": balance.shares.tolist(),
        "classes_covered": balance.covered,
        "class_divergence": balance.divergence,
        "copies": copies,
        "copies_standard_error": share_standard_error(copies, count),
    }
    # Of two independent real images: twice the summed variance of the features.
    between = 2.0 * float(of_real.var(axis=0, ddof=1).sum())
    found["reconstructions"] |= {
        "mse": mean_squared_error(images, rebuilt),
        "features": float(np.square(of_real - of_rebuilt).sum(axis=1).mean()) / between,
    }
    return {"pictures": found}


def _shaped(run: Run, pixels: np.ndarray) -> np.ndarray:
    return np.clip(pixels, 0.0, 1.0).reshape(-1, *run.image_shape)


def _as_pictures(run: Run, pixels: np.ndarray, size: float) -> dict[str, float]:
    each = laplacian_variance(_shaped(run, pixels)) / size
    return {
        "n": len(pixels),
        "sharpness": float(each.mean()),
        "sharpness_standard_error": float(each.std(ddof=1)) / len(each) ** 0.5,
        "pixel_entropy": bernoulli_floor(np.clip(pixels, 0.0, 1.0)),
    }
