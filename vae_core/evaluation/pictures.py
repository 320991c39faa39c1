"""What generated and rebuilt images look like beside real ones: sharpness, classes, copies. No torch."""

from __future__ import annotations

from typing import Any

import numpy as np

from vae_core.datasets import ImageDataset
from vae_core.evaluation.features import FeatureSpace
from vae_core.evaluation.generation import SEED, STREAMS, sample_size
from vae_core.losses.likelihoods import bernoulli_floor
from vae_core.metrics import (
    ambiguity,
    class_balance,
    hole_rate,
    laplacian_variance,
    mean_squared_error,
    near_copies,
    precision_and_recall,
    share_standard_error,
)
from vae_core.run import Codes, Run
from vae_core.sampling import draw


def measure_pictures(
    run: Run, dataset: ImageDataset, codes: Codes, space: FeatureSpace, problems: dict[str, str]
) -> dict[str, Any]:
    """Figures of samples and reconstructions as pictures.

    The samples are those of ``samples`` / ``prior``, decoded from the same draws; reconstructions are of as many images
    of the split; real images are the split's first.

    Args:
        run: the model.
        dataset: the split.
        codes: of that split.
        space: of the dataset's classifier.
        problems: a message is added for what is undefined here.

    Returns:
        ``pictures``: of ``real`` images, the ``prior``'s samples and ``reconstructions`` ``n``, ``sharpness`` (mean
        variance of the Laplacian, by that of the real images: theirs is 1) with its ``sharpness_standard_error``, and
        ``pixel_entropy`` (nats per image: how undecided its pixels are, see `losses.likelihoods.bernoulli_floor`).
        ``prior`` also has ``classes`` (shares by class), ``classes_covered``, ``imbalance`` and
        ``copies`` with its ``copies_standard_error``, see `metrics.sharpness`, and ``precision`` and ``recall``;
        ``real`` has these two of two parts of the split, drawn at random. ``reconstructions`` also has the mean squared
        error of the pixels, ``mse``, and of the features, ``features``: squared distance of an image's features to
        those of its reconstruction, by the mean squared distance of two real images' features. ``midpoints`` are
        decoded halfway between the mean codes of two images of the split, ``crossfade`` the means of the same two
        images, pixel by pixel: both also with ``ambiguity`` and ``hole_rate``, see `generation.sample_figures`, and the
        ``_standard_error`` of each.
    """
    count = sample_size(dataset)
    images = dataset.first(count).floats()
    size = float(laplacian_variance(_shaped(run, images)).mean()) if count > 1 else 0.0
    if size == 0.0:
        problems["pictures"] = "sharpness needs two or more real images with edges in them: measure more of them"
        return {}
    generator = np.random.default_rng([SEED, STREAMS["prior"]])
    drawn = run.decode(draw("prior", count, run.codes.mean, run.mixture, generator))
    rebuilt = run.decode(codes.mean[:count])
    if not (np.isfinite(drawn).all() and np.isfinite(rebuilt).all()):
        problems["pictures"] = "some images that the model makes are infinite or NaN: train it again"
        return {}
    of_real, of_drawn, of_rebuilt = (space.features(one) for one in (images, drawn, rebuilt))
    found = {
        name: _as_pictures(run, pixels, size)
        for name, pixels in (("real", images), ("prior", drawn), ("reconstructions", rebuilt))
    }
    # Of two independent real images: twice the summed variance of the features.
    between = 2.0 * float(of_real.var(axis=0, ddof=1).sum())
    found["reconstructions"] |= {
        "mse": mean_squared_error(images, rebuilt),
        "features": float(np.square(of_real - of_rebuilt).sum(axis=1).mean()) / between,
    }
    copies = near_copies(space.distances(of_drawn), space.distances(of_real))
    found["prior"] |= {"copies": copies, "copies_standard_error": share_standard_error(copies, count)}
    balance = class_balance(*(space.probabilities(rows).argmax(axis=1) for rows in (of_drawn, of_real)))
    found["prior"] |= {
        "classes": balance.shares.tolist(), "classes_covered": balance.covered, "imbalance": balance.imbalance,
    }  # fmt: skip
    found["prior"] |= precision_and_recall(of_real, of_drawn)._asdict()
    order = np.random.default_rng([SEED, STREAMS["halves"]]).permutation(len(dataset))[: 2 * count]
    parts = space.features(dataset.floats()[order])
    found["real"] |= precision_and_recall(parts[:count], parts[count:])._asdict()
    pixels = 0.5 * (images + dataset.floats()[count : 2 * count])
    halfway = run.decode(0.5 * (codes.mean[:count] + codes.mean[count : 2 * count]))
    for name, made in (("midpoints", halfway), ("crossfade", pixels)):
        rows = space.features(made)
        shares = {
            "ambiguity": ambiguity(space.probabilities(rows)),
            "hole_rate": hole_rate(rows, space.reference, space.threshold),
        }
        errors = {f"{one}_standard_error": share_standard_error(share, count) for one, share in shares.items()}
        found[name] = {**_as_pictures(run, made, size), **shares, **errors}
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
