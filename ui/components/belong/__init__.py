"""Scores of held-out images of two kinds, a threshold between them, and the image of the board among them."""

from __future__ import annotations

from ui.components.mount import component, mount
from vae_core.payloads.plane import Payload

_belong = component(
    "belong",
    html="belong/belong.html",
    styles=("engine/base.css", "engine/plane.css", "belong/belong.css"),
    module="belong/belong.js",
)


def belonging(payload: Payload, *, key: str) -> None:
    """Mount it; it follows the board of the page.

    Where the score of a drawing is for the server to compute, the component commits ``resting``: the drawing when the
    pen rests, see `vae_core.payloads.belong` and `ui.chapters.uses.belong.nearest`.

    Args:
        payload: made by `vae_core.payloads.belong.belong_payload`, with ``nearest``: the server's last answer, or None.
        key: the element's identity across reruns; ``st.session_state`` has what was committed under it.
    """
    mount(_belong, payload, key=key, commits=("resting",))
