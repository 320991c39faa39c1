"""The search for the code of an image, in the browser."""

from __future__ import annotations

from ui.components.mount import component, mount
from vae_core.payloads.plane import Payload

_inversion = component(
    "inversion",
    html="inversion/inversion.html",
    styles=("engine/base.css", "engine/plane.css", "inversion/inversion.css"),
    module="inversion/inversion.js",
)


def code_search(payload: Payload, *, key: str) -> None:
    """Mount the search.

    Args:
        payload: made by `vae_core.payloads.inversion.inversion_payload`; its options may have ``start``, the class of
            the image shown first.
        key: the element's identity across reruns.
    """
    mount(_inversion, payload, key=key)
