"""Inside the VAE: a Streamlit component that takes a drawing through a VAE, in the browser. See inside.js."""

from __future__ import annotations

from ui.components.mount import component, mount
from vae_core.payloads.plane import Payload

_inside = component(
    "inside_vae",
    html="pad/inside.html",
    styles=("engine/base.css", "engine/plane.css", "pad/inside.css"),
    module="pad/inside.js",
)


def inside_vae(payload: Payload, *, key: str) -> None:
    """Mount the digit pad and the network that its drawing goes through. Nothing comes back from it.

    Args:
        payload: made by `vae_core.payloads.inside.inside_payload`; its options are ``start``, the class of the
            held-out digit shown first, and ``measured_on``, what the mean beside it is of.
        key: the element's identity across reruns. Another model under the same key keeps the drawing.
    """
    mount(_inside, payload, key=key)
