"""A class's answers: as a table on the page, and as a file to keep."""

from __future__ import annotations

import csv
import io

from ui.classroom import store
from ui.classroom.store import Classroom
from ui.figures.markup import Html
from ui.figures.tables import Rows, as_html

COLUMNS = ("student", "question", "asked", "answer", "right", "time")


def as_csv(code: str) -> bytes:
    """Every answer, one in a row: UTF-8 with the mark by which spreadsheets know it."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(store.rows(code))
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def table_of(found: Classroom) -> Html:
    """How many have answered each question, and how many of them rightly, once it is revealed: HTML."""
    rows: Rows = [
        {
            "question": f"{one.text[:1].upper()}{one.text[1:]}",
            "answers": str(one.answered),
            "right": str(one.counts[one.right]) if one.revealed and one.right is not None else "not revealed",
        }
        for one in found.questions
    ]
    here = "1 student is" if found.students == 1 else f"{found.students} students are"
    return as_html(rows, title="What the class has been asked", note=f"{here} in the class now.")
