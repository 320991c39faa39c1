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


def training_film(payload: Payload, thumbnails: Payload | None = None, *, key: str) -> None:
    """Mount a film.

    Args:
        payload: made by `vae_core.payloads.film`.
        thumbnails: the held-out images, which the film may show in the place of its dots.
        key: the element's identity across reruns; a run in training keeps its own, so that nothing flickers.
    """
    mount(_film, payload, key=key, later=[thumbnails] if thumbnails else [])
