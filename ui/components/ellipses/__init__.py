"""All approximate posteriors of some models as ellipses: a Streamlit component. See ellipses.js."""

from __future__ import annotations

from ui.components.mount import component, mount
from vae_core.payloads.plane import Payload

_ellipses = component(
    "posterior_ellipses",
    html="ellipses/ellipses.html",
    styles=("engine/base.css", "engine/plane.css", "ellipses/ellipses.css"),
    module="ellipses/ellipses.js",
)


def posterior_ellipses(payload: Payload, *, key: str) -> None:
    """Mount a plane for each model, side by side. Nothing comes back from it.

    Args:
        payload: made by `vae_core.payloads.posteriors.posteriors_payload`; each plane has a ``title``, a ``told``, what
            is written below it, and a ``spread``, by which its close-up is measured.
        key: the element's identity across reruns.
    """
    mount(_ellipses, payload, key=key)
