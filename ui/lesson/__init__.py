"""What a lesson needs on every page: copying the link to what is on screen, presenting, a question to begin with.

One component, the first of each page: it hands what the link says to the components in the browser. See lesson.js.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from ui import links, url_state
from ui.component import component

PRESENTING = "lesson.presenting"  # in the session's state: the names hidden while presenting, or None
HEIGHT = 28  # pixels, as in lesson.css

_QUESTION = '[data-testid="stVerticalBlock"]:has(> [class*="st-key-predict-{name}"])'
_OUTSIDE = f":not({_QUESTION.format(name='')} *)"

# What each name of `links.HIDEABLE` hides.
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
    styles=("canvas/base.css", "lesson/lesson.css"),
    scripts=("canvas/link.js", "lesson/present.js", "lesson/lesson.js"),
)


def presenting() -> bool:
    """Whether this visitor presents: by a link, and from then on until it is left."""
    if st.query_params.get(links.PRESENT.name) == "1":
        st.session_state.setdefault(PRESENTING, [])
        if st.session_state[PRESENTING] is None:
            st.session_state[PRESENTING] = []
    return st.session_state.get(PRESENTING) is not None


def lesson(page: str) -> None:
    """Take in the link that led here, and mount the lesson's line.

    Args:
        page: its name in the URL.
    """
    values = links.arrive(page)
    if presenting():
        if "hide" in values:
            st.session_state[PRESENTING] = values["hide"]
        url_state.write(links.PRESENT, True)
        url_state.write(links.HIDE, st.session_state[PRESENTING])
    asked = values.get("ask")
    hidden = st.session_state.get(PRESENTING) or []
    data: dict[str, Any] = {
        "page": page,
        "values": links.for_browser(page, values),
        "present": presenting(),
        "hide": [selector for name in hidden for selector in SELECTORS[name]],
        "ask": _QUESTION.format(name=asked) if asked else None,
    }
    _lesson(key="lesson", data=data, height=HEIGHT, on_present_change=_present, on_leave_change=_leave)


def _present() -> None:
    st.session_state[PRESENTING] = []


def _leave() -> None:
    st.session_state[PRESENTING] = None
    for one in (links.PRESENT, links.HIDE):
        url_state.write(one, None)
