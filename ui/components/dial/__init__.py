"""The β dial: a Streamlit component that goes along VAEs of a β sweep, in the browser. See dial.js for what it does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ui.components.mount import component, mount
from vae_core.payloads.plane import Payload

_dial = component(
    "beta_dial",
    html="dial/dial.html",
    styles=("engine/base.css", "engine/plane.css", "dial/dial.css"),
    module="dial/dial.js",
)


def beta_dial(dial: Payload, stops: Sequence[Payload], thumbnails: Payload | None, *, key: str) -> int | None:
    """Mount a dial.

    Args:
        dial: made by `vae_core.payloads.sweep.dial_payload`.
        stops: made by `stop_payload`, in the order in which they are fetched: the first position is on screen once
            the dial and the first of them have arrived.
        thumbnails: the held-out images, fetched last; None where there are none.
        key: the element's identity across reruns; another sweep needs another one.

    Returns:
        The stop that the visitor has released the slider at; None before that.
    """
    result = mount(_dial, dial, key=key, later=[*stops, *([thumbnails] if thumbnails else [])], commits=("beta",))
    return released_at(result.beta, len(dial.header["stops"]))


def released_at(position: Any, stops: int) -> int | None:
    """A position as a browser sends it, if it is one of so many stops."""
    fits = isinstance(position, int) and not isinstance(position, bool) and 0 <= position < stops
    return position if fits else None
