"""Held-out images to draw on, as the payload of the board of "What codes are good for"."""

from __future__ import annotations

from typing import Any

from vae_core.datasets import ImageDataset
from vae_core.payloads.inside import PER_CLASS, first_of_each, presets
from vae_core.payloads.plane import Payload, Tensors, image_size


def board_payload(held_out: ImageDataset, *, per_class: int = PER_CLASS, **header: Any) -> Payload:
    """The first held-out images of each class.

    Args:
        held_out: of one channel, square.
        per_class: at least 1.
        header: further entries, such as ``options``.

    Returns:
        With the tensors ``presets`` and ``preset_classes``; the header has ``image``, ``labels``, and ``numbers``, the
        place of each of these images in the split.
    """
    chosen = first_of_each(held_out.labels, len(held_out.label_names), per_class)
    tensors = Tensors()
    for name, array in presets(held_out, chosen).items():
        tensors.add(name, array)
    return tensors.payload(
        {
            "kind": "board",
            "image": image_size(held_out.image_shape),
            "labels": list(held_out.label_names),
            "numbers": [int(index) for index in chosen],
            **header,
        }
    )
