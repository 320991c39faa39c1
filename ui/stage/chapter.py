"""What a chapter's page is made of besides its instruments: its title, its steps and its end.

Streamlit's cost is by the element, in every run of every visitor: what belongs together is one element here.

The order on a page: `opening` (the title and the one question, the first step), then `step` after step with `ask`
wherever a guess is worth making first, then the `foot`.
"""

from __future__ import annotations

import ast
import html
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import streamlit as st

from ui.chapters import Chapter, chapters, numbered
from ui.figures.code import highlighted
from ui.figures.markup import fold
from ui.stage.glossary import explained
from ui.stage.questions import Prediction, ask, covered
from ui.stage.steps import OPENING, Step, begin, prose, step
from vae_core.clone import PROJECT

__all__ = ["Prediction", "Source", "Step", "ask", "covered", "foot", "opening", "prose", "step"]


@dataclass(frozen=True)
class Source:
    """Where a statement comes from."""

    text: str
    url: str


def opening(record: Chapter, text: str, *, wide: bool = False, words_first: bool = False) -> Step:
    """The first step of a page: its title and its one question, from its record, and a first passage.

    Args:
        record: the chapter's.
        text: markdown, with terms of the glossary in double brackets.
        wide: as for `step`.
        words_first: as for `begin`.
    """
    parts = [f"Chapter {number} of {len(numbered())}" if (number := _number(record)) else ""]
    parts += [f"{record.minutes} minutes" if record.minutes else "", record.before and f"Know first: {record.before}"]
    kicker = " · ".join(filter(None, parts))
    above = f'<p class="kicker">{html.escape(kicker)}</p>\n\n' if kicker else ""
    question = f"\n\n**{record.question}**" if record.question else ""
    return begin(OPENING, f"{above}# {record.title}{question}", text, wide=wide, words_first=words_first)


def _number(record: Chapter) -> int:
    """Its place among the numbered chapters, from 1; 0 for a page that has no number."""
    slugs = [one.slug for one in numbered()]
    return slugs.index(record.slug) + 1 if record.slug in slugs else 0


def foot(
    record: Chapter,
    *,
    code: Sequence[tuple[str, str]] = (),
    sources: Sequence[Source] = (),
    mathematics: Sequence[tuple[str, str]] = (),
) -> None:
    """The end of a chapter: what one knows now, the way on, and what it rests on, in boxes that open.

    Args:
        record: the chapter's.
        code: (module file below ``vae_core``, name of a function or class in it): the very lines the page runs on.
        sources: papers and pages.
        mathematics: (sentence with the numbers on screen, LaTeX); either may be empty.
    """
    blocks = [block for text, formula in mathematics for block in (text, f"$$\n{formula}\n$$" if formula else "")]
    boxes = [
        ("The mathematics, with the numbers on screen", "\n\n".join(filter(None, blocks))),
        ("This in code", _code_text(tuple(code))),
        ("Sources", "\n".join(f"- [{entry.text}]({entry.url})" for entry in sources)),
    ]
    folds = "\n\n".join(fold(title, text) for title, text in boxes if text)
    learned = f"## You now know\n\n{explained(record.learned)}\n\n" if record.learned else ""
    with st.container(key="chapter-end"):
        if learned or folds:
            st.markdown(learned + folds, unsafe_allow_html=True)
        _way_on(record)


def _way_on(record: Chapter) -> None:
    """Links to the page before and the one after; after the last, to Home, where all of them are."""
    way = [one for one in chapters() if not one.is_home]
    at = next((place for place, one in enumerate(way) if one.slug == record.slug), None)
    if at is None:
        return
    with st.container(key="way-on", horizontal=True, horizontal_alignment="distribute"):
        if at > 0:
            st.page_link(way[at - 1].file, label=f"Back: {way[at - 1].title}", icon=":material/arrow_back:")
        if at + 1 < len(way):
            st.page_link(
                way[at + 1].file, label=f"**Next: {way[at + 1].title}**", icon=":material/arrow_forward:",
                icon_position="right",
            )  # fmt: skip
        else:
            home = next(one for one in chapters() if one.is_home)
            st.page_link(home.file, label="**All chapters**", icon=home.icon)


@lru_cache(maxsize=64)
def _code_text(places: tuple[tuple[str, str], ...]) -> str:
    return "\n\n".join(f"`vae_core/{file}`\n\n{highlighted(source_of(file, name))}" for file, name in places)


@lru_cache(maxsize=64)
def source_of(file: str, name: str) -> str:
    """The text of a function or class, read from its file: importing it might import torch."""
    text = (Path(PROJECT) / "vae_core" / file).read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            return ast.get_source_segment(text, node) or ""
    raise ValueError(f"vae_core/{file} defines no {name}")
