"""Code as it is shown: every character of the source, some of them marked."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from ui.figures.code import highlighted

FILES = sorted((Path(__file__).parents[2] / "vae_core" / "losses").glob("*.py"))


def plain(marked: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", marked))


@pytest.mark.parametrize("file", FILES, ids=lambda one: one.name)
def test_no_character_is_lost_and_it_is_one_line_that_markdown_leaves_alone(file):
    source = file.read_text(encoding="utf-8")
    assert plain(highlighted(source)) == source
    assert "\n" not in highlighted(source)


def test_words_of_the_language_texts_numbers_and_remarks_are_marked():
    marked = highlighted('def f(x):\n    """a < b"""\n    return 2 * x  # "twice"\n')
    found = re.findall(r'<i class="(\w+)">(.*?)</i>', marked)
    assert [(kind, html.unescape(text)) for kind, text in found] == [
        ("keyword", "def"), ("text", '"""a < b"""'), ("keyword", "return"), ("number", "2"), ("comment", '# "twice"'),
    ]  # fmt: skip
