"""Questions to predict, asked in a class: all answer, then the teacher reveals, and all see what the class has said."""

from __future__ import annotations

import streamlit as st

from ui.chapters.links import ARRIVED
from ui.classroom import session, store
from ui.classroom.store import Asked, ClassesUnavailable, ClassRefused, Membership
from ui.components.classroom import tally
from ui.stage.prediction import Prediction, heading_of, say_verdict
from ui.stage.steps import prose
from ui.training.visitor import visitor


def asked_in_class(prediction: Prediction) -> bool | None:
    """A question for a visitor who is in a class. Answers of a link do not count here: nobody answers for another.

    A student chooses, may choose again, and waits; the answer and the class's distribution come with the reveal. A
    teacher sees how many have answered, and reveals.

    Returns:
        Whether the evidence may be shown; None for a visitor who is in no class, or whose class cannot be reached.
    """
    member, arrived = session.here(), st.session_state.get(ARRIVED)
    if member is None or not arrived:
        return None
    name = f"{arrived['page'] or 'home'}/{prediction.in_class}"
    try:
        refused = _take_in(prediction, member, name)
        asked = store.asked(member.code, name, visitor())
    except ClassesUnavailable as error:
        st.caption(f"{error} This question goes on without the class.")
        return None
    if asked is None:
        session.forget()
        st.caption("The class has ended. This question goes on without it.")
        return None
    with st.container(border=True, key=f"question-{prediction.key}"):
        show = _for_teacher if member.teaches else _for_student
        seen = show(prediction, asked, name)
        if refused:
            st.warning(refused)
    return seen


def _take_in(prediction: Prediction, member: Membership, name: str) -> str:
    """What the visitor has just done: answered, or revealed. Returns why it was not taken; empty if all is well."""
    code, text, options = member.code, prediction.question, prediction.options
    try:
        if member.teaches:
            if st.session_state.pop(f"class.reveal-{name}", False):
                right, _ = prediction.answer()
                store.reveal(code, name, text, options, right)
            return ""
        chosen = st.session_state.get(_radio(prediction))
        if chosen not in options or st.session_state.get(f"class.sent-{code}-{name}") == chosen:
            return ""
        if not store.answer(code, name, text, options, visitor(), options.index(chosen)):
            return "The right answer was shown before this one came: this one is not counted."
        st.session_state[f"class.sent-{code}-{name}"] = chosen
    except ClassRefused as error:
        return str(error)
    return ""


def _radio(prediction: Prediction) -> str:
    return f"predict-{prediction.in_class}"


def _for_student(prediction: Prediction, asked: Asked, name: str) -> bool:
    key, options, found = _radio(prediction), prediction.options, asked.question
    if found is not None and found.revealed:
        prose(heading_of(prediction).replace("Predict first.", "The class predicted."))
        _tally(prediction, asked, name, teaches=False, seen=True)
        say_verdict(prediction, asked.mine)
        return True
    if asked.mine is not None and key not in st.session_state:
        st.session_state[key] = options[asked.mine]  # given in another tab, or before the page was loaded anew
    chosen = st.radio(heading_of(prediction), options, index=None, key=key, horizontal=True)
    seen = chosen is not None and not asked.holds
    _tally(prediction, asked, name, teaches=False, seen=seen)
    if seen:
        say_verdict(prediction, options.index(chosen))
    return seen


def _for_teacher(prediction: Prediction, asked: Asked, name: str) -> bool:
    seen = asked.question is not None and asked.question.revealed
    prose(heading_of(prediction).replace("Predict first.", "The class predicts."))
    _tally(prediction, asked, name, teaches=True, seen=seen)
    if seen:
        say_verdict(prediction, None)
    return seen


def _tally(prediction: Prediction, asked: Asked, name: str, *, teaches: bool, seen: bool) -> None:
    tally(
        name,
        prediction.options,
        asked,
        teaches=teaches,
        right=prediction.answer()[0] if seen else None,
        key=f"tally-{prediction.in_class}",
        on_reveal=lambda: st.session_state.update({f"class.reveal-{name}": True}),
        on_news=lambda: None,
    )
