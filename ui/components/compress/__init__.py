"""The digit of the page's board as codebook entries, the bits of each, and what is decoded from them."""

from __future__ import annotations

from typing import Any

from ui.components.mount import component, mount
from vae_core.payloads.plane import Payload

_compress = component(
    "compress",
    html="compress/compress.html",
    styles=("engine/base.css", "engine/plane.css", "codes/grid.css", "codes/panels.css", "compress/compress.css"),
    module="compress/compress.js",
)


def counted_bits(payload: Payload, *, key: str) -> Any:
    """Mount it; it follows the board of the page.

    Args:
        payload: made by `vae_core.payloads.codes.codes_payload` of a run with a prior that is told no class, with
            ``colours``, one for each entry, and ``penalty``, see `vae_core.coding.grid.GridCoder.codes`.
        key: the element's identity across reruns.

    Returns:
        ``resting``: the board's pixels when the hand rested, a byte each, in base64; None before.
    """
    return mount(_compress, payload, key=key, commits=("resting",)).resting
