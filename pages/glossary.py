"""Glossary: every term that the chapters use, in a sentence or two."""

from __future__ import annotations

import streamlit as st

from ui.chapters import chapters
from ui.chapters.glossary import CHAPTER
from ui.stage.chapter import foot, opening
from ui.stage.glossary import Term, terms

_CHAPTERS = {one.slug: one for one in chapters()}


def entry(term: Term) -> str:
    """A term with its explanation and where it is shown, as markdown."""
    shown = _CHAPTERS.get(term.chapter)
    where = f" *Shown in {shown.title}.*" if shown else ""
    return f'<span id="{term.anchor}"></span>**{term.name}**: {term.short} {term.more}{where}'


with opening(
    CHAPTER,
    "On every page, terms with a dotted underline explain themselves: hover them, tap them, or reach them with the "
    "Tab key.",
    wide=True,
).instrument:
    wanted = st.text_input("Find a term", key="glossary-find", placeholder="for example KL").strip().casefold()
    found = [term for term in terms().values() if wanted in f"{term.name} {term.short} {term.more}".casefold()]
    if not found:
        st.info("No term matches. Try a shorter word.")
    st.markdown("\n\n".join(map(entry, found)), unsafe_allow_html=True, width=720)

foot(CHAPTER)
