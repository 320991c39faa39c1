"""Questions to predict, asked in a class: all answer, then the teacher reveals, and all see what the class has said.

A student's answer goes from the browser to the class directly (`ui.app.live_class`); the page runs again when there is
something to be seen.
"""

from __future__ import annotations

import streamlit as st

from ui.chapters.links import ARRIVED
from ui.classroom import session, store
from ui.classroom.store import Asked, ClassesUnavailable, ClassRefused, Membership
from ui.classroom.tickets import Wording
from ui.components.classroom import tally
from ui.stage.prediction import Prediction, heading_of, say_verdict
from ui.stage.steps import prose
from ui.training.visitor import visitor


def asked_in_class(prediction: Prediction) -> bool | None:
    """A question for a visitor who is in a class. Answers of a link do not count here: nobody answers for another.

    A student chooses, may choose again, and waits; the answer and the class's distribution come with the reveal, or
    the answer at once where the teacher does not hold answers. A teacher sees how many have answered, and reveals.

    Returns:
        Whether the evidence may be shown; None for a visitor who is in no class, or whose class cannot be reached.
    """
    member, arrived = session.here(), st.session_state.get(ARRIVED)
    if member is None or not arrived:
        return None
    asks = Wording(f"{arrived['page'] or 'home'}/{prediction.in_class}", prediction.question, prediction.options)
    try:
        refused = _reveal(prediction, member, asks) if st.session_state.pop(_wish(asks), False) else ""
        asked = store.asked(member.code, asks.name, visitor())
    except ClassesUnavailable as error:
        st.caption(f"{error} This question goes on without the class.")
        return None
    if asked is None:
        session.forget()
        st.caption("The class has ended. This question goes on without it.")
        return None
    with st.container(border=True, key=f"question-{prediction.key}"):
        seen = _shown(prediction, asks, asked, teaches=member.teaches)
        if refused:
            st.warning(refused)
    return seen


def _wish(asks: Wording) -> str:
    """Where the session's state says that the answer is to be revealed."""
    return f"class.reveal-{asks.name}"


def _reveal(prediction: Prediction, member: Membership, asks: Wording) -> str:
    """Show the answer to all. Returns why it was not done; empty if all is well."""
    try:
        if member.teaches:
            right, _ = prediction.answer()
            store.reveal(member.code, asks.name, asks.text, asks.options, right)
    except ClassRefused as error:
        return str(error)
    return ""


def _shown(prediction: Prediction, asks: Wording, asked: Asked, *, teaches: bool) -> bool:
    revealed = asked.question is not None and asked.question.revealed
    seen = revealed or asked.mine.final
    instead = "The class predicted." if revealed else "The class predicts." if teaches else ""
    prose(heading_of(prediction).replace("Predict first.", instead) if instead else heading_of(prediction))
    tally(
        asks,
        asked,
        teaches=teaches,
        right=prediction.answer()[0] if seen else None,
        key=f"tally-{prediction.in_class}",
        on_reveal=lambda: st.session_state.update({_wish(asks): True}),
    )
    if seen:
        say_verdict(prediction, asked.mine.option)
    return seen
