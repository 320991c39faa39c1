"""The derivation's experiments: a Streamlit component whose four parts compute in the browser. See derivation.js.

It is joined from some of the latent canvas's files and its own, as the canvas is. Every mount shows one part, named by
its payload's kind; the parts ``posterior`` and ``descent`` of a page share their decoder, observation and variance.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ui import canvas
from ui.travel import parcel, wanted
from vae_core.browser import Payload

FOLDER = Path(__file__).parent
SHARED_SCRIPTS = ("payload.js", "view.js", "page.js")
OWN_SCRIPTS = (
    "toy.js", "chart.js", "controls.js", "posterior.js", "descent.js", "diagonal.js", "estimate.js", "derivation.js",
)  # fmt: skip
SCRIPTS = (*(canvas.FOLDER / name for name in SHARED_SCRIPTS), *(FOLDER / name for name in OWN_SCRIPTS))
STYLES = (canvas.FOLDER / "base.css", FOLDER / "derivation.css")

_component = st.components.v2.component(
    "vae_playground.derivation",
    html=canvas.joined([FOLDER / "derivation.html"]),
    css=canvas.joined(STYLES),
    js=canvas.joined(SCRIPTS),
)


def experiment(payload: Payload, *, key: str) -> None:
    """Mount a part.

    Args:
        payload: made by `ui.derivation.part`.
        key: the element's identity across reruns.
    """
    _component(key=key, data=parcel(payload), on_want_change=wanted(payload))
