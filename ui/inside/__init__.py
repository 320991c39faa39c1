"""Inside the VAE: a Streamlit component that takes a drawing through a VAE, in the browser. See inside.js."""

from __future__ import annotations

from ui.component import component, mount
from vae_core.browser import Payload

SCRIPTS = (
    "canvas/payload.js", "canvas/decoder.js", "canvas/view.js", "canvas/paint.js", "canvas/page.js", "canvas/link.js",
    "inside/ink.js", "inside/terms.js", "inside/pad.js", "inside/wires.js", "inside/bars.js", "inside/layers.js",
    "inside/losses.js", "inside/plane.js", "inside/steps.js", "inside/inside.js",
)  # fmt: skip

_inside = component(
    "inside_vae",
    html="inside/inside.html",
    styles=("canvas/base.css", "canvas/plane.css", "inside/inside.css"),
    scripts=SCRIPTS,
)


def inside_vae(payload: Payload, *, key: str) -> None:
    """Mount the digit pad and the network that its drawing goes through. Nothing comes back from it.

    Args:
        payload: made by `vae_core.browser_inside.inside_payload`; its options are ``start``, the class of the
            held-out digit shown first, and ``measured_on``, what the mean beside it is of.
        key: the element's identity across reruns. Another model under the same key keeps the drawing.
    """
    mount(_inside, payload, key=key)
