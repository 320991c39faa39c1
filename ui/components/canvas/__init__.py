"""The latent canvas: a Streamlit component that decodes in the browser. See canvas.js for what it does."""

from __future__ import annotations

from dataclasses import dataclass

from ui.components.mount import component, mount
from ui.links import url_state
from vae_core.payloads.plane import Payload

_canvas = component(
    "latent_canvas",
    html="canvas/canvas.html",
    styles=("engine/base.css", "engine/plane.css", "canvas/canvas.css"),
    module="canvas/canvas.js",
)

# What it commits is read as the link of a canvas is.
_PINS, _VIEW = url_state.points("z", "the pinned points"), url_state.view("view", "the part to show")


@dataclass(frozen=True)
class Committed:
    """What a visitor has done on a canvas; None before.

    Attributes:
        pins: at most `url_state.MAX_PINS` points [x, y].
        view: ``cx``, ``cy`` and ``half``.
    """

    pins: list[list[float]] | None
    view: dict[str, float] | None


def latent_canvas(payload: Payload, thumbnails: Payload | None = None, *, key: str) -> Committed:
    """Mount a plane.

    Args:
        payload: made by `vae_core.payloads.plane.plane_payload`; its option ``heat`` shades distances from the start,
            ``samples`` (list of [x, y]) are marked by crosses, ``pictures`` puts images at their points, as many as fit
            beside each other, ``link`` begins the names under which links keep what was done on it
            (`ui.chapters.links`).
        thumbnails: the held-out images, which the plane shows once they have arrived, after itself.
        key: the element's identity across reruns.

    Returns:
        What the visitor has committed, if the payload's option ``commit`` is on.
    """
    result = mount(_canvas, payload, key=key, later=[thumbnails] if thumbnails else [], commits=("pins", "view"))
    return Committed(url_state.committed(_PINS, result.pins), url_state.committed(_VIEW, result.view))
