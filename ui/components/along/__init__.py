"""A line through latent space: a slider that moves along it, and what the model decodes there, live in the browser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from ui.components.mount import component, mount
from vae_core.payloads.plane import Payload

_along = component(
    "latent_along",
    html="along/along.html",
    styles=("engine/base.css", "engine/plane.css", "along/along.css"),
    module="along/along.js",
)


@dataclass(frozen=True)
class Line:
    """Codes start + s · direction, for s from `low` to `high`.

    Attributes:
        start: (d,), the code at s = 0.
        direction: (d,).
        low, high: the ends.
        value: where the slider starts.
        name: of s, such as "t".
        steps: of the strip below the slider, from `low` to `high`.
    """

    start: Sequence[float]
    direction: Sequence[float]
    low: float
    high: float
    value: float
    name: str
    steps: int = 9

    @classmethod
    def of_codes(
        cls, start: np.ndarray, direction: np.ndarray, ends: tuple[float, float], value: float, name: str
    ) -> Line:
        """From arrays, each (d,)."""
        return cls(start.astype(float).tolist(), direction.astype(float).tolist(), *ends, value, name)


def along(payload: Payload, line: Line, *, title: str, subtitle: str, group: str, link: str, key: str) -> None:
    """Mount one.

    Args:
        payload: a plane's (`vae_core.payloads.plane.plane_payload`).
        line: in the latent space of its model.
        title: above it.
        subtitle: below the title.
        group: what is on the page in the same group moves together.
        link: the name under which links keep the place on it.
        key: the element's identity across reruns.
    """
    header = {"title": title, "subtitle": subtitle, "along": asdict(line), "options": {"group": group, "link": link}}
    mount(_along, payload.with_header(**header), key=key)
