"""An image as a grid of codebook entries, and panels that show more of it: a drawing (codes.js), or a held-out image of
any size and colour (held.js).

The first component has the model and the drawing; the panels are given nothing, they follow it in the browser (now.js).
"""

from __future__ import annotations

from typing import Any

from ui.components.mount import component, mount
from vae_core.payloads.plane import Payload

_BASE = ("engine/base.css", "engine/plane.css", "codes/grid.css")

_codes = component(
    "codes", html="codes/codes.html", styles=(*_BASE, "pad/pad.css", "codes/codes.css"), module="codes/codes.js"
)


_held = component("codes_held", html="codes/held.html", styles=(*_BASE, "codes/held.css"), module="codes/held.js")


def _panel(name: str, *styles: str) -> Any:
    return component(
        f"codes_{name}",
        html=f"codes/{name}.html",
        styles=(*_BASE, "codes/panels.css", *styles),
        module=f"codes/{name}.js",
    )


def _of_prior(name: str, *styles: str) -> Any:
    styles = (*_BASE, "codes/panels.css", *styles, f"codes/{name}.css")
    return component(f"codes_{name}", html=f"codes/{name}.html", styles=styles, module=f"codes/{name}.js")


_writer = _of_prior("writer", "codes/paint.css")
_sheets = _of_prior("sheets")
_nearest = _panel("nearest")
_codebook = _panel("codebook", "codes/codebook.css")
_paint = _panel("paint", "codes/paint.css")
_through = _panel("through", "pad/bars.css", "codes/through.css")


def codes_of_drawing(payload: Payload, *, key: str) -> None:
    """Mount the digit pad, the grid of its codes and what is decoded from them. Nothing comes back from it.

    Args:
        payload: made by `vae_core.payloads.codes.codes_payload`, with ``colours``, one for each entry; its options have
            ``start``, the class of the held-out digit shown first.
        key: the element's identity across reruns. Another model under the same key keeps the drawing.
    """
    mount(_codes, payload, key=key)


def codes_of_held_out(payload: Payload, *, key: str) -> None:
    """Mount held-out images to choose from, the grid of one's codes and what is decoded from them. Nothing comes back.

    Args:
        payload: as of `codes_of_drawing`, without ``start``; its images may have any size and colour.
        key: the element's identity across reruns.
    """
    mount(_held, payload, key=key)


def nearest_entry(*, key: str) -> None:
    """The distances of one cell's vector to all entries."""
    _nearest(key=key)


def codebook_plane(*, key: str) -> None:
    """The codebook in its principal plane, and the cells of the page's image."""
    _codebook(key=key)


def painted_codes(*, key: str) -> None:
    """The codes of the page's image, to be painted over."""
    _paint(key=key)


def straight_through(*, key: str) -> None:
    """The gradient at the entry of one cell, which the encoder gets as it is."""
    _through(key=key)


def written_image(payload: Payload, *, key: str) -> None:
    """A prior that writes an image cell by cell. Nothing comes back from it.

    Args:
        payload: made by `vae_core.payloads.codes.codes_payload` of a run with a prior, with ``colours``, one for each
            entry, ``title`` and ``subtitle``.
        key: the element's identity across reruns.
    """
    mount(_writer, payload, key=key)


def drawn_sheets(payload: Payload, *, key: str) -> None:
    """Sheets of images from codes drawn in three ways.

    Args:
        payload: as of `written_image`, with ``sheets``: for each its ``source`` (uniform, independent or prior), its
            ``title`` and its ``figures`` in words.
        key: the element's identity across reruns.
    """
    mount(_sheets, payload, key=key)
