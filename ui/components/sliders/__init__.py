"""Sliders for every latent dimension of a run, and the image that they decode to, live in the browser."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ui.components.mount import component, mount
from vae_core.payloads.plane import Payload

REACH = 3.0  # standard deviations of the codes, to both sides of their mean

_sliders = component(
    "latent_sliders",
    html="sliders/sliders.html",
    styles=("engine/base.css", "engine/plane.css", "sliders/sliders.css"),
    module="sliders/sliders.js",
)


def dimensions(means: np.ndarray, active: Sequence[bool]) -> list[dict[str, object]]:
    """What the sliders say of each latent dimension, the one that varies most first.

    Args:
        means: (N, d), mean codes of held-out images.
        active: (d,), whether the model uses the dimension.
    """
    centre, spread = means.mean(axis=0, dtype=np.float64), means.std(axis=0, dtype=np.float64)
    return [
        {
            "index": int(index),
            "centre": float(centre[index]),
            "reach": max(REACH * float(spread[index]), 1e-3),
            "spread": float(spread[index]),
            "active": bool(active[index]),
        }
        for index in np.argsort(-spread, kind="stable")
    ]


def latent_sliders(payload: Payload, *, key: str) -> None:
    """Mount the sliders.

    Args:
        payload: a plane's (`vae_core.payloads.plane.plane_payload`) with the header entry ``dimensions``, made by
            `dimensions`.
        key: the element's identity across reruns.
    """
    mount(_sliders, payload, key=key)
