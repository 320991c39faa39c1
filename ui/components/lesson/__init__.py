"""What a lesson needs on every page: copying the link to what is on screen, presenting, a question to begin with.

One component, the first of each page: it hands what the link says to the components in the browser. See lesson.js.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from ui.chapters import links
from ui.chapters.classroom import CHAPTER as CLASSROOM
from ui.classroom import session, store
from ui.classroom.codes import shown
from ui.classroom.store import ClassesUnavailable
from ui.classroom.tickets import ticket
from ui.components.mount import component, mount_acting
from ui.lessons.walk import Walk, end, turn, walk
from ui.links import url_state
from ui.links.frame import LESSON, OWN, TEACHER, of_frame
from ui.links.present import HIDE, PRESENT, PRESENTING, presenting
from ui.training.visitor import visitor

HEIGHT = 28  # pixels, as in lesson.css
# In the session's state: what the next run is to do.
_FOLLOW, _CLASSROOM, _TURN = "class.follow", "class.page", "lesson.turn"

_QUESTION = '[class*="st-key-question-{name}"]'
_STEP = ":is(.st-key-step-{name}, .st-key-widestep-{name})"
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
    styles=("engine/base.css", "lesson/lesson.css", "lesson/walk.css", "classroom/strip.css"),
    module="lesson/lesson.js",
)


def lesson(page: str) -> None:
    """Take in the link that led here, and mount the lesson's line.

    Args:
        page: its name in the URL.
    """
    if st.session_state.pop(_FOLLOW, False):
        _follow(page)
    _turn(page, st.session_state.pop(_TURN, 0))
    values = links.arrive(page)
    attended = session.attend(values)
    presents = presenting()
    if presents and "hide" in values:
        st.session_state[PRESENTING] = values["hide"]
    hidden = st.session_state[PRESENTING] if presents else []
    url_state.write(PRESENT, presents)  # it goes along to other pages, and out of the URL when it is left
    url_state.write(HIDE, hidden)
    walked = walk(values)
    url_state.write(LESSON, walked and walked.text)
    asked, at = values.get("ask"), values.get("begin")
    data: dict[str, Any] = {
        "page": page,
        "values": links.for_browser(page, values),
        "present": presents,
        "hide": [selector for name in hidden for selector in SELECTORS[name]],
        "uncopied": [TEACHER.name, *links.not_to_be_copied()],
        "ask": _QUESTION.format(name=asked) if asked else None,
        "at": _STEP.format(name=at) if at else None,
        "class": _class_line(page, attended),
        "walk": _walk_line(page, walked),
    }
    acts = {
        "present": _present,
        "leave": _leave,
        "follow": _note_follow,
        "leaveclass": _leave_class,
        "classroom": _note_classroom,
        "classover": None,  # the run that follows finds out
        "onward": lambda: _note_turn(1),
        "back": lambda: _note_turn(-1),
        "endlesson": end,
    }
    mount_acting(_lesson, key="lesson", acts=acts, data=data, height=HEIGHT)
    if st.session_state.pop(_CLASSROOM, False) and page != CLASSROOM.url:
        st.switch_page(CLASSROOM.file)
    links.say_what_was_left_out()


def _class_line(page: str, attended: session.Attended) -> dict[str, Any] | None:
    """What the line at the bottom shows of the visitor's class; None where there is nothing to show."""
    member = attended.member
    if member is None:
        return {"problem": attended.problem, "retry": attended.passes} if attended.problem else None
    return {
        "code": member.code,
        "shown": shown(member.code),
        "teaches": member.teaches,
        "ticket": ticket(member.code, visitor()),
        "known": [name for name in links.properties(page) if not of_frame(name)],
        "frame": [*OWN, *links.not_to_be_copied()],
        "problem": attended.problem,
    }


def _follow(page: str) -> None:
    """Bring the page to where the teacher is; where that is another page, this run ends here."""
    member = session.here()
    if member is None or member.teaches:
        return
    try:
        found = store.classroom(member.code)
    except ClassesUnavailable:
        return  # the line at the bottom says so
    if found is not None and found.place is not None:
        links.arrive_anew(page, found.place.page, found.place.query)


def _walk_line(page: str, walked: Walk | None) -> dict[str, Any] | None:
    """What the line at the bottom shows of the lesson under way, and where on the page it is; None for none."""
    if walked is None:
        return None
    here = walked.step.page == page
    known, query = links.properties(page), walked.step.query if here else {}
    values = {name: known[name].parse(text) for name, text in query.items()}
    return {**walked.told(), "here": here, "query": query, "values": values}


def _turn(page: str, by: int) -> None:
    """Bring the page to another step of the lesson; where that is another page, this run ends here."""
    moved = turn(by) if by else None
    if moved is not None:
        links.arrive_anew(page, moved.step.page, moved.step.query)


def _note_turn(by: int) -> None:
    st.session_state[_TURN] = by


def _note_follow() -> None:
    st.session_state[_FOLLOW] = True


def _note_classroom() -> None:
    st.session_state[_CLASSROOM] = True


def _leave_class() -> None:
    try:
        store.leave(visitor())
    except ClassesUnavailable:
        return  # the run that follows says so
    session.forget()


def _present() -> None:
    st.session_state[PRESENTING] = []


def _leave() -> None:
    st.session_state[PRESENTING] = None
