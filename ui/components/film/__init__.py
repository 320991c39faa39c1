"""The training film: a Streamlit component that goes along a run's epochs in the browser. See film.js."""

from __future__ import annotations

from ui.components.mount import component, mount
from vae_core.payloads.plane import Payload

_film = component(
    "training_film",
    html="film/film.html",
    styles=("engine/base.css", "engine/plane.css", "film/film.css"),
    module="film/film.js",
)


def training_film(payload: Payload, *, key: str) -> None:
    """Mount a film.

    Args:
        payload: made by `vae_core.payloads.film`.
        key: the element's identity across reruns; a run in training keeps its own, so that nothing flickers.
    """
    if payload.header["live"]:  # each is sent once: nothing to remember
        _film(key=key, data=payload.to_bytes())
        return
    mount(_film, payload, key=key)


def thumbnails(payload: Payload, *, key: str) -> None:
    """Send the held-out images to the films of this page; shows nothing itself. Mount it after the films."""
    mount(_film, payload, key=key, receiver="film:", height=1)  # thumbnails go to other components too
