"""Questions to answer before the evidence is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from ui.chapters.links import answer_of_link, keep_answer
from ui.links.present import PRESENTING, presenting
from ui.stage.steps import prose


@dataclass(frozen=True)
class Prediction:
    """A question to answer before seeing.

    Attributes:
        key: unique on the page.
        question: one sentence.
        options: possible answers.
        answer: gives the index of the right option and a sentence that says why, both computed from the runs on screen;
            called only once the visitor has chosen.
    """

    key: str
    question: str
    options: tuple[str, ...]
    answer: Callable[[], tuple[int, str]]


def ask(prediction: Prediction) -> bool:
    """A question with its options, and once one is chosen, whether it is right and why. Use it inside of a fragment.

    Returns:
        Whether the evidence may be shown: the question was answered, or skipped, or is hidden while presenting.
    """
    with st.container(border=True, key=f"question-{prediction.key}"):
        key, skipped = f"predict-{prediction.key}", f"skipped-{prediction.key}"
        linked = None if key in st.session_state else answer_of_link(prediction.key, len(prediction.options))
        if linked is not None:
            st.session_state[key] = prediction.options[linked]
        question = prediction.question[:1].upper() + prediction.question[1:]
        chosen = st.radio(f"**Predict first.** {question}", prediction.options, index=None, key=key, horizontal=True)
        keep_answer(prediction.key, None if chosen is None else prediction.options.index(chosen))
        if chosen is None:
            hidden = presenting() and "questions" in (st.session_state.get(PRESENTING) or ())
            if not st.session_state.get(skipped) and not hidden:
                st.button(
                    "Skip, show me", key=f"skip-{prediction.key}", type="tertiary", on_click=_skip, args=(skipped,)
                )
            return bool(st.session_state.get(skipped)) or hidden
        right, reason = prediction.answer()
        correct = prediction.options.index(chosen) == right
        answer = prediction.options[right]
        answer = answer if answer[1:2].isupper() else f"{answer[0].lower()}{answer[1:]}"  # KL stays KL
        verdict = "Yes." if correct else f"No: {answer}."
        prose(f"{':material/check: ' if correct else ':material/close: '}**{verdict}** {reason}")
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
        st.caption("Answer the question, or skip it, to see the result here.")
