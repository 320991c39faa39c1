"""Inside the VAE: a Streamlit component that takes a drawing through a VAE, in the browser. See inside.js.

It is joined from the latent canvas's files and its own, as the canvas is.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ui import canvas
from ui.travel import parcel, wanted
from vae_core.browser import Payload

FOLDER = Path(__file__).parent
SHARED_SCRIPTS = ("payload.js", "decoder.js", "view.js", "paint.js", "page.js")
OWN_SCRIPTS = (
    "ink.js", "terms.js", "pad.js", "wires.js", "bars.js", "layers.js", "losses.js", "plane.js", "steps.js",
    "inside.js",
)  # fmt: skip
SCRIPTS = (*(canvas.FOLDER / name for name in SHARED_SCRIPTS), *(FOLDER / name for name in OWN_SCRIPTS))
STYLES = (canvas.FOLDER / "base.css", canvas.FOLDER / "plane.css", FOLDER / "inside.css")

_component = st.components.v2.component(
    "vae_playground.inside_vae",
    html=canvas.joined([FOLDER / "inside.html"]),
    css=canvas.joined(STYLES),
    js=canvas.joined(SCRIPTS),
)


def inside_vae(payload: Payload, *, key: str) -> None:
    """Mount the digit pad and the network that its drawing goes through. Nothing comes back from it.

    Args:
        payload: made by `vae_core.browser_inside.inside_payload`; its options are ``start``, the class of the
            held-out digit shown first, and ``measured_on``, what the mean beside it is of.
        key: the element's identity across reruns. Another model under the same key keeps the drawing.
    """
    _component(key=key, data=parcel(payload), on_want_change=wanted(payload))
