"""M1+M2 as the payload of the bench "Few labels": what class an image has, and its handwriting in every class."""

from __future__ import annotations

import math
from typing import Any

from vae_core.payloads.plane import Payload, Tensors, image_size
from vae_core.program.operations import output_shape, tensor_names
from vae_core.run import Run

PROGRAMS = ("features", "classify", "posterior", "conditional")


def analogies_payload(run: Run, **header: Any) -> Payload:
    """The programs of q(y|x), q(z|x, y) and p(x|y, z).

    Args:
        run: of the model ``m2``.
        header: further entries, such as ``title``.

    Returns:
        With every weight that a program names. ``programs`` has those of `models.semi_supervised.M2.further_layers`;
        the last ends with expected pixels. ``features`` and ``style`` count the numbers of u and of z.

    Raises:
        ValueError: a run of another model.
    """
    programs = {name: run.programs.get(name, []) for name in PROGRAMS}
    if not all(programs.values()):
        raise ValueError(f"{run.key} has no class-conditional decoder")
    tensors = Tensors()
    for name in dict.fromkeys(name for program in programs.values() for name in tensor_names(program)):
        tensors.add(name, run.weights[name])
    (features,) = output_shape(programs["features"], (math.prod(run.image_shape),))
    return tensors.payload(
        {
            "kind": "analogies",
            "key": run.key,
            "image": image_size(run.image_shape),
            "labels": list(run.label_names),
            "features": features,
            "style": run.spec.options.style,
            "programs": {**programs, "conditional": [*programs["conditional"], *run.likelihood.final_operations]},
            **header,
        }
    )
