"""The latent line: a Streamlit component for models of one latent dimension. See line.js for what it does.

It is joined from the latent canvas's files and its own, as the canvas is.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ui import canvas
from ui.travel import parcel, wanted
from vae_core.browser import Payload

FOLDER = Path(__file__).parent
SCRIPTS = (*(canvas.FOLDER / name for name in ("payload.js", "decoder.js", "paint.js", "page.js")), FOLDER / "line.js")
STYLES = (canvas.FOLDER / "base.css", FOLDER / "line.css")

_component = st.components.v2.component(
    "vae_playground.latent_line",
    html=canvas.joined([FOLDER / "line.html"]),
    css=canvas.joined(STYLES),
    js=canvas.joined(SCRIPTS),
)


def latent_line(payload: Payload, *, key: str) -> None:
    """Mount a line.

    Args:
        payload: made by `vae_core.browser.line_payload`; its options may hold ``z``, where the visitor starts.
        key: the element's identity across reruns.
    """
    _component(key=key, data=parcel(payload), on_want_change=wanted(payload))
