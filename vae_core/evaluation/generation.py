"""Measurements of generated images, in the feature space of the dataset's classifier. No torch: pages call them too."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
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
    median_with_interval,
    on_path_share,
    path_length,
    path_lengths,
    share_standard_error,
)
from vae_core.run import Codes, Run
from vae_core.sampling import SOURCES, directions, draw, great_circle_path, straight_path

MOST_SAMPLES = 3_000
NEIGHBOURS = 5
PATHS, PATH_POINTS = 300, 11
LENGTH_SAMPLES, STEP = 1_000, 0.01
SEED = 20_061_122
# Each measurement has its own stream, by number, so one more changes no other. Paths go on with that of the steps.
STREAMS = {"prior": 0, "box": 1, "mixture": 2, "steps": 3, "gaussian": 4, "steps in use": 5, "halves": 6}
SHARES = ("ambiguity", "hole_rate")  # of independent draws; neighbouring real images share the samples that cover them


def sample_figures(features: np.ndarray, real: np.ndarray, space: FeatureSpace) -> dict[str, float]:
    """Compare a set of images with as many real ones, by five figures.

    Args:
        features: (n, f), of the images.
        real: (n, f), of real ones.
        space: in which they are compared.

    Returns:
        ``frechet``: classifier Frechet distance. ``coverage`` and ``density`` (Naeem et al. 2020, k = 5).
        ``ambiguity``: share with a top probability below 0.7. ``hole_rate``: share farther from the nearest training
        image than 95% of real held-out images. Of the last two, shares of independent draws, the ``_standard_error``.
    """
    coverage, density = coverage_and_density(real, features, NEIGHBOURS)
    figures = {
        "frechet": frechet_distance(features, real),
        "coverage": coverage,
        "density": density,
        "ambiguity": ambiguity(space.probabilities(features)),
        "hole_rate": hole_rate(features, space.reference, space.threshold),
    }
    errors = {f"{name}_standard_error": share_standard_error(figures[name], len(features)) for name in SHARES}
    return figures | errors


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
        ``real``: `sample_figures` with ``n``, of the split's second part against its first, as samples are compared
        with its first. ``real_at_random``: of two parts drawn at random; the difference is the order of the images.
    """
    count = sample_size(dataset)
    seen = space.features(dataset.floats())
    order = np.random.default_rng([SEED, STREAMS["halves"]]).permutation(len(seen))
    parts = {"real": seen, "real_at_random": seen[order]}
    try:
        return {
            name: {"n": count, **sample_figures(rows[count : 2 * count], rows[:count], space)}
            for name, rows in parts.items()
        }
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
    generator = np.random.default_rng([SEED, STREAMS[source]])
    return _measure_decoded(run, draw(source, len(real), run.codes.mean, run.mixture, generator), real, space)


def _measure_decoded(run: Run, z: np.ndarray, real: np.ndarray, space: FeatureSpace) -> dict[str, float]:
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
        ``samples``: source -> `sample_figures` with ``n``; ``reconstructions`` are no samples, but other images of the
        split decoded at their mean codes: a reference for what the decoder can do, not a bound.
        ``path_length``: mean squared change of the features per squared step, in standard deviations of the codes
        (Karras et al. 2019), at ``path_length_n`` codes, at most 1,000. ``path_length_in_use``: the same with steps
        within the ``dimensions`` in use (`Codes.used`), as a ``median`` with its 95% interval, ``low`` to ``high``, and
        ``n``: single steps are so large that the mean depends on which codes were drawn. ``paths``: ``n`` pairs of
        images; the share of 9 intermediate points that are not holes, on the ``straight`` line, on the
        ``great_circle``, and for a ``crossfade`` of the two images themselves; ``midpoint_holes``, the share of
        straight paths whose midpoint is a hole; of each share its ``_standard_error``, over paths.
    """
    real = real_features(dataset, space)
    result: dict[str, Any] = {"samples": {}}
    stream = {name: np.random.default_rng([SEED, number]) for name, number in STREAMS.items()}
    places: dict[str, Callable[[], dict[str, float]]] = {
        source: partial(measure_samples, run, source, real, space) for source in SOURCES
    }
    places["reconstructions"] = lambda: _measure_decoded(run, codes.mean[len(real) : 2 * len(real)], real, space)
    for place, figures_of_place in places.items():
        try:
            result["samples"][place] = figures_of_place()
        except MeasureError as error:
            problems[place if place == "reconstructions" else f"samples from the {place}"] = str(error)
    walks: dict[str, Callable[[], dict[str, Any]]] = {
        "path_length": lambda: _path_length(run, codes.mean, space, stream["steps"]),
        "path_length_in_use": lambda: {
            "path_length_in_use": path_length_in_use(run, codes, space, stream["steps in use"])
        },
        "paths": lambda: {"paths": _paths(run, dataset, codes.mean, space, stream["steps"])},
    }
    for name, figures_of_walk in walks.items():
        try:
            result |= figures_of_walk()
        except MeasureError as error:
            problems[name] = str(error)
    return result


def _path_length(run: Run, mean: np.ndarray, space: FeatureSpace, generator: np.random.Generator) -> dict[str, float]:
    before, after, steps = _steps(run, mean, np.ones(mean.shape[1], dtype=bool), space, generator)
    return {"path_length": path_length(before, after, steps), "path_length_n": len(steps)}


def path_length_in_use(run: Run, codes: Codes, space: FeatureSpace, generator: np.random.Generator) -> dict[str, float]:
    """The median of the path length of steps within the dimensions in use; see `measure_generation`.

    A step in any direction would go partly into dimensions in which nothing changes, and flatter the model.

    Raises:
        MeasureError: no dimension is in use.
    """
    used = codes.used()
    if not used.any():
        raise MeasureError("no dimension is in use, so a step within those in use is undefined: choose a smaller β.")
    steps = _steps(run, codes.mean, used, space, generator)
    median = median_with_interval(path_lengths(*steps))
    return {
        "n": len(steps[0]), "dimensions": int(used.sum()),
        "median": median.value, "low": median.low, "high": median.high,
    }  # fmt: skip


def _steps(
    run: Run, mean: np.ndarray, used: np.ndarray, space: FeatureSpace, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features before and after a small step at some of the codes, and the steps, in standard deviations."""
    chosen = mean[generator.permutation(len(mean))[:LENGTH_SAMPLES]].astype(np.float64)
    steps = STEP * directions(len(chosen), used, generator)
    # Centred on the code; a dimension whose codes do not vary gets no step.
    half = 0.5 * steps * mean.std(axis=0)
    before, after = (space.features(run.decode(chosen + sign * half)) for sign in (-1.0, 1.0))
    return before, after, steps


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
    holes = float((middle > space.threshold).mean())
    figures = {"midpoint_holes": holes, "midpoint_holes_standard_error": share_standard_error(holes, pairs)}
    for name, found in (("straight", straight), ("great_circle", circle), ("crossfade", crossfade)):
        each = [on_path_share(path[None], space.threshold) for path in found]  # places on one path are alike
        figures[name] = on_path_share(found, space.threshold)
        figures[f"{name}_standard_error"] = float(np.std(each)) / math.sqrt(pairs)
    return {"n": pairs, **figures}
