"""Questions to answer before the evidence is shown."""

from __future__ import annotations

import streamlit as st

from ui.chapters.links import answer_of_link, keep_answer
from ui.classroom import session
from ui.links.present import PRESENTING, presenting
from ui.stage.class_questions import asked_in_class
from ui.stage.prediction import Prediction, heading_of, say_verdict

__all__ = ["Prediction", "ask", "covered"]


def ask(prediction: Prediction) -> bool:
    """A question with its options, and once one is chosen, whether it is right and why. Use it inside of a fragment.

    For whoever is in a class, see `asked_in_class`.

    Returns:
        Whether the evidence may be shown: the question was answered, or skipped, or is hidden while presenting, or its
        class has seen the answer.
    """
    if (in_class := asked_in_class(prediction)) is not None:
        return in_class
    with st.container(border=True, key=f"question-{prediction.key}"):
        key, skipped = f"predict-{prediction.key}", f"skipped-{prediction.key}"
        linked = None if key in st.session_state else answer_of_link(prediction.key, len(prediction.options))
        if linked is not None:
            st.session_state[key] = prediction.options[linked]
        chosen = st.radio(heading_of(prediction), prediction.options, index=None, key=key, horizontal=True)
        keep_answer(prediction.key, None if chosen is None else prediction.options.index(chosen))
        if chosen is None:
            hidden = presenting() and "questions" in (st.session_state.get(PRESENTING) or ())
            if not st.session_state.get(skipped) and not hidden:
                st.button(
                    "Skip, show me", key=f"skip-{prediction.key}", type="tertiary", on_click=_skip, args=(skipped,)
                )
            return bool(st.session_state.get(skipped)) or hidden
        say_verdict(prediction, prediction.options.index(chosen))
    return True


def _skip(key: str) -> None:
    """Before the run that follows, so that it shows the evidence, whether it is the page's or a fragment's."""
    st.session_state[key] = True


def covered(height: int = 200) -> None:
    """Stands where the evidence will be, until its question was answered.

    Args:
        height: about that of the evidence, in pixels, so that nothing moves when it appears.
    """
    with st.container(border=True, height=height):
        waits = session.here() is not None
        st.caption(
            "The result is shown here when the answer is revealed."
            if waits
            else "Answer the question, or skip it, to see the result here."
        )
