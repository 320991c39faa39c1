"""What a lesson needs on every page: copying the link to what is on screen, presenting, a question to begin with.

One component, the first of each page: it hands what the link says to the components in the browser. See lesson.js.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from ui.chapters import links
from ui.components.mount import component
from ui.links import url_state
from ui.links.present import HIDE, PRESENT, PRESENTING, presenting

HEIGHT = 28  # pixels, as in lesson.css

_QUESTION = '[class*="st-key-question-{name}"]'
_OUTSIDE = f":not({_QUESTION.format(name='')} *)"

# What each name of `present.HIDEABLE` hides.
SELECTORS = {
    "text": [f'[data-testid="stMarkdown"]:not(:has(details)){_OUTSIDE}', '[data-testid="stHeading"]',
             '[data-testid="stCaptionContainer"]'],
    "controls": [f'[data-testid="{kind}"]' for kind in (
        "stSelectbox", "stNumberInput", "stButtonGroup", "stSlider", "stButton", "stDownloadButton", "stPageLink",
        "stFileUploader")],
    "questions": [_QUESTION.format(name="")],
    "tables": ['[data-testid="stHtml"]', '[data-testid="stDataFrame"]'],
    "charts": ['[data-testid="stPlotlyChart"]'],
    "notes": ['[data-testid="stMarkdown"]:has(details)'],
}  # fmt: skip

_lesson = component(
    "lesson",
    html="lesson/lesson.html",
    styles=("engine/base.css", "lesson/lesson.css"),
    module="lesson/lesson.js",
)


def lesson(page: str) -> None:
    """Take in the link that led here, and mount the lesson's line.

    Args:
        page: its name in the URL.
    """
    values = links.arrive(page)
    presents = presenting()
    if presents and "hide" in values:
        st.session_state[PRESENTING] = values["hide"]
    hidden = st.session_state[PRESENTING] if presents else []
    url_state.write(PRESENT, presents)  # it goes along to other pages, and out of the URL when it is left
    url_state.write(HIDE, hidden)
    asked = values.get("ask")
    data: dict[str, Any] = {
        "page": page,
        "values": links.for_browser(page, values),
        "present": presents,
        "hide": [selector for name in hidden for selector in SELECTORS[name]],
        "uncopied": links.not_to_be_copied(),
        "ask": _QUESTION.format(name=asked) if asked else None,
    }
    _lesson(key="lesson", data=data, height=HEIGHT, on_present_change=_present, on_leave_change=_leave)
    links.say_what_was_left_out()


def _present() -> None:
    st.session_state[PRESENTING] = []


def _leave() -> None:
    st.session_state[PRESENTING] = None
