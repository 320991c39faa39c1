"""A visitor's class, as their pages know it: found out in every run of a page, kept for its fragments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from ui.classroom import store
from ui.classroom.codes import read_code
from ui.classroom.store import ClassesUnavailable, ClassRefused, Membership
from ui.links import url_state
from ui.links.frame import JOIN, TEACHER
from ui.training.visitor import address, known_by_cookie, visitor

_HERE, _SECRET = "class.here", "class.secret"  # in the session's state


@dataclass(frozen=True)
class Attended:
    """What a run of a page knows of the visitor's class.

    Attributes:
        member: the class; None for none.
        problem: why there is none although the visitor wants one; empty if all is well.
        passes: whether the page may find the class if it asks again later.
    """

    member: Membership | None
    problem: str = ""
    passes: bool = False


def attend(values: Mapping[str, Any]) -> Attended:
    """Take in what the link says of a class, once, and find out which one the visitor is in.

    Args:
        values: what the link that led here says, by name.
    """
    linked, secret = values.get(JOIN.name), values.get(TEACHER.name, "")
    problem, member, passes = "", None, False
    try:
        if linked and st.session_state.get("class.linked") != (linked, secret):
            st.session_state["class.linked"] = (linked, secret)
            problem = _join(linked, secret)
        member = store.membership(visitor())
    except ClassesUnavailable as error:
        problem, passes = f"{error} The pages go on without a class.", True
        st.session_state.pop("class.linked", None)  # it is tried again
    before: Membership | None = st.session_state.get(_HERE)
    st.session_state[_HERE] = member
    if before is not None and member is None and not problem:
        problem = "The class has ended. The pages go on without it."
    # Whoever is known by a cookie needs it no longer, and a secret must not stay on a projector's address line.
    stays = member is not None and not known_by_cookie()
    url_state.write(JOIN, member.code if stays and member else None)
    url_state.write(TEACHER, (secret_of(member.code) or None) if stays and member else None)
    return Attended(member, problem, passes)


def _join(linked: str, secret: str) -> str:
    code = read_code(linked)
    if code is None:
        return f"The link's class “{linked}” cannot be one. Ask your teacher for the link."
    try:
        joined = store.join(code, visitor(), address(), secret)
    except ClassRefused as error:
        return str(error)
    if joined.teaches and not secret:
        return "You hold this class in this browser. To see it as a student, open the link in another one."
    if joined.teaches:
        st.session_state[_SECRET] = (code, secret)
    return ""


def here() -> Membership | None:
    """The class of the visitor, as the page's last run found it."""
    found = st.session_state.get(_HERE)
    return found if isinstance(found, Membership) else None


def forget() -> None:
    """The visitor has left on purpose: nothing is to be said of it."""
    st.session_state.pop(_HERE, None)


def begin() -> None:
    """Start a class, which this visitor holds.

    Raises:
        ClassRefused, ClassesUnavailable: it was not started.
    """
    started = store.start(visitor(), address())
    st.session_state[_SECRET] = (started.code, started.secret)


def secret_of(code: str) -> str:
    """The teacher's secret, where this session has made it or came by it; else empty: it is stored nowhere."""
    known, secret = st.session_state.get(_SECRET, ("", ""))
    return secret if known == code else ""


def renew_secret(code: str) -> None:
    """Another secret, which this session knows."""
    st.session_state[_SECRET] = (code, store.renew_secret(code))
