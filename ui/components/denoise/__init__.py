"""The board's digit, damaged, and what networks and filters make of it (denoise.js)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from ui.components.mount import component, mount
from vae_core.payloads.plane import Payload

_denoise = component(
    "denoise",
    html="denoise/denoise.html",
    styles=("engine/base.css", "engine/plane.css", "denoise/denoise.css"),
    module="denoise/denoise.js",
)


def rests(key: str) -> Any:
    """What the browser sent when the hand last rested, of the component with this key, unchecked: ``token``, ``kind``,
    ``level`` and ``pixels``, the damaged ones as float32 in base64; None before that."""
    return (st.session_state.get(key) or {}).get("seen")


def denoise(first: Payload, later: Sequence[Payload], *, key: str) -> None:
    """Mount the bench; it follows the board. What it sends is read by `rests` in the run that follows.

    Args:
        first: a network (`vae_core.payloads.rebuilding.rebuilding_payload`) with the header entries ``methods``
            (``name``, ``title``, ``said``, the title within a sentence, ``colour``, ``dash``, ``wide``, ``network`` of
            each), ``kinds`` of damage by name (``title``, ``said``, ``unit``, ``most``, ``start``, ``about``,
            ``note``), ``start``, the kind with which it opens, ``levels`` and ``figures`` (``psnr`` and ``half``, by
            method and kind), ``n``, ``settings`` of methods that are tuned, and ``answers`` of the filters.
        later: the other networks.
        key: the element's identity across reruns.
    """
    mount(_denoise, first, key=key, later=later, commits=("seen",))
