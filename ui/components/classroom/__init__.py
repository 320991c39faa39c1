"""A question in a class, in the browser: students answer it, and after the reveal all see how the class has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ui.classroom.store import Asked
from ui.classroom.tickets import Wording, sealed_question
from ui.components.mount import component, mount_acting

_tally = component(
    "tally",
    html="classroom/tally.html",
    styles=("engine/base.css", "classroom/tally.css"),
    module="classroom/tally.js",
)


def tally(
    asks: Wording, asked: Asked, *, teaches: bool, right: int | None, key: str, on_reveal: Callable[[], None],
) -> None:  # fmt: skip
    """Mount it.

    Args:
        asks: the question.
        asked: what the class has said so far; the browser hears of what follows by itself.
        teaches: whether the visitor holds the class, and may reveal.
        right: the right option, where the visitor may know it.
        key: the element's identity across reruns.
        on_reveal: called when the teacher reveals.
    """
    found = asked.question
    data: dict[str, Any] = {
        "name": asks.name,
        "options": list(asks.options),
        "text": asks.text,
        "question": None if teaches else sealed_question(asks),
        "teaches": teaches,
        "mine": {"option": asked.mine.option, "sent": asked.mine.sent, "final": asked.mine.final},
        "holds": asked.holds,
        "students": asked.students,
        "answered": found.answered if found and teaches else None,
        "revealed": bool(found and found.revealed),
        "counts": list(found.counts) if found and found.revealed else None,
        "right": right,
    }
    # News: the browser has heard of something that the page does not show yet.
    mount_acting(_tally, key=key, acts={"reveal": on_reveal, "news": None}, data=data)
