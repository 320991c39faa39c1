"""A step of a chapter: one idea, its words beside the instrument that shows it.

On a wide screen the instrument stands to the right of the words and stays in sight while they scroll; on a narrow one
it comes first, below the step's heading. When a teacher presents, each step is a slide. The layout itself is in
ui/page.css, by the keys given here.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui.stage.glossary import explained

OPENING = "opening"  # the first step's name
AHEAD = 0.06  # seconds
_OPENED = "stage-opened"  # in the session's state: the heading of the page that was opened last
_AHEAD = "stage-ahead"  # and whether its opening was sent alone


@dataclass(frozen=True)
class Step:
    """The two halves of a step, to be used as ``with`` blocks in any order."""

    instrument: DeltaGenerator
    words: DeltaGenerator


def step(name: str, heading: str, text: str = "", *, wide: bool = False, words_first: bool = False) -> Step:
    """Begin a step.

    Args:
        name: unique on the page; small letters, digits and ``-``.
        heading: a few words; markdown.
        text: the first passage below it; markdown, with terms of the glossary in double brackets.
        wide: the instrument takes the full width, below the words: for tables and rows of pictures.
        words_first: as for `begin`.
    """
    return begin(name, f"## {heading}", text, wide=wide, words_first=words_first)


def begin(name: str, heading: str, text: str = "", *, wide: bool = False, words_first: bool = False) -> Step:
    """As `step`, with a heading of any level, or HTML.

    Args:
        words_first: on a narrow screen, too, the words stand above the instrument: where their question hides what it
            shows, or while it has nothing to show yet.
    """
    if name == OPENING:
        _opens(heading)
    else:
        _let_the_opening_go_ahead()
    with st.container(key=f"{'widestep' if wide else 'step'}-{name}"):
        prose(heading)
        if wide or words_first:
            words = st.container(key=f"words-{name}")
            instrument = st.container(key=f"instrument-{name}")
        else:
            instrument = st.container(key=f"instrument-{name}")
            words = st.container(key=f"words-{name}")
    if text:
        with words:
            prose(text)
    return Step(instrument, words)


def _opens(heading: str) -> None:
    if st.session_state.get(_OPENED) != heading:
        st.session_state[_OPENED], st.session_state[_AHEAD] = heading, True


def _let_the_opening_go_ahead() -> None:
    """When a page is opened, let the browser draw the opening before it begins with what follows.

    Formulas and Plotly keep it busy for longer than the whole run takes, and what comes in one piece is drawn in one.
    """
    if st.session_state.pop(_AHEAD, False):
        time.sleep(AHEAD)


def prose(text: str) -> None:
    """Markdown of this app's own, with terms of the glossary in double brackets: ``[[ELBO]]``."""
    st.markdown(explained(text), unsafe_allow_html=True)
