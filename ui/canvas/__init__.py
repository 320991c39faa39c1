"""The latent canvas: a Streamlit component that decodes in the browser. See canvas.js for what it does.

The scripts are plain files without imports, joined in this order into the one module that Streamlit loads.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

_FOLDER = Path(__file__).parent
SCRIPTS = ("payload.js", "decoder.js", "view.js", "paint.js", "canvas.js")


def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


SCRIPT = "\n".join(_text(name) for name in SCRIPTS)

_component = st.components.v2.component(
    "vae_playground.latent_canvas", html=_text("canvas.html"), css=_text("canvas.css"), js=SCRIPT
)


def _committed() -> None:
    """Streamlit keeps a state key's value only if the mount names a callback for it."""


def latent_canvas(payload: bytes, *, key: str) -> Any:
    """Mount a plane.

    Args:
        payload: bytes of `vae_core.browser.plane_payload`.
        key: the element's identity across reruns.

    Returns:
        An object with ``pins`` (list of [x, y]), ``path`` (12 points) and ``view`` ([cx, cy, half]) once the
        visitor has committed them and the payload's option ``commit`` is on; None before.
    """
    return _component(
        key=key, data=payload, on_pins_change=_committed, on_path_change=_committed, on_view_change=_committed
    )


def thumbnails(payload: bytes, *, key: str) -> None:
    """Send the held-out images to the planes of this page; shows nothing itself. Mount it after the planes."""
    _component(key=key, data=payload, height=1)
