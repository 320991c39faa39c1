"""The derivation's experiments: a Streamlit component whose four parts compute in the browser. See derivation.js.

Every mount shows one part, named by its payload's kind; the parts ``posterior`` and ``descent`` of a page share their
decoder, observation and variance.
"""

from __future__ import annotations

from ui.component import component, mount
from vae_core.browser import Payload

SCRIPTS = (
    "canvas/payload.js", "canvas/view.js", "canvas/page.js", "canvas/link.js", "descent/toy.js", "descent/chart.js",
    "descent/controls.js", "descent/posterior.js", "descent/descent.js", "descent/diagonal.js", "descent/estimate.js",
    "descent/derivation.js",
)  # fmt: skip

_derivation = component(
    "derivation",
    html="descent/derivation.html",
    styles=("canvas/base.css", "descent/derivation.css"),
    scripts=SCRIPTS,
)


def experiment(payload: Payload, *, key: str) -> None:
    """Mount a part.

    Args:
        payload: made by `ui.chapters.mathematics.experiments.part`.
        key: the element's identity across reruns.
    """
    mount(_derivation, payload, key=key)
