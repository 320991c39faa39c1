"""The latent canvas: a Streamlit component that decodes in the browser. See canvas.js for what it does.

The scripts are plain files without imports, joined in this order into the one module that Streamlit loads. Other
components (ui/line) are joined from some of the same files.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import streamlit as st

from ui.travel import parcel, wanted
from vae_core.browser import Payload

FOLDER = Path(__file__).parent
SCRIPTS = ("payload.js", "decoder.js", "view.js", "paint.js", "heat.js", "page.js", "thumbnails.js", "canvas.js")
STYLES = ("base.css", "plane.css", "canvas.css")


def joined(files: Iterable[Path]) -> str:
    """The texts of files, one after the other."""
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


SCRIPT = joined(FOLDER / name for name in SCRIPTS)

_component = st.components.v2.component(
    "vae_playground.latent_canvas",
    html=joined([FOLDER / "canvas.html"]),
    css=joined(FOLDER / name for name in STYLES),
    js=SCRIPT,
)


def _committed() -> None:
    """Streamlit keeps a state key's value only if the mount names a callback for it."""


def latent_canvas(payload: Payload, *, key: str) -> Any:
    """Mount a plane.

    Args:
        payload: made by `vae_core.browser.plane_payload`; its option ``heat`` shades distances from the start.
        key: the element's identity across reruns.

    Returns:
        An object with ``pins`` (list of [x, y]), ``path`` (12 points) and ``view`` ([cx, cy, half]) once the
        visitor has committed them and the payload's option ``commit`` is on; None before.
    """
    return _component(
        key=key,
        data=parcel(payload),
        on_pins_change=_committed,
        on_path_change=_committed,
        on_view_change=_committed,
        on_want_change=wanted(payload),
    )


def thumbnails(payload: Payload, *, key: str) -> None:
    """Send the held-out images to the planes of this page; shows nothing itself. Mount it after the planes."""
    _component(key=key, data=parcel(payload), height=1, on_want_change=wanted(payload))
