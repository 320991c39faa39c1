"""How well damaged images are restored: by a model, which encodes and decodes them, and by classical filters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from vae_core.corruption import check, corrupt, numbers_for
from vae_core.datasets import ImageDataset
from vae_core.errors import MeasureError
from vae_core.evaluation.filters import FILTERS, Setting, cleaned, filtered, tuned
from vae_core.metrics.restoration import Fidelity, fidelity
from vae_core.run import Run

IMAGES = 500  # of the split, its first
VALIDATION_IMAGES = 100  # on which filters are tuned
SEED = 2_008  # of the damage: the same numbers for every method, and at every level of a kind
LEVELS: dict[str, tuple[float, ...]] = {
    "gaussian": (0.05, 0.1, 0.15, 0.25, 0.5, 0.75, 1.0),
    "unclipped": (0.05, 0.1, 0.15, 0.25, 0.5, 0.75, 1.0),
    "salt_and_pepper": (0.05, 0.1, 0.2, 0.3, 0.5),
    "patch": (0.2, 0.3, 0.4, 0.5),
    "blur": (0.5, 1.0, 1.5, 2.0),
}
Restore = Callable[[np.ndarray], np.ndarray]  # damaged images (N, D) -> (N, D)


def damaged(dataset: ImageDataset, kind: str, level: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The first images of a split and what is left of them: float32 (n, C*H*W) each.

    Args:
        dataset: the split.
        kind: a name in `corruption.CORRUPTIONS`.
        level: in its unit.
        count: n, or all images there are.

    Raises:
        MeasureError: no such kind or level.
    """
    import torch

    images = dataset.first(min(count, len(dataset))).floats()
    size = dataset.image_shape
    check(kind, level)
    numbers = numbers_for(kind, len(images), size, torch.Generator().manual_seed(SEED))
    return images, corrupt(kind, level, torch.from_numpy(images), numbers, size).numpy()


def restoring(run: Run) -> Restore:
    """What a model makes of damaged images: it decodes their codes, or the means of their posteriors."""
    import torch

    def restore(seen: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            output = run.model.decode(run.model.encode_mean(torch.from_numpy(seen)))
        return run.likelihood.expected_images(output.numpy())

    return restore


def over_levels(
    restore: Callable[[str, float, np.ndarray], np.ndarray], dataset: ImageDataset, count: int = IMAGES
) -> dict[str, dict[str, list[float]]]:
    """Fidelity over kinds and levels of damage.

    Args:
        restore: kind, level, damaged images (n, D) -> restored ones.
        dataset: the split.
        count: of its first images.

    Returns:
        kind -> ``psnr`` and ``psnr_standard_error`` in dB, ``ssim`` and ``ssim_standard_error``, one number for each of
        `LEVELS`; see `metrics.restoration.fidelity`.
    """
    result = {}
    for kind, levels in LEVELS.items():
        found = []
        for level in levels:
            images, seen = damaged(dataset, kind, level, count)
            found.append(fidelity(images, restore(kind, level, seen), dataset.image_shape))
        result[kind] = {name: [float(getattr(one, name)) for one in found] for name in Fidelity._fields}
    return result


def measure_denoising(run: Run, dataset: ImageDataset, count: int = IMAGES) -> dict[str, Any]:
    """How well a model restores damaged images, whatever it was trained on.

    Args:
        run: with an encoder and a decoder.
        dataset: the split.
        count: of its first images.

    Returns:
        ``denoising``: ``n``, ``levels`` by kind of damage, and what `over_levels` returns, by kind.

    Raises:
        MeasureError: a model that does not rebuild images, or images that are too small.
    """
    if not run.encoder:
        raise MeasureError(f"{run.key} does not rebuild images: choose an autoencoder.")
    if min(dataset.image_shape[1:]) < 7:
        raise MeasureError(f"images of at least 7 by 7 pixels are needed, not {dataset.image_shape[1:]}.")
    restore = restoring(run)
    found = over_levels(lambda kind, level, seen: restore(seen), dataset, count)  # noqa: ARG005
    levels = {kind: list(some) for kind, some in LEVELS.items()}
    return {"denoising": {"n": min(count, len(dataset)), "levels": levels, **found}}


def tune_filters(
    validation: ImageDataset, more: Mapping[str, tuple[tuple[float, ...], Callable[[np.ndarray, float], np.ndarray]]]
) -> dict[str, dict[str, list[Setting]]]:
    """Every filter's best setting for each kind and level of damage, on validation images.

    Args:
        validation: grey images; its first `VALIDATION_IMAGES` are used.
        more: further methods with one parameter: name -> parameters, and (damaged (n, D), parameter) -> (n, D).

    Returns:
        name -> kind -> a setting for each of `LEVELS`.
    """
    _, height, width = validation.image_shape
    settings: dict[str, dict[str, list[Setting]]] = {name: {kind: [] for kind in LEVELS} for name in (*FILTERS, *more)}
    for kind, levels in LEVELS.items():
        for level in levels:
            images, seen = damaged(validation, kind, level, VALIDATION_IMAGES)
            pictures = seen.reshape(-1, height, width)
            for name, one in FILTERS.items():
                results = {p: filtered(name, pictures, p).reshape(images.shape) for p in one.parameters}
                settings[name][kind].append(tuned(results, images))
            for name, (parameters, apply) in more.items():
                settings[name][kind].append(tuned({p: apply(seen, p) for p in parameters}, images))
    return settings


def filtering(name: str, settings: Mapping[str, list[Setting]], size: tuple[int, int, int]) -> Any:
    """A filter as tuned, for `over_levels`: kind, level, damaged images (n, H*W) -> (n, H*W)."""
    _, height, width = size

    def restore(kind: str, level: float, seen: np.ndarray) -> np.ndarray:
        setting = settings[kind][LEVELS[kind].index(level)]
        return cleaned(name, seen.reshape(-1, height, width), setting).reshape(seen.shape)

    return restore


def truncated(run: Run) -> Callable[[np.ndarray, float], np.ndarray]:
    """Projection on the first so many components of a PCA: (damaged (n, D), how many) -> (n, D)."""

    def project(seen: np.ndarray, components: float) -> np.ndarray:
        codes = run.encode(seen)
        codes[:, int(components) :] = 0.0  # the mean's
        return run.decode(codes)

    return project
