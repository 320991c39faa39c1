"""Measure a prior over codes: the bits of held-out images, and the images that it writes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from vae_core.datasets import ImageDataset
from vae_core.errors import MeasureError
from vae_core.evaluation.features import FeatureSpace
from vae_core.evaluation.generation import real_features, sample_figures
from vae_core.models.prior import VQPrior
from vae_core.run import Codes, Run

BATCH = 500
SEED = 17_110_937
SOURCES = ("uniform", "independent", "prior")


@torch.no_grad()
def measure_prior(run: Run, codes: Codes) -> dict[str, float]:
    """How well the prior predicts the codes of a split.

    Returns:
        ``prior_nats``: -ln p(codes) per image, summed over cells. ``prior_bits``: the same in bits, with its
        ``prior_bits_standard_error``.
    """
    model = run.model
    assert isinstance(model, VQPrior)
    ways = zip(
        torch.from_numpy(codes.mean).split(BATCH), torch.from_numpy(codes.labels).long().split(BATCH), strict=True
    )
    nats = torch.cat([model.negative_log_probability(part, labels) for part, labels in ways]).double()
    bits = nats / math.log(2)
    return {
        "prior_nats": nats.mean().item(),
        "prior_bits": bits.mean().item(),
        "prior_bits_standard_error": bits.std().item() / math.sqrt(len(bits)),
    }


def draw_codes(run: Run, source: str, count: int, labels: np.ndarray) -> np.ndarray:
    """Codes (count, cells) from one of `SOURCES`, always the same.

    ``uniform``: every entry is as likely in every cell. ``independent``: each cell for itself, with the shares that
    entries have in the run's stored codes, those of the validation split. ``prior``: written cell by cell.

    Args:
        run: with a prior.
        source: one of them.
        count: how many.
        labels: (count,), the class of each, for a prior that is told it.
    """
    model = run.model
    assert isinstance(model, VQPrior)
    shape = (count, run.spec.latent_dim)
    if source == "prior":
        generator = torch.Generator().manual_seed(SEED)
        parts = torch.from_numpy(labels.astype(np.int64)).split(BATCH)
        return torch.cat([model.write(part, generator) for part in parts]).numpy().astype(np.float32)
    random = np.random.default_rng([SEED, SOURCES.index(source)])
    if source == "uniform":
        return random.integers(model.entries, size=shape).astype(np.float32)
    return random.choice(run.codes.mean.ravel(), size=shape).astype(np.float32)


def measure_written(run: Run, dataset: ImageDataset, space: FeatureSpace, problems: dict[str, str]) -> dict[str, Any]:
    """Compare images of drawn codes with as many real ones.

    Args:
        run: with a prior.
        dataset: the split; a prior that is told a class is told those of its first images.
        space: of the dataset's classifier.
        problems: a message is added for each source that is undefined here.

    Returns:
        ``samples``: source, one of `SOURCES` -> `generation.sample_figures` with ``n``; ``reconstructions`` are other
        images of the split: what this decoder can do.
    """
    real = real_features(dataset, space)
    count = len(real)
    labels = dataset.labels[:count]
    further = run.encode(dataset.floats()[count : 2 * count])
    found: dict[str, Any] = {}
    for source in (*SOURCES, "reconstructions"):
        codes = further if source == "reconstructions" else draw_codes(run, source, count, labels)
        try:
            found[source] = {"n": count, **sample_figures(space.features(run.decode(codes)), real, space)}
        except MeasureError as error:
            problems[f"samples: {source}"] = str(error)
    return {"samples": found}
