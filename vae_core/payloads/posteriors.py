"""The approximate posteriors of all held-out images under several models with d = 2, to be drawn as ellipses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vae_core.payloads.plane import RING_RADII, LatentPlane, Payload, Tensors, square_range
from vae_core.run import Run


def posteriors_payload(runs: Sequence[Run], planes: Sequence[Mapping[str, Any]], **header: Any) -> Payload:
    """Means and standard deviations of q(z|x), one plane for each run.

    Args:
        runs: variational autoencoders with d = 2, measured on the same held-out images.
        planes: what the header says of each run's plane, such as its ``title``.
        header: further entries, such as ``palette``.

    Raises:
        ValueError: a run of another d, or one without a posterior.
    """
    tensors, told = Tensors(), []
    for number, (run, entries) in enumerate(zip(runs, planes, strict=True)):
        if run.spec.latent_dim != 2 or not run.codes.has_posterior:
            raise ValueError(f"{run.key} has no posteriors in a plane of two latent dimensions")
        means, log_var = run.codes.posterior()
        means = means.astype(np.float32)
        tensors.add(f"means{number}", means)
        tensors.add(f"sigmas{number}", np.exp(0.5 * log_var.astype(np.float64)).astype(np.float32))
        told.append(
            {
                "key": run.key,
                "axes": LatentPlane.of_codes(means).axis_names,
                "rings": list(RING_RADII),
                "range": square_range(means, at_least=0.0),
                **entries,
            }
        )
    tensors.add("classes", runs[0].codes.labels)
    return tensors.payload({"kind": "posteriors", "planes": told, "labels": list(runs[0].label_names), **header})
