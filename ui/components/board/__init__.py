"""The board of "What codes are good for": a pad whose image all benches of the page work on (now.js)."""

from __future__ import annotations

from ui.components.mount import component, mount
from vae_core.payloads.plane import Payload

_board = component(
    "board",
    html="board/board.html",
    styles=("engine/base.css", "engine/plane.css", "pad/pad.css", "board/board.css"),
    module="board/board.js",
)


def board(payload: Payload, *, key: str) -> None:
    """Mount the pad. Nothing comes back from it; a bench's component imports `now` from board/now.js and follows it.

    Args:
        payload: made by `vae_core.payloads.board.board_payload`; its options have ``start``, the class of the held-out
            digit shown first.
        key: the element's identity across reruns.
    """
    mount(_board, payload, key=key)
