"""A lesson under way: where its teacher is, kept in the session and in the URL, so that it outlives a reload.

The time is kept by the browser (ui/components/lesson/walk.js).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from ui.links.frame import LESSON
from ui.links.present import PRESENTING

if TYPE_CHECKING:
    from ui.lessons.record import Lesson, Step

AT, RUN = (
    "lesson.at",
    "lesson.run",
)  # in the session's state: the lesson's slug and the step, from 0; a name for the run


@dataclass(frozen=True)
class Walk:
    """A lesson under way.

    Attributes:
        lesson: which one.
        number: of the step, from 0.
        run: names this run of the lesson, where this session has begun it; else empty.
    """

    lesson: Lesson
    number: int
    run: str = ""

    @property
    def step(self) -> Step:
        """The present one."""
        return self.lesson.steps[self.number]

    @property
    def text(self) -> str:
        """As a link says it, with the first step called 1."""
        return f"{self.lesson.slug}-{self.number + 1}"

    def told(self) -> dict[str, Any]:
        """What the line at the bottom is given: the step, what to ask and to do, its minutes, and what is next."""
        steps, begins = self.lesson.steps, self.lesson.begins()
        further = steps[self.number + 1] if self.number + 1 < len(steps) else None
        return {
            "lesson": self.lesson.slug,
            "run": self.run,
            "title": self.lesson.stop_of(self.number).title,
            "number": self.number + 1,
            "of": len(steps),
            "begins": begins[self.number],
            "ends": begins[self.number + 1],
            "asks": self.step.asked,
            "do": self.step.do,
            "next": further and further.asked,
        }


def walk(values: dict[str, Any] | None = None) -> Walk | None:
    """The lesson under way; None for none.

    Args:
        values: what the link that led here says, by name: it may begin one.
    """
    if values and values.get(LESSON.name) and AT not in st.session_state:
        st.session_state[AT] = values[LESSON.name]
    text = st.session_state.get(AT)
    return _read(text) if text else None


def _read(text: str) -> Walk | None:
    from ui.lessons.paths import lesson_named  # imports what several chapters compute with

    slug, _, number = text.rpartition("-")
    lesson = lesson_named(slug)
    if lesson is None or not 1 <= int(number) <= len(lesson.steps):
        return None
    return Walk(lesson, int(number) - 1, st.session_state.get(RUN, ""))


def begin(slug: str) -> None:
    """Begin a lesson, presenting."""
    st.session_state[AT], st.session_state[RUN] = f"{slug}-1", secrets.token_hex(4)
    st.session_state[PRESENTING] = []


def turn(by: int) -> Walk | None:
    """Go on by so many steps; None where there is none."""
    now = walk()
    if now is None or not 0 <= now.number + by < len(now.lesson.steps):
        return None
    moved = Walk(now.lesson, now.number + by, now.run)
    st.session_state[AT] = moved.text
    return moved


def end() -> None:
    """The lesson is over."""
    st.session_state[AT] = None
