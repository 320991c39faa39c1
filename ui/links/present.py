"""Presentation mode: its parameters, which every page's link may have, and whether this visitor uses it."""

from __future__ import annotations

import streamlit as st

from ui.links.url_state import flag, several_of

PRESENTING = "lesson.presenting"  # in the session's state: the names hidden while presenting; None once it was left

# What may be hidden while presenting: name -> description. ui/components/lesson hides it.
HIDEABLE = {
    "text": "titles and passages",
    "controls": "menus, fields and buttons of the page",
    "questions": "the questions to predict",
    "tables": "tables and rows of pictures",
    "charts": "curves",
    "notes": "mathematics, code and sources at the end",
}

PRESENT = flag("present", "large type, without navigation")
HIDE = several_of("hide", HIDEABLE, "what is hidden while presenting")


def presenting() -> bool:
    """Whether this visitor presents: started by a link, until they leave it."""
    if PRESENTING not in st.session_state and st.query_params.get(PRESENT.name) == "1":
        st.session_state[PRESENTING] = []
    return st.session_state.get(PRESENTING) is not None
