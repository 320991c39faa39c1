"""The latent canvas: a Streamlit component that decodes in the browser. See canvas.js for what it does."""

from __future__ import annotations

from typing import Any

from ui.components.mount import component, mount
from vae_core.payloads.plane import Payload

_canvas = component(
    "latent_canvas",
    html="canvas/canvas.html",
    styles=("engine/base.css", "engine/plane.css", "canvas/canvas.css"),
    module="canvas/canvas.js",
)


def latent_canvas(payload: Payload, thumbnails: Payload | None = None, *, key: str) -> Any:
    """Mount a plane.

    Args:
        payload: made by `vae_core.payloads.plane.plane_payload`; its option ``heat`` shades distances from the start,
            ``samples`` (list of [x, y]) are marked by crosses, ``pictures`` puts images at their points, as many as fit
            beside each other, ``link`` begins the names under which links keep what was done on it
            (`ui.chapters.links`).
        thumbnails: the held-out images, which the plane shows once they have arrived, after itself.
        key: the element's identity across reruns.

    Returns:
        An object with ``pins`` (list of [x, y]), ``path`` (12 points) and ``view`` ([cx, cy, half]) once the
        visitor has committed them and the payload's option ``commit`` is on; None before.
    """
    return mount(_canvas, payload, key=key, later=[thumbnails] if thumbnails else [], commits=("pins", "path", "view"))
