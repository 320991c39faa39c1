"""The latent line: a Streamlit component for models of one latent dimension. See line.js for what it does."""

from __future__ import annotations

from ui.components.mount import component, mount
from vae_core.payloads.plane import Payload

_line = component(
    "latent_line", html="line/line.html", styles=("engine/base.css", "line/line.css"), module="line/line.js"
)


def latent_line(payload: Payload, *, key: str) -> None:
    """Mount a line.

    Args:
        payload: made by `vae_core.payloads.plane.line_payload`; its options may hold ``z``, where the visitor starts.
        key: the element's identity across reruns.
    """
    mount(_line, payload, key=key)
