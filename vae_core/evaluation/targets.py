"""How near a model comes to the images that it learned to give."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from vae_core.datasets import ImageDataset
from vae_core.metrics.overlap import intersection_over_union
from vae_core.metrics.reconstruction import mean_squared_error
from vae_core.run import Run

BATCH = 500
HALF = 0.5  # of a mask's probability: from there on a pixel is the figure


@torch.no_grad()
def measure_targets(run: Run, dataset: ImageDataset) -> dict[str, Any]:
    """A model's errors on one split, against its target.

    Args:
        run: of a model that has a target, see `RunSpec.target`.
        dataset: with that target.

    Returns:
        ``n``: images; ``reconstruction``, nats per image, and the lowest possible, ``bernoulli_floor`` (Bernoulli
        only); ``mse`` per pixel; where the target is a mask, ``iou``, the mean of `intersection_over_union`, and
        ``iou_standard_error`` over images.
    """
    target = dataset.target(run.spec.target or "")
    wanted = target.reshape(len(target), -1).astype(np.float32) / 255.0
    likelihood, nats, made = run.likelihood, [], []
    parts = (torch.from_numpy(array).split(BATCH) for array in (dataset.floats(), wanted))
    for x, y in zip(*parts, strict=True):
        output = run.model.predict(x)  # type: ignore[operator]
        nats.append(likelihood.negative_log_likelihood(output, y))
        made.append(likelihood.expected_pixels(output))
    found = torch.cat(made).numpy()
    result: dict[str, Any] = {
        "n": len(dataset),
        "reconstruction": torch.cat(nats).double().mean().item(),
        "mse": mean_squared_error(wanted, found),
        **likelihood.floor(wanted),
    }
    if run.spec.target == "mask":
        each = intersection_over_union(found > HALF, wanted > HALF)
        result |= {"iou": float(each.mean()), "iou_standard_error": float(each.std(ddof=1) / math.sqrt(len(each)))}
    return result
