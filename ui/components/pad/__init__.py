"""Inside the VAE: components that take a drawing through a VAE, in the browser. See inside.js.

The pad has the model and the drawing; the panels are given nothing, they show more of what is on the pad (now.js).
"""

from __future__ import annotations

from ui.components.mount import component, mount
from vae_core.payloads.plane import Payload

_inside = component(
    "inside_vae",
    html="pad/inside.html",
    styles=("engine/base.css", "engine/plane.css", "pad/pad.css", "pad/bars.css", "pad/inside.css"),
    module="pad/inside.js",
)
_place = component(
    "inside_place",
    html="pad/place.html",
    styles=("engine/base.css", "engine/plane.css", "pad/place.css"),
    module="pad/place.js",
)
_divergence = component(
    "inside_divergence",
    html="pad/divergence.html",
    styles=("engine/base.css", "engine/plane.css", "pad/divergence.css"),
    module="pad/divergence.js",
)


def inside_vae(payload: Payload, *, key: str) -> None:
    """Mount the digit pad and the network that its drawing goes through. Nothing comes back from it.

    Args:
        payload: made by `vae_core.payloads.inside.inside_payload`; its options are ``start``, the class of the
            held-out digit shown first, and ``measured_on``, what the mean beside it is of.
        key: the element's identity across reruns. Another model under the same key keeps the drawing.
    """
    mount(_inside, payload, key=key)


def place_of_drawing(*, key: str) -> None:
    """The approximate posterior of what is on the page's pad, in latent space, and samples of it decoded."""
    _place(key=key)


def divergence_of_drawing(*, key: str) -> None:
    """The KL of what is on the page's pad: its two parts by dimension, and its estimate by sampling."""
    _divergence(key=key)
