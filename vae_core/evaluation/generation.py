"""Measurements of generated images, in the feature space of the dataset's classifier. No torch: pages call them too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from vae_core.datasets import ImageDataset
from vae_core.errors import MeasureError
from vae_core.evaluation.features import FeatureSpace
from vae_core.metrics import (
    ambiguity,
    coverage_and_density,
    frechet_distance,
    hole_rate,
    on_path_share,
    path_length,
)
from vae_core.run import Codes, Run
from vae_core.sampling import SOURCES, draw, great_circle_path, straight_path

MOST_SAMPLES = 3_000
NEIGHBOURS = 5
PATHS, PATH_POINTS = 300, 11
LENGTH_SAMPLES, STEP = 1_000, 0.01
SEED = 20_061_122


def sample_figures(features: np.ndarray, real: np.ndarray, space: FeatureSpace) -> dict[str, float]:
    """Compare a set of images with as many real ones, by five figures.

    Args:
        features: (n, f), of the images.
        real: (n, f), of real ones.
        space: in which they are compared.

    Returns:
        ``frechet``: classifier Frechet distance. ``coverage`` and ``density`` (Naeem et al. 2020, k = 5).
        ``ambiguity``: share with a top probability below 0.7. ``hole_rate``: share farther from the nearest training
        image than 95% of real held-out images.
    """
    coverage, density = coverage_and_density(real, features, NEIGHBOURS)
    return {
        "frechet": frechet_distance(features, real),
        "coverage": coverage,
        "density": density,
        "ambiguity": ambiguity(space.probabilities(features)),
        "hole_rate": hole_rate(features, space.reference, space.threshold),
    }


def sample_size(dataset: ImageDataset) -> int:
    """Size of each set of images: half a split, so that its halves can be compared; at most 3,000."""
    return min(MOST_SAMPLES, len(dataset) // 2)


def measure_real(dataset: ImageDataset, space: FeatureSpace, problems: dict[str, str]) -> dict[str, Any]:
    """Compare real images with other real ones: the best that generated images can be expected to reach.

    Args:
        dataset: the split.
        space: of the dataset's classifier.
        problems: a message is added if that is undefined here.

    Returns:
        ``real``: `sample_figures` with ``n``.
    """
    count = sample_size(dataset)
    seen = space.features(dataset.first(2 * count).floats())
    try:
        return {"real": {"n": count, **sample_figures(seen[count:], seen[:count], space)}}
    except MeasureError as error:
        problems["real"] = str(error)
        return {}


def real_features(dataset: ImageDataset, space: FeatureSpace) -> np.ndarray:
    """Features (n, f) of the real images that samples are compared with, as many as there will be samples."""
    return space.features(dataset.first(sample_size(dataset)).floats())


def measure_samples(run: Run, source: str, real: np.ndarray, space: FeatureSpace) -> dict[str, float]:
    """Compare samples from one source with as many real images: `sample_figures` with ``n``.

    The box is that around the run's own held-out codes, whatever images it is compared with: what is measured must not
    say where to sample.

    Raises:
        MeasureError: a figure is undefined here.
    """
    generator = np.random.default_rng([SEED, SOURCES.index(source)])
    z = draw(source, len(real), run.codes.mean, run.mixture, generator)
    return {"n": len(real), **sample_figures(space.features(run.decode(z)), real, space)}


def measure_generation(
    run: Run, dataset: ImageDataset, codes: Codes, space: FeatureSpace, problems: dict[str, str]
) -> dict[str, Any]:
    """Measure samples from three sources, and paths between codes.

    Args:
        run: the model.
        dataset: the split whose images the samples are measured against.
        codes: of that split.
        space: of the dataset's classifier.
        problems: a message is added for each figure that is undefined here.

    Returns:
        ``samples``: source -> `sample_figures` with ``n``. ``path_length``: mean squared change of the features per
        squared step, in standard deviations of the codes (Karras et al. 2019), at ``path_length_n`` codes, at most
        1,000. ``paths``: ``n`` pairs of images; the share of 9 intermediate points that are not holes, on the
        ``straight`` line, on the ``great_circle``, and for a ``crossfade`` of the two images themselves;
        ``midpoint_holes``, the share of straight paths whose midpoint is a hole.
    """
    real = real_features(dataset, space)
    result: dict[str, Any] = {"samples": {}}
    for source in SOURCES:
        try:
            result["samples"][source] = measure_samples(run, source, real, space)
        except MeasureError as error:
            problems[f"samples from the {source}"] = str(error)
    generator = np.random.default_rng([SEED, len(SOURCES)])
    walks: dict[str, Callable[[], dict[str, Any]]] = {
        "path_length": lambda: _path_length(run, codes.mean, space, generator),
        "paths": lambda: {"paths": _paths(run, dataset, codes.mean, space, generator)},
    }
    for name, figures_of_walk in walks.items():
        try:
            result |= figures_of_walk()
        except MeasureError as error:
            problems[name] = str(error)
    return result


def _path_length(run: Run, mean: np.ndarray, space: FeatureSpace, generator: np.random.Generator) -> dict[str, float]:
    chosen = mean[generator.permutation(len(mean))[:LENGTH_SAMPLES]].astype(np.float64)
    direction = generator.standard_normal(chosen.shape)
    steps = STEP * direction / np.linalg.norm(direction, axis=1, keepdims=True)  # in standard deviations
    # Centred on the code; an unused dimension, whose codes do not vary, gets no step.
    half = 0.5 * steps * mean.std(axis=0)
    before, after = (space.features(run.decode(chosen + sign * half)) for sign in (-1.0, 1.0))
    return {"path_length": path_length(before, after, steps), "path_length_n": len(chosen)}


def _paths(
    run: Run, dataset: ImageDataset, mean: np.ndarray, space: FeatureSpace, generator: np.random.Generator
) -> dict[str, Any]:
    order = generator.permutation(len(mean))
    pairs = min(PATHS, len(mean) // 2)
    if pairs == 0:
        raise MeasureError("a path needs two images and there is one: measure more of them")
    first, second = order[:pairs], order[pairs : 2 * pairs]
    between = slice(1, PATH_POINTS - 1)

    def distances(points: np.ndarray, *, decode: bool) -> np.ndarray:
        flat = points[:, between].reshape(-1, points.shape[-1])
        return space.distances(space.features(run.decode(flat) if decode else flat)).reshape(pairs, -1)

    images = dataset.floats()
    straight = distances(straight_path(mean[first], mean[second], PATH_POINTS), decode=True)
    circle = distances(great_circle_path(mean[first], mean[second], PATH_POINTS), decode=True)
    crossfade = distances(straight_path(images[first], images[second], PATH_POINTS), decode=False)
    middle = straight[:, straight.shape[1] // 2]
    return {
        "n": pairs,
        "straight": on_path_share(straight, space.threshold),
        "great_circle": on_path_share(circle, space.threshold),
        "crossfade": on_path_share(crossfade, space.threshold),
        "midpoint_holes": float((middle > space.threshold).mean()),
    }
