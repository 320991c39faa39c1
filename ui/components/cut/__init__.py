"""The board's figure on a texture, and what networks and a threshold take for the figure (cut.js)."""

from __future__ import annotations

from collections.abc import Sequence

from ui.components.mount import component, mount
from vae_core.payloads.plane import Payload

_cut = component(
    "cut",
    html="cut/cut.html",
    styles=("engine/base.css", "cut/cut.css"),
    module="cut/cut.js",
)


def cut(first: Payload, later: Sequence[Payload], *, key: str) -> None:
    """Mount the bench; it follows the board. Nothing comes back from it.

    Args:
        first: a network (`vae_core.payloads.predicting.predicting_payload`) with the tensor ``grounds``, uint8
            (textures * crops, pixels), and the header entries ``textures``, by name, ``crops`` of each, ``start``, the
            texture with which it opens, ``ink``, the level of the figure, and ``rows`` of cards, each with its
            ``title`` and ``cards``: ``name``, ``title``, and whether it is a ``mask``; the name is that of a network,
            or ``of`` is.
        later: the other networks.
        key: the element's identity across reruns.
    """
    mount(_cut, first, key=key, later=later)
