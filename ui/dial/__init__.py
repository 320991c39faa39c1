"""The β dial: a Streamlit component that goes along VAEs of a β sweep, in the browser. See dial.js for what it does.

It is joined from the latent canvas's files and its own, as the canvas is. A script travels with every mount of a
component: what only brings tensors is mounted as a second, small component, the carrier.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from ui import canvas
from ui.travel import parcel, wanted
from vae_core.browser import Payload

FOLDER = Path(__file__).parent
SHARED_SCRIPTS = ("payload.js", "decoder.js", "view.js", "paint.js", "page.js", "thumbnails.js")
OWN_SCRIPTS = ("sweep.js", "motion.js", "cloud.js", "gallery.js", "numbers.js", "rail.js", "plane.js", "dial.js")
SCRIPTS = (*(canvas.FOLDER / name for name in SHARED_SCRIPTS), *(FOLDER / name for name in OWN_SCRIPTS))
STYLES = (canvas.FOLDER / "base.css", canvas.FOLDER / "plane.css", FOLDER / "dial.css")
RECEIVER = "dial:"  # thumbnails go to other components too

_component = st.components.v2.component(
    "vae_playground.beta_dial",
    html=canvas.joined([FOLDER / "dial.html"]),
    css=canvas.joined(STYLES),
    js=canvas.joined(SCRIPTS),
)

_carrier = st.components.v2.component(
    "vae_playground.beta_dial_carrier",
    html=canvas.joined([FOLDER / "carrier.html"]),
    css=canvas.joined([canvas.FOLDER / "base.css"]),
    js=canvas.joined([FOLDER / "carrier.js"]),
)


def _committed() -> None:
    """Streamlit keeps a state key's value only if the mount names a callback for it."""


def beta_dial(dial: Payload, stops: Sequence[Payload], *, key: str) -> int | None:
    """Mount a dial and send its stops.

    Args:
        dial: made by `vae_core.browser_sweep.dial_payload`.
        stops: made by `stop_payload` or `in_bundles`, in the order in which they should travel: the first position is
            on screen once the dial and the first of them have arrived.
        key: the element's identity across reruns; another sweep needs another one.

    Returns:
        The stop that the visitor has released the slider at; None before that.
    """
    result: Any = _component(
        key=key,
        data=parcel(dial, RECEIVER),
        on_beta_change=_committed,
        on_want_change=wanted(dial, RECEIVER),
    )
    with st.container(gap=None, key=f"{key}-stops"):  # without the usual space between elements: they show nothing
        for number, stop in enumerate(stops):
            _send(stop, key=f"{key}-stops-{number}")
    chosen = result.beta
    return chosen if isinstance(chosen, int) and 0 <= chosen < len(dial.header["stops"]) else None


def thumbnails(payload: Payload, *, key: str) -> None:
    """Send the held-out images to the dials of this page; shows nothing itself. Mount it after the dials."""
    _send(payload, key=key)


def _send(payload: Payload, *, key: str) -> None:
    _carrier(key=key, data=parcel(payload, RECEIVER), on_want_change=wanted(payload, RECEIVER))
