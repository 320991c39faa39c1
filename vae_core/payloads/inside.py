"""A VAE with its encoder, as the payload of the page "Inside the VAE".

It is a `plane.plane_payload` with three additions: the encoder's weights and programs, a few held-out images to begin
with, and the numbers measured on a whole test set, to compare one image with.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from vae_core.datasets import ImageDataset
from vae_core.payloads.plane import Payload, plane_payload
from vae_core.program.operations import Program, tensor_names
from vae_core.run import Run

ENCODER = ("trunk", "mean", "log_var")  # its programs
PER_CLASS = 6  # held-out images of each class
NUMBERS = ("reconstruction", "kl", "bernoulli_floor", "n")


def inside_payload(
    run: Run, held_out: ImageDataset, numbers: Mapping[str, Any], *, per_class: int = PER_CLASS, **header: Any
) -> Payload:
    """A run's encoder, decoder and plane, and held-out images.

    Args:
        run: a variational autoencoder with the Bernoulli likelihood and square images of one channel.
        held_out: its held-out images; the first `per_class` of each class are sent.
        numbers: `NUMBERS` as measured on many images: mean nats per image, and the sample size.
        per_class: at least 1.
        header: further entries, such as ``title``, ``palette`` and ``options``.

    Raises:
        ValueError: the run or the images do not fit.
    """
    if run.likelihood.browser_loss != "cross_entropy":
        raise ValueError(f"{run.key} has another likelihood than the Bernoulli one, whose terms are shown")
    channels, height, width = run.image_shape
    if channels != 1 or height != width:
        raise ValueError(f"{run.key} takes images of shape {run.image_shape}; square ones of one channel can be drawn")
    if held_out.image_shape != run.image_shape:
        raise ValueError(f"{run.key} takes images of shape {run.image_shape}, not {held_out.image_shape}")
    if not set(ENCODER) <= set(run.programs):
        raise ValueError(f"{run.key} has no encoder with a posterior to take apart")
    encoder = {name: run.programs[name] for name in ENCODER}
    chosen = first_of_each(held_out.labels, len(run.label_names), per_class)
    return plane_payload(
        run,
        extra={
            **{name: run.weights[name] for program in encoder.values() for name in tensor_names(program)},
            **presets(held_out, chosen),
        },
        kind="inside",
        encoder=encoder,
        parameters={name: parameters(run, program) for name, program in {**encoder, "decoder": run.decoder}.items()},
        preset_numbers=[int(index) for index in chosen],
        measured={name: _finite(numbers.get(name)) for name in NUMBERS},
        **header,
    )


def first_of_each(labels: np.ndarray, classes: int, count: int) -> np.ndarray:
    """Indices of the first `count` images of each class, class after class; fewer if a class has fewer."""
    if count < 1:
        raise ValueError(f"at least one image of each class is shown, not {count}")
    return np.concatenate([np.flatnonzero(labels == label)[:count] for label in range(classes)])


def presets(held_out: ImageDataset, chosen: np.ndarray) -> dict[str, np.ndarray]:
    """Some images, uint8 (n, C*H*W), and their classes, uint8 (n,), as tensors of a payload."""
    return {
        "presets": held_out.images[chosen].reshape(len(chosen), -1),
        "preset_classes": held_out.labels[chosen].astype(np.uint8),
    }


def parameters(run: Run, program: Program) -> list[int]:
    """Numbers of learned parameters, layer by layer; 0 for a layer without weights."""
    return [sum(run.weights[name].size for name in tensor_names([layer])) for layer in program]


def _finite(value: Any) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
