"""A model that gives another image than it sees, as a payload: its one program, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from vae_core.payloads.plane import Payload, Tensors, image_size
from vae_core.program.operations import tensor_names
from vae_core.run import Run


def predicting_payload(run: Run, name: str, more: Mapping[str, np.ndarray] | None = None, **header: Any) -> Payload:
    """A run's program ``predict``, from a flat image to the expected pixels of its target.

    Args:
        run: of a model that has a target, see `RunSpec.target`.
        name: of the model on the page.
        more: further arrays, by name.
        header: further entries.

    Raises:
        ValueError: the run has no such program.
    """
    if not run.programs.get("predict"):
        raise ValueError(f"{run.key} gives no other image than it sees")
    program = run.programs["predict"]
    tensors = Tensors()
    for each in tensor_names(program):
        tensors.add(each, run.weights[each])
    for each, array in (more or {}).items():
        tensors.add(each, array)
    return tensors.payload(
        {
            "kind": "predicting",
            "name": name,
            "key": run.key,
            "image": image_size(run.image_shape),
            "layers": [*program, *run.likelihood.final_operations],
            **header,
        }
    )
