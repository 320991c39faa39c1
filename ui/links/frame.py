"""What every page's link may say of a class, and which parameters are a visitor's own and not of what is on screen."""

from __future__ import annotations

from ui.links.present import HIDE, PRESENT
from ui.links.url_state import word

# A class's code as a visitor may write it: small letters, a hyphen or a space in the middle, O for 0, I or L for 1.
CODE = r"[0-9A-Za-z]{4}[- ]?[0-9A-Za-z]{4}"
SECRET = r"[\w-]{22}"

JOIN = word("join", CODE, "the class", "a class's code", "K7QM-4TXP")
TEACHER = word(
    "teacher", SECRET, "its teacher's secret", "as the page A class shows it, once",
    "tZ3s0mXbQ1y8WkJ5nV7cRg",
)  # fmt: skip

LESSON = word(
    "lesson", r"[a-z]{1,30}-[1-9]\d?", "the lesson that this browser's teacher gives, and its step",
    "a lesson's name and the number of its step, from 1", "ninety-3",
)  # fmt: skip
BEGIN = word("begin", r"[a-z][a-z0-9-]{0,59}", "the step of the page to begin with", "a step's name", "costs")

OWN = frozenset({PRESENT.name, HIDE.name, JOIN.name, TEACHER.name, LESSON.name, "answers"})


def of_frame(name: str) -> bool:
    """Whether those who follow a teacher keep what they have."""
    return name in OWN
