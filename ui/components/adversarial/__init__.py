"""A GAN and a VAE of points in the plane, trained live in the browser. See adversarial.js."""

from __future__ import annotations

from ui.components.mount import component, mount
from vae_core.payloads.plane import Payload

_toy = component(
    "adversarial",
    html="adversarial/adversarial.html",
    styles=("engine/base.css", "descent/controls.css", "adversarial/adversarial.css"),
    module="adversarial/adversarial.js",
)


def adversarial_toy(payload: Payload, *, key: str) -> None:
    """Mount the toy. Nothing comes back from it.

    Args:
        payload: made by `ui.chapters.sharper.toy.toy_payload`.
        key: the element's identity across reruns.
    """
    mount(_toy, payload, key=key)
