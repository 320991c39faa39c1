"""Others' words on the page: shown, never obeyed."""

from __future__ import annotations

import html

import pytest
from markdown_it import MarkdownIt

from ui.figures.markup import as_written, paragraph, small_print

HOSTILE = [
    "![x](https://tracker.example/a.png)",
    "[click](javascript:alert(1))",
    "<img src=x onerror=alert(1)>",
    "<https://tracker.example>",
    "**bold** _it_ `code` ~~gone~~ # head",
    "a\n\n# b\n- c\n> d",
    "\\![x](y) \\\\[z](w) &amp; &#33;",
    "$x^2$ :red[x] :material/close:",
    "1. list | table | x\n---|---",
    "Урок №1 日本語 β=0.5, d = 2",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_name_is_shown_as_it_is_in_markdown_and_in_html(text):
    shown = " ".join(text.split())
    heading = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    rendered = heading.render(f"### {as_written(text)}").replace("\u2060", "")  # of no width
    assert rendered == f"<h3>{html.escape(shown).replace('&#x27;', chr(39))}</h3>\n"
    for made in (paragraph(text), small_print(text)):
        assert html.escape(text) in made and "<img" not in made and "<https" not in made
