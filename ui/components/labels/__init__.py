"""The board's digit, told by M2, and the ten classes in its handwriting (analogies.js)."""

from __future__ import annotations

from typing import Any

import streamlit as st

from ui.components.mount import component, mount
from vae_core.payloads.plane import Payload

_analogies = component(
    "labels_analogies",
    html="labels/analogies.html",
    styles=("engine/base.css", "labels/analogies.css"),
    module="labels/analogies.js",
)


def rests(key: str) -> Any:
    """What the browser sent when the hand last rested, of the component with this key, unchecked: the board's pixels,
    one byte each, in base64; None before that."""
    return (st.session_state.get(key) or {}).get("seen")


def analogies(payload: Payload, *, key: str) -> None:
    """Mount it; it follows the board. What it sends is read by `rests` in the run that follows.

    Args:
        payload: made by `vae_core.payloads.analogies.analogies_payload`.
        key: the element's identity across reruns.
    """
    mount(_analogies, payload, key=key, commits=("seen",))
