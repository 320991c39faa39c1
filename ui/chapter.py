"""Chapter furniture: what every chapter page is made of besides its instrument.

Streamlit's cost is by the element, in every run of every visitor: what belongs together is one element here.

The order on a page: `opening` (the question), passages and instruments, `predict` wherever a guess is worth making
first, then `mathematics`, `in_code` and `sources`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import streamlit as st

from ui.messages import errors_said
from vae_core.manifest import PROJECT

TEXT_WIDTH = 720


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


def opening(title: str, question: str, text: str) -> None:
    """The page's title, its one question, and a first passage."""
    st.title(title)
    st.markdown(f"**{question}**\n\n{text}", width=TEXT_WIDTH)


def passage(heading: str, text: str) -> None:
    """A heading and a short text, at most 70 characters wide."""
    st.markdown(f"### {heading}\n\n{text}", width=TEXT_WIDTH)


@st.fragment
@errors_said()
def predict(prediction: Prediction) -> None:
    """The question with its options; choosing one reveals the answer."""
    with st.container(border=True, width=TEXT_WIDTH):
        chosen = st.radio(
            f"Predict first: {prediction.question}",
            prediction.options,
            index=None,
            key=f"predict-{prediction.key}",
        )
        if chosen is None:
            return
        right, reason = prediction.answer()
        correct = prediction.options.index(chosen) == right
        verdict = "Yes." if correct else f"No: {prediction.options[right][0].lower()}{prediction.options[right][1:]}."
        st.markdown(f"{':material/check: ' if correct else ':material/close: '}**{verdict}** {reason}")


def mathematics(parts: Sequence[tuple[str, str]]) -> None:
    """The formulas behind the page in an expander.

    Args:
        parts: (sentence with the numbers on screen, LaTeX); either may be empty.
    """
    blocks = [block for text, formula in parts for block in (text, f"$$\n{formula}\n$$" if formula else "") if block]
    with st.expander("The mathematics, with the numbers on screen", icon=":material/function:"):
        st.markdown("\n\n".join(blocks), width=TEXT_WIDTH)


def in_code(*places: tuple[str, str]) -> None:
    """The very lines of `vae_core` that the page runs on.

    Args:
        places: (module file below ``vae_core``, name of a function or class in it).
    """
    with st.expander("This in code", icon=":material/code:"):
        st.markdown(_code_text(places))


@lru_cache(maxsize=64)
def _code_text(places: tuple[tuple[str, str], ...]) -> str:
    return "\n\n".join(f"`vae_core/{file}`\n\n```python\n{source_of(file, name)}\n```" for file, name in places)


def sources(*entries: Source) -> None:
    """Papers and pages that the chapter rests on."""
    with st.expander("Sources", icon=":material/menu_book:"):
        st.markdown("\n".join(f"- [{entry.text}]({entry.url})" for entry in entries))


@lru_cache(maxsize=64)
def source_of(file: str, name: str) -> str:
    """The text of a function or class, read from its file: importing it might import torch."""
    text = (Path(PROJECT) / "vae_core" / file).read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            return ast.get_source_segment(text, node) or ""
    raise ValueError(f"vae_core/{file} defines no {name}")
