"""A run that never saw one class, with the scores of held-out images, as the payload of the bench "Does it belong?".

The browser scores a drawing with the same programs, the same draws and the same references as `evaluation.left_out`
scored the held-out images.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vae_core.datasets import ImageDataset
from vae_core.evaluation.left_out import cloud_of_codes, draws
from vae_core.metrics.anomaly import Subspace
from vae_core.payloads.inside import ENCODER
from vae_core.payloads.plane import Payload, Tensors, image_size
from vae_core.program.operations import tensor_names
from vae_core.run import Run

SHOWN = 10  # images of either kind, for each score


def belong_payload(
    run: Run,
    held_out: ImageDataset,
    scores: Mapping[str, np.ndarray],
    titles: Sequence[Mapping[str, Any]],
    subspace: Subspace,
    **header: Any,
) -> Payload:
    """What the component needs to score a drawing, and the scores that it is compared with.

    Args:
        run: a variational autoencoder with the Bernoulli likelihood, trained without a class.
        held_out: its held-out images, those of that class too.
        scores: of these images, (N,) each; higher is odder.
        titles: for each of the scores, in their order, what the page says of it: ``name``, ``title``, ``unit``.
        subspace: for the PCA error.
        header: further entries.

    Raises:
        ValueError: the run does not fit.
    """
    cloud = cloud_of_codes(run)
    if run.spec.without is None or run.likelihood.browser_loss != "cross_entropy" or cloud is None:
        raise ValueError(f"{run.key} is no VAE of Bernoulli pixels that was trained without a class")
    odd = np.asarray(held_out.labels) == run.spec.without
    tensors = Tensors()
    encoder = {name: run.programs[name] for name in ENCODER}
    for name in dict.fromkeys(name for program in (*encoder.values(), run.decoder) for name in tensor_names(program)):
        tensors.add(name, run.weights[name])
    tensors.add("noise", draws(run.spec.latent_dim))
    tensors.add("cloud_mean", cloud.mean.astype(np.float32))
    tensors.add("cloud_precision", cloud.precision.astype(np.float32))
    tensors.add("pca_mean", subspace.mean.astype(np.float16))
    tensors.add("pca_components", subspace.components.astype(np.float16))
    tensors.add("odd", odd.astype(np.uint8))
    extremes = {name: _extremes(scores[name], odd) for name in (title["name"] for title in titles)}
    shown = np.unique(np.concatenate([part for pair in extremes.values() for part in pair]))
    tensors.add("tiles", held_out.images[shown].reshape(len(shown), -1))
    for number, title in enumerate(titles):
        tensors.add(f"score_{number}", scores[title["name"]].astype(np.float32))
        for kind, chosen in zip(("missed", "alarms"), extremes[title["name"]], strict=True):
            tensors.add(f"{kind}_{number}", np.searchsorted(shown, chosen).astype(np.uint16))
    return tensors.payload(
        {
            "kind": "belong",
            "key": run.key,
            "image": image_size(run.image_shape),
            "labels": list(run.label_names),
            "tile_labels": [run.label_names[int(label)] for label in held_out.labels[shown]],
            "tile_numbers": shown.tolist(),
            "left_out": run.label_names[run.spec.without],
            "encoder": encoder,
            "layers": run.decoder,  # to logits
            "dimensions": run.spec.latent_dim,
            "components": len(subspace.components),
            "scores": list(titles),
            **header,
        }
    )


def _extremes(score: np.ndarray, odd: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The odd images with the least score, and the usual ones with the highest: indices."""
    order = np.argsort(score, kind="stable")
    missed = [index for index in order if odd[index]][:SHOWN]
    alarms = [index for index in order[::-1] if not odd[index]][:SHOWN]
    return np.asarray(missed, np.int64), np.asarray(alarms, np.int64)
