"""The terms of the field, each explained once, in glossary.toml, and shown wherever a text marks it.

A text marks a term by double brackets, ``[[ELBO]]``, or with other words on the page, ``[[posterior|posteriors]]``.
There it is underlined, and its explanation appears while it is hovered, tapped or in focus.
"""

from __future__ import annotations

import html
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("glossary.toml")
_MARKED = re.compile(r"\[\[([^\[\]|]+)(?:\|([^\[\]|]+))?\]\]")


@dataclass(frozen=True)
class Term:
    """One entry.

    Attributes:
        name: as the field writes it.
        short: one or two sentences in plain English; markdown with inline formulas.
        more: what the glossary's page says beyond that; may be empty.
        chapter: the slug of the chapter that shows it; may be empty.
    """

    name: str
    short: str
    more: str = ""
    chapter: str = ""

    @property
    def anchor(self) -> str:
        """Its place on the glossary's page."""
        return re.sub(r"\W+", "-", self.name.lower()).strip("-")


@cache
def terms() -> Mapping[str, Term]:
    """All terms by name, in the order of the alphabet.

    Raises:
        ValueError: the file has an entry without a text, or with a field that no term has.
    """
    with _FILE.open("rb") as file:
        entries = tomllib.load(file)
    try:
        found = [Term(name, **fields) for name, fields in entries.items()]
    except TypeError as error:
        raise ValueError(f"{_FILE.name}: {error}") from error
    return {term.name: term for term in sorted(found, key=lambda term: term.name.casefold())}


def marked_in(text: str) -> list[str]:
    """The names of the terms that a text marks."""
    return [match[1] for match in _MARKED.finditer(text)]


def explained(text: str) -> str:
    """Markdown in which marked terms have become HTML that explains them.

    Raises:
        KeyError: the glossary has no such term.
    """
    return _MARKED.sub(lambda match: _as_html(terms()[match[1]], match[2] or match[1]), text)


def _as_html(term: Term, words: str) -> str:
    gloss = f'<span class="gloss" role="tooltip">{term.short}</span>'
    return f'<dfn class="term" tabindex="0">{html.escape(words)}{gloss}</dfn>'
