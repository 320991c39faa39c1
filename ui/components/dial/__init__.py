"""The β dial: a Streamlit component that goes along VAEs of a β sweep, in the browser. See dial.js for what it does.

HTML and styles travel with every mount of a component: what only brings tensors is mounted as a second, small one, the
carrier.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from ui.components.mount import component, mount
from vae_core.payloads.plane import Payload

RECEIVER = "dial:"  # thumbnails go to other components too

_dial = component(
    "beta_dial",
    html="dial/dial.html",
    styles=("engine/base.css", "engine/plane.css", "dial/dial.css"),
    module="dial/dial.js",
)
_carrier = component(
    "beta_dial_carrier",
    html="dial/carrier.html",
    styles=("engine/base.css",),
    module="dial/carrier.js",
)


def beta_dial(dial: Payload, stops: Sequence[Payload], *, key: str) -> int | None:
    """Mount a dial and send its stops.

    Args:
        dial: made by `vae_core.payloads.sweep.dial_payload`.
        stops: made by `stop_payload` or `in_bundles`, in the order in which they should travel: the first position is
            on screen once the dial and the first of them have arrived.
        key: the element's identity across reruns; another sweep needs another one.

    Returns:
        The stop that the visitor has released the slider at; None before that.
    """
    result = mount(_dial, dial, key=key, receiver=RECEIVER, commits=("beta",))
    with st.container(gap=None, key=f"{key}-stops"):  # without the usual space between elements: they show nothing
        for number, stop in enumerate(stops):
            _send(stop, key=f"{key}-stops-{number}")
    chosen = result.beta
    return chosen if isinstance(chosen, int) and 0 <= chosen < len(dial.header["stops"]) else None


def thumbnails(payload: Payload, *, key: str) -> None:
    """Send the held-out images to the dials of this page; shows nothing itself. Mount it after the dials."""
    _send(payload, key=key)


def _send(payload: Payload, *, key: str) -> None:
    mount(_carrier, payload, key=key, receiver=RECEIVER)
