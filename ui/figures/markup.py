"""HTML made by this app, and visitors' texts escaped for markdown."""

from __future__ import annotations

import html
import re
from pathlib import Path

_TEXT = "max-width:45rem;margin:0 0 0.9rem"
_NOTE = "font-size:0.875rem;opacity:0.72;max-width:45rem;margin-top:0.6rem"
_ADDRESS = re.compile(r":(?=//)|www(?=\.)|@", re.IGNORECASE)  # behind these, a link can be broken
_NO_BREAK = "\u2060"  # word joiner


class Html(str):
    """HTML that `st.html` sends as it is.

    It would split a plain string into lines in every rerun to find a common indent, which takes milliseconds for a
    page of pictures.
    """

    __slots__ = ()

    def _repr_html_(self) -> str:
        return str(self)


PAGE_STYLE = Html(f"<style>{(Path(__file__).parents[1] / 'page.css').read_text(encoding='utf-8')}</style>")


def paragraph(text: str) -> str:
    """A paragraph above a figure, as wide as the text of the page."""
    return f'<p style="{_TEXT}">{html.escape(text)}</p>'


def fold(title: str, text: str) -> str:
    """Markdown with a box that opens; the empty lines make Streamlit read its inside as markdown, or HTML, too."""
    return f'<details class="box"><summary>{title}</summary>\n\n{text}\n\n</details>'


def small_print(note: str) -> str:
    """A note under a figure; empty if there is none."""
    return f'<p style="{_NOTE}">{html.escape(note)}</p>' if note else ""


def as_written(text: str) -> str:
    """Markdown that shows a visitor's text literally, so that a file's name cannot contain pictures or links."""
    return re.sub(r"([!-+\--/:-@\[-`{-~])", r"\\\1", _without_addresses(text))


def in_a_line(text: str) -> str:
    """Markdown that shows a sentence with names from outside in it: on one line, without links, pictures or headings.

    Unlike `as_written`, which shows all of it literally, it leaves a sentence's own punctuation alone.
    """
    plain = re.sub(r"([\\`*\[\]<$~])", r"\\\1", _without_addresses(text))
    return re.sub(r"^([#>+=-])", r"\\\1", re.sub(r"^(\d+)([.)])", r"\1\\\2", plain))


def _without_addresses(text: str) -> str:
    """The text on one line, with a character of no width in whatever looks like an address.

    Streamlit makes links of web and mail addresses, and looks for them after it has resolved the escapes.
    """
    return _ADDRESS.sub(lambda found: f"{found[0]}{_NO_BREAK}", " ".join(text.split()))


def folded(title: str, inside: str) -> Html:
    """A box that opens, around HTML."""
    return Html(fold(html.escape(title), inside))
