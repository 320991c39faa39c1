"""Chapter furniture: what every chapter page is made of besides its instrument.

Streamlit's cost is by the element, in every run of every visitor: what belongs together is one element here.

The order on a page: `opening` (the question), passages and instruments, `predict` wherever a guess is worth making
first, then the `foot`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import streamlit as st

from ui.chapters import Chapter
from ui.chapters.links import answer_of_link, keep_answer
from ui.figures.messages import errors_said
from vae_core.storage.manifest import PROJECT

TEXT_WIDTH = 720
_BOX = "border:1px solid rgba(128,138,152,0.35);border-radius:0.5rem;padding:0 1rem;margin:0.5rem 0"
_SUMMARY = "cursor:pointer;padding:0.6rem 0"


@dataclass(frozen=True)
class Prediction:
    """A question to answer before seeing.

    Attributes:
        key: unique on the page.
        question: one sentence.
        options: possible answers.
        answer: gives the index of the right option and the sentence that shows why, both computed from the runs on
            screen; called only once the visitor has chosen.
    """

    key: str
    question: str
    options: tuple[str, ...]
    answer: Callable[[], tuple[int, str]]


@dataclass(frozen=True)
class Source:
    """Where a statement comes from."""

    text: str
    url: str


def opening(record: Chapter, text: str) -> None:
    """The page's title and its one question, from its record, and a first passage."""
    st.markdown(f"# {record.title}\n\n**{record.question}**\n\n{text}", width=TEXT_WIDTH)


def passage(heading: str, text: str) -> None:
    """A heading and a short text, at most 70 characters wide."""
    st.markdown(f"## {heading}\n\n{text}", width=TEXT_WIDTH)


@st.fragment
@errors_said()
def predict(prediction: Prediction) -> None:
    """A question with its options; choosing one reveals the answer, in a rerun of this part alone."""
    ask(prediction)


def ask(prediction: Prediction) -> None:
    """What `predict` shows, for use inside of another fragment: one container less."""
    with st.container(border=True, width=TEXT_WIDTH):
        key = f"predict-{prediction.key}"
        linked = None if key in st.session_state else answer_of_link(prediction.key, len(prediction.options))
        if linked is not None:
            st.session_state[key] = prediction.options[linked]
        chosen = st.radio(f"Predict first: {prediction.question}", prediction.options, index=None, key=key)
        keep_answer(prediction.key, None if chosen is None else prediction.options.index(chosen))
        if chosen is None:
            return
        right, reason = prediction.answer()
        correct = prediction.options.index(chosen) == right
        answer = prediction.options[right]
        answer = answer if answer[1:2].isupper() else f"{answer[0].lower()}{answer[1:]}"  # KL stays KL
        verdict = "Yes." if correct else f"No: {answer}."
        st.markdown(f"{':material/check: ' if correct else ':material/close: '}**{verdict}** {reason}")


def foot(
    *, code: Sequence[tuple[str, str]], sources: Sequence[Source], mathematics: Sequence[tuple[str, str]] = ()
) -> None:
    """What a chapter rests on, in boxes that open: its formulas, its code, its sources.

    Args:
        code: (module file below ``vae_core``, name of a function or class in it): the very lines the page runs on.
        sources: papers and pages.
        mathematics: (sentence with the numbers on screen, LaTeX); either may be empty.
    """
    blocks = [block for text, formula in mathematics for block in (text, f"$$\n{formula}\n$$" if formula else "")]
    boxes = [
        ("The mathematics, with the numbers on screen", "\n\n".join(filter(None, blocks))),
        ("This in code", _code_text(tuple(code))),
        ("Sources", "\n".join(f"- [{entry.text}]({entry.url})" for entry in sources)),
    ]
    st.markdown("\n\n".join(_box(title, text) for title, text in boxes if text), unsafe_allow_html=True)


def _box(title: str, text: str) -> str:
    """A box that opens; the empty lines make Streamlit read its inside as markdown."""
    return f'<details style="{_BOX}"><summary style="{_SUMMARY}">{title}</summary>\n\n{text}\n\n</details>'


@lru_cache(maxsize=64)
def _code_text(places: tuple[tuple[str, str], ...]) -> str:
    return "\n\n".join(f"`vae_core/{file}`\n\n```python\n{source_of(file, name)}\n```" for file, name in places)


@lru_cache(maxsize=64)
def source_of(file: str, name: str) -> str:
    """The text of a function or class, read from its file: importing it might import torch."""
    text = (Path(PROJECT) / "vae_core" / file).read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            return ast.get_source_segment(text, node) or ""
    raise ValueError(f"vae_core/{file} defines no {name}")
