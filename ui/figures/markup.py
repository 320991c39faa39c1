"""HTML made by this app, and others' words within markdown."""

from __future__ import annotations

import html
import re
from pathlib import Path

_TEXT = "max-width:45rem;margin:0 0 0.9rem"
_NOTE = "font-size:0.875rem;opacity:0.72;max-width:45rem;margin-top:0.6rem"


class Html(str):
    """HTML that `st.html` sends as it is.

    A plain string it would take apart line by line in every run, looking for a common indent: milliseconds for a page
    of pictures.
    """

    __slots__ = ()

    def _repr_html_(self) -> str:
        return str(self)


PAGE_STYLE = Html(f"<style>{(Path(__file__).parents[1] / 'page.css').read_text(encoding='utf-8')}</style>")


def paragraph(text: str) -> str:
    """Running text above a figure, as wide as a passage."""
    return f'<p style="{_TEXT}">{html.escape(text)}</p>'


def fold(title: str, text: str) -> str:
    """Markdown with a box that opens; the empty lines make Streamlit read its inside as markdown, or HTML, too."""
    return f'<details class="box"><summary>{title}</summary>\n\n{text}\n\n</details>'


def small_print(note: str) -> str:
    """A note under a figure; nothing for an empty one."""
    return f'<p style="{_NOTE}">{html.escape(note)}</p>' if note else ""


def as_written(text: str) -> str:
    """Markdown that shows a text of a visitor's as it is: no picture, link or formatting can be in a file's name."""
    return re.sub(r"([!-+\--/:-@\[-`{-~])", r"\\\1", " ".join(text.split()))
