"""A model that rebuilds images, as a payload: its encoder and its decoder, nothing else."""

from __future__ import annotations

from typing import Any

from vae_core.payloads.plane import Payload, Tensors, image_size
from vae_core.program.operations import tensor_names
from vae_core.run import Run


def rebuilding_payload(run: Run, name: str, **header: Any) -> Payload:
    """A run's encoder, to codes or the means of posteriors, and its decoder, to expected pixels.

    Args:
        run: with an encoder.
        name: of the model on the page.
        header: further entries.

    Raises:
        ValueError: the run has no encoder as a program.
    """
    if not run.encoder:
        raise ValueError(f"{run.key} does not hold its encoder as a program")
    tensors = Tensors()
    for each in dict.fromkeys((*tensor_names(run.encoder), *tensor_names(run.decoder))):
        tensors.add(each, run.weights[each])
    return tensors.payload(
        {
            "kind": "rebuilding",
            "name": name,
            "key": run.key,
            "image": image_size(run.image_shape),
            "latent_dim": run.spec.latent_dim,
            "encoder": run.encoder,
            "layers": [*run.decoder, *run.likelihood.final_operations],
            **header,
        }
    )
