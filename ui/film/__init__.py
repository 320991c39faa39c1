"""The training film: a Streamlit component that goes along a run's epochs in the browser. See film.js for what it does.

It is joined from the latent canvas's files and its own, as the canvas is.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ui import canvas
from ui.travel import parcel, wanted
from vae_core.browser import Payload

FOLDER = Path(__file__).parent
SHARED_SCRIPTS = ("payload.js", "view.js", "paint.js", "page.js")
SCRIPTS = (*(canvas.FOLDER / name for name in SHARED_SCRIPTS), FOLDER / "curves.js", FOLDER / "film.js")
STYLES = (canvas.FOLDER / "base.css", canvas.FOLDER / "plane.css", FOLDER / "film.css")

_component = st.components.v2.component(
    "vae_playground.training_film",
    html=canvas.joined([FOLDER / "film.html"]),
    css=canvas.joined(STYLES),
    js=canvas.joined(SCRIPTS),
)


def training_film(payload: Payload, *, key: str) -> None:
    """Mount a film.

    Args:
        payload: made by `vae_core.browser_film`.
        key: the element's identity across reruns; a run in training keeps its own, so that nothing flickers.
    """
    if payload.header["live"]:  # each is sent once: nothing to remember
        _component(key=key, data=payload.to_bytes())
        return
    _component(key=key, data=parcel(payload), on_want_change=wanted(payload))
