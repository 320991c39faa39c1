"""Every property that a link may say, page by page, and what becomes of a link when it arrives.

Most properties are a control's: the page reads and writes them (`ui.links.url_state`). Those marked ``in_browser``
belong to components that tell the server nothing: here they are checked and handed to the browser, and
ui/components/engine/link.js writes them. A chapter's own are in its record (`ui.chapters`) and are made when its page
is first asked for, because their values come from what the page imports.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import streamlit as st

from ui.chapters import Chapter, chapter_at, chapters
from ui.links import url_state
from ui.links.frame import BEGIN, JOIN, LESSON, TEACHER, of_frame
from ui.links.present import HIDE, PRESENT
from ui.links.url_state import Property, choices, one_of

EVERYWHERE = (BEGIN, PRESENT, HIDE, LESSON, JOIN, TEACHER)
ARRIVED = "links.arrived"  # in the session's state
# Of the session's state, by how their names begin: what a visitor keeps who is led to another place.
KEPT = ("class.", "lesson", "predict-", "skipped-", "stage-", "visitor")
LONGEST_NAME = 40  # characters of an unknown parameter that are said
MOST_OPTIONS = 20  # of a question

# What those who pass a link on add to it: a Hugging Face Space (``__theme``, ``__sign``, and whatever else begins so),
# and networks and newsletters that count who came. It is none of the visitor's concern.
_OF_OTHERS = re.compile(
    r"__.*|utm_.*|(?:fb|g|d|tw|tt|yc)clid|msclkid|[gw]braid|igshid|mc_[ce]id|_ga|_gl|_hs\w+",
    re.DOTALL,
)


def properties(page: str) -> dict[str, Property]:
    """Everything that a link to a page may say, by name.

    Args:
        page: its name in the URL; one that no chapter has knows what every page knows.
    """
    return _properties(chapter_at(page))


@lru_cache(maxsize=64)
def _properties(chapter: Chapter | None) -> dict[str, Property]:
    own = chapter.links() if chapter else ()
    found = {one.name: one for one in (*own, *EVERYWHERE)}
    if chapter and chapter.predictions:
        asked = one_of("ask", chapter.predictions, "the question to begin with")
        answers = choices("answers", chapter.predictions, MOST_OPTIONS, "the answers chosen")
        found |= {asked.name: asked, answers.name: answers}
    return found


def question_name(page: str, prediction: str) -> str | None:
    """The name of a question in links, from its key: some keys go on with what is on screen."""
    chapter = chapter_at(page)
    names = chapter.predictions if chapter else ()
    return next((name for name in names if prediction == name or prediction.startswith(f"{name}-")), None)


# ---- a link arrives --------------------------------------------------------------------------------------------------


def arrive(page: str) -> dict[str, Any]:
    """What the link that led to a page says, by name; what cannot be read or is not known is left out.

    Checked once for each visit of the page: afterwards the URL is what page and visitor have made of it. What was left
    out, `say_what_was_left_out` says.

    Args:
        page: its name in the URL.
    """
    arrived = st.session_state.get(ARRIVED)
    if arrived is not None and arrived["page"] == page:
        return dict(arrived["values"])
    known, values = properties(page), {}
    unreadable, unknown = [], []
    for name, text in st.query_params.to_dict().items():
        if name not in known:
            if not of_others(name):
                unknown.append(name)
        elif text:
            try:
                values[name] = known[name].parse(text)
            except ValueError:
                unreadable.append(known[name])
    told = [url_state.left_out(unreadable)] if unreadable else []
    if unknown:
        names = ", ".join(f"“{_sayable(name)}”" for name in unknown[:5])
        told.append(f"The link also has {names}, which this page does not know.")
    st.session_state[ARRIVED] = {
        "page": page,
        "values": values,
        "answers": dict(values.get("answers", {})),
        "told": " ".join(told),
    }
    if told:
        kept = {name: text for name, text in st.query_params.to_dict().items() if name in values or of_others(name)}
        st.query_params.from_dict(kept)
    return dict(values)


def arrive_anew(here: str, page: str, query: Mapping[str, str]) -> None:
    """Let the next run of a page begin as if a visitor came by this link, who keeps what is their own.

    What their own is: answers, presenting, a class. All else that the session has of pages is forgotten, so that every
    control begins with what the link says, or with what is usual.

    Args:
        here: the present page's name in the URL.
        page: the page's; another one than the present is switched to, which ends this run.
        query: what the link says, already checked.
    """
    for name in [str(name) for name in st.session_state if not str(name).startswith(KEPT)]:
        del st.session_state[name]
    kept = {name: text for name, text in st.query_params.to_dict().items() if of_frame(name) or of_others(name)}
    if page != here:
        chapter = chapter_at(page)
        if chapter is not None:
            kept.pop("answers", None)
            st.switch_page(chapter.file, query_params={**query, **kept})
        return
    st.query_params.from_dict({**query, **kept})
    st.session_state.pop(ARRIVED, None)


def of_others(name: str) -> bool:
    """Whether a parameter was added by whoever passed the link on: it is ignored without a word."""
    return _OF_OTHERS.fullmatch(name) is not None


def not_to_be_copied() -> list[str]:
    """The parameters in the URL that a copied link leaves out: a Space's ``__sign`` would let others in."""
    return [name for name in st.query_params if of_others(name)]


def say_what_was_left_out() -> None:
    """The one sentence about what the link says in vain, once."""
    if told := st.session_state[ARRIVED].pop("told", ""):
        st.warning(told)


def _sayable(name: str) -> str:
    """An unknown parameter's name without anything that markdown would take for its own."""
    plain = "".join(letter if letter.isalnum() or letter in "-_" else "·" for letter in name[:LONGEST_NAME])
    return plain + "…" * (len(name) > LONGEST_NAME)


def for_browser(page: str, values: dict[str, Any]) -> dict[str, Any]:
    """Of what a link says, that which components in the browser take up."""
    return {name: value for name, value in values.items() if properties(page)[name].in_browser}


# ---- answers ---------------------------------------------------------------------------------------------------------


def answer_of_link(prediction: str, options: int) -> int | None:
    """The option that the link has chosen for a question, once; None if it says none."""
    arrived = st.session_state.get(ARRIVED)
    name = question_name(arrived["page"], prediction) if arrived else None
    if not arrived or name is None:
        return None
    index = arrived["answers"].pop(name, None)
    return index if index is not None and index < options else None


def keep_answer(prediction: str, index: int | None) -> None:
    """Put the option chosen for a question into the URL; None takes it out."""
    arrived = st.session_state.get(ARRIVED)
    name = question_name(arrived["page"], prediction) if arrived else None
    if not arrived or name is None:
        return
    answers = properties(arrived["page"])["answers"]
    chosen = dict(url_state.read(answers) or {})
    if chosen.get(name) != index:
        chosen.pop(name, None)
        url_state.write(answers, chosen if index is None else {**chosen, name: index})


# ---- for teachers ----------------------------------------------------------------------------------------------------


def for_teachers() -> str:
    """The whole table as markdown: what docs/links.md lists."""
    blocks = [_listed("Every page", list(EVERYWHERE))]
    for chapter in chapters():
        own = [one for one in properties(chapter.url).values() if one not in EVERYWHERE]
        blocks.append(_listed(f"{chapter.title}, `/{chapter.url}`", own))
    return "\n".join(blocks)


def _listed(title: str, some: list[Property]) -> str:
    lines = [f"| `{one.name}` | {one.meaning} | {one.values} | `{one.name}={one.example}` |" for one in some]
    return "\n".join(
        [f"### {title}", "", "| name | what it is | values | for example |", "|---|---|---|---|", *lines, ""]
    )
