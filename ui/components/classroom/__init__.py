"""What a class has said to a question, in the browser: how many have answered, and after the reveal how."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ui.classroom.store import Asked
from ui.components.mount import component

_tally = component(
    "tally",
    html="classroom/tally.html",
    styles=("engine/base.css", "classroom/tally.css"),
    module="classroom/tally.js",
)


def tally(
    name: str, options: tuple[str, ...], asked: Asked, *, teaches: bool, right: int | None, key: str,
    on_reveal: Callable[[], None], on_news: Callable[[], None],
) -> None:  # fmt: skip
    """Mount it.

    Args:
        name: of the question in its class.
        options: its answers.
        asked: what the class has said so far; the browser hears of what follows by itself.
        teaches: whether the visitor holds the class, and may reveal.
        right: the right option, where the visitor may know it.
        key: the element's identity across reruns.
        on_reveal: called when the teacher reveals.
        on_news: called when the page has heard that the answer is revealed.
    """
    found = asked.question
    data: dict[str, Any] = {
        "name": name,
        "options": list(options),
        "teaches": teaches,
        "mine": asked.mine,
        "holds": asked.holds,
        "students": asked.students,
        "answered": found.answered if found and teaches else None,
        "revealed": bool(found and found.revealed),
        "counts": list(found.counts) if found and found.revealed else None,
        "right": right,
    }
    _tally(key=key, data=data, on_reveal_change=on_reveal, on_news_change=on_news)
