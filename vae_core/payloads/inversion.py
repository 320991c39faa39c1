"""A decoder, the network that guesses codes, and held-out images: to search for the code of an image in the browser.

A `plane.plane_payload` with the encoder's program and weights and a few held-out images beside it.
"""

from __future__ import annotations

from typing import Any

from vae_core.datasets import ImageDataset
from vae_core.payloads.inside import first_of_each, presets
from vae_core.payloads.plane import Payload, plane_payload
from vae_core.program.operations import tensor_names
from vae_core.run import Run

PER_CLASS = 6  # held-out images of each class


def inversion_payload(run: Run, held_out: ImageDataset, *, per_class: int = PER_CLASS, **header: Any) -> Payload:
    """What the search needs.

    Args:
        run: one that decodes codes and has an encoder as a program.
        held_out: its held-out images; the first `per_class` of each class are sent.
        per_class: at least 1.
        header: further entries, such as ``title``.

    Raises:
        ValueError: the run has no encoder, or the images are not of its size.
    """
    if not run.encoder:
        raise ValueError(f"{run.key} does not hold its encoder as a program")
    if held_out.image_shape != run.image_shape:
        raise ValueError(f"{run.key} takes images of shape {run.image_shape}, not {held_out.image_shape}")
    chosen = first_of_each(held_out.labels, len(run.label_names), per_class)
    return plane_payload(
        run,
        extra={
            **{name: run.weights[name] for name in tensor_names(run.encoder)},
            **presets(held_out, chosen),
        },
        kind="inversion",
        encoder={"encoder": run.encoder},
        **header,
    )
