"""Lessons in a few lines each: on the page of a class, and in docs/teaching.md::

python -m ui.lessons.plan          # writes the tables of docs/teaching.md anew
"""

from __future__ import annotations

import html
import re
from pathlib import Path

from ui.figures.markup import Html
from ui.lessons.paths import lessons
from ui.lessons.record import Lesson, Step
from vae_core.clone import PROJECT

DOCUMENT = Path(PROJECT) / "docs" / "teaching.md"
ADDRESS = "http://localhost:8501"
_TABLE = "<!-- lesson: {} -->\n{}\n<!-- end -->"


def _row(lesson: Lesson, number: int) -> tuple[str, Step]:
    begins = lesson.begins()
    return f"{begins[number]} to {begins[number + 1]}", lesson.steps[number]


def overview(lesson: Lesson) -> Html:
    """Every step with its minutes, a link that goes on with the lesson there, and what is asked: HTML."""
    rows = []
    for number in range(len(lesson.steps)):
        minutes, step = _row(lesson, number)
        link = f"{step.link}{'&' if '?' in step.link else '?'}lesson={lesson.slug}-{number + 1}"
        stop = lesson.stop_of(number)
        title = f"<strong>{html.escape(stop.title)}</strong><br>" if step is stop.steps[0] else ""
        opens = f'<a href="{html.escape(link)}" style="color:inherit">{minutes} min</a>'
        rows.append(f'<li style="margin:0.375rem 0">{title}{opens}: {html.escape(step.asked)}</li>')
    return Html(f'<ol style="margin:0;padding-left:1.5rem;max-width:70ch">{"".join(rows)}</ol>')


def as_markdown(lesson: Lesson) -> str:
    """The same as a table, for docs/teaching.md."""
    lines = ["| minutes | open | ask |", "|---|---|---|"]
    for number in range(len(lesson.steps)):
        minutes, step = _row(lesson, number)
        lines.append(f"| {minutes} | [`/{step.link}`]({ADDRESS}/{step.link}) | {step.asked} |")
    return "\n".join(lines)


def written(text: str) -> str:
    """A document with the tables of all lessons that it names as they are now."""
    for lesson in lessons():
        now = _TABLE.format(lesson.slug, as_markdown(lesson)).replace("\\", r"\\")  # a pattern's own sign
        text = re.sub(_TABLE.format(lesson.slug, ".*?"), now, text, flags=re.DOTALL)
    return text


if __name__ == "__main__":
    DOCUMENT.write_text(written(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
