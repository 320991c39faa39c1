"""The derivation's experiments: a Streamlit component whose four parts compute in the browser. See derivation.js.

Every mount shows one part, named by its payload's kind; the parts ``posterior`` and ``descent`` of a page share their
decoder, observation and variance.
"""

from __future__ import annotations

from ui.components.mount import component, mount
from vae_core.payloads.plane import Payload

_derivation = component(
    "derivation",
    html="descent/derivation.html",
    styles=("engine/base.css", "descent/controls.css", "descent/derivation.css"),
    module="descent/derivation.js",
)


def experiment(payload: Payload, *, key: str) -> None:
    """Mount a part.

    Args:
        payload: made by `ui.chapters.mathematics.experiments.part`.
        key: the element's identity across reruns.
    """
    mount(_derivation, payload, key=key)
