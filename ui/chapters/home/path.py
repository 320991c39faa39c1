"""The chapters as cards, in the order of the story."""

from __future__ import annotations

import html
from collections.abc import Sequence

import streamlit as st

from ui.chapters import Chapter, chapters, numbered
from ui.chapters.classroom import CHAPTER as CLASSROOM
from ui.chapters.glossary import CHAPTER as GLOSSARY
from ui.chapters.pictures import HEIGHT, WIDTH, picture_address
from ui.figures.markup import Html

IN_A_ROW = 4


def on_the_path() -> list[Chapter]:
    """The chapters with a card: all but Home itself, the class, and the glossary, which is a list of words."""
    return [entry for entry in chapters() if not entry.is_home and entry not in (CLASSROOM, GLOSSARY)]


def path_of_chapters(entries: Sequence[Chapter]) -> None:
    """A card for each: picture, number, minutes, blurb. Those read to the end are marked in the browser."""
    for first in range(0, len(entries), IN_A_ROW):
        row = entries[first : first + IN_A_ROW]
        for column, entry in zip(st.columns(IN_A_ROW, gap="medium"), row, strict=False):  # the last row may be short
            with column.container(border=True, height="stretch", key=f"card-{entry.slug}", gap="xsmall"):
                st.html(head_of_card(entry))
                st.page_link(entry.file, label=f"**{entry.title}**", icon=entry.icon)
                st.markdown(entry.blurb)


def head_of_card(entry: Chapter) -> Html:
    """Picture, number and time; the mark of a finished chapter goes into ``card-state`` (lesson/progress.js)."""
    slugs = [one.slug for one in numbered()]
    number = f"Chapter {slugs.index(entry.slug) + 1}" if entry.slug in slugs else "Tool"
    minutes = f" · {entry.minutes} min" if entry.minutes else ""
    state = ' <span class="card-state"></span>' if entry.slug in slugs else ""  # a tool is never finished
    return Html(f'{_picture(entry)}<p class="kicker">{html.escape(number + minutes)}{state}</p>')


def _picture(entry: Chapter) -> str:
    address = picture_address(entry.slug)
    if not address:
        return ""
    size = f'width="{WIDTH}" height="{HEIGHT}"'
    return f'<img class="card-picture" src="{address}" alt="" aria-hidden="true" {size} loading="lazy">'
