"""The table of every property that a link may say, page by page, and what becomes of a link when it arrives.

Most properties are a control's: the page reads and writes them (`ui.url_state`). Those marked ``in_browser`` belong to
components that tell the server nothing: here they are checked and handed to the browser, and
ui/components/engine/link.js writes them. A page's entries are made when the page is first asked for, because their
values come from what the page imports.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

import streamlit as st

from ui import url_state
from ui.url_state import Property, choices, flag, in_browser, key, number, one_of, points, several_of, view, word

ARRIVED = "links.arrived"  # in the session's state
LONGEST_NAME = 40  # characters of an unknown parameter that are said
MOST_OPTIONS = 20  # of a question

# What may be hidden while presenting: name -> what it is, for people. How, says ui/components/lesson.
HIDEABLE = {
    "text": "titles and passages",
    "controls": "menus, fields and buttons of the page",
    "questions": "the questions to predict",
    "tables": "tables and rows of pictures",
    "charts": "curves",
    "notes": "mathematics, code and sources at the end",
}

# The questions of each page, by the beginning of their keys (`question_name`).
QUESTIONS: dict[str, tuple[str, ...]] = {
    "reduction": ("best", "line"),
    "regularity": ("prior", "mixture"),
    "inside": ("scrambled", "together"),
    "beta": ("collapse", "best", "same-dial"),
    "mathematics": ("humps", "diagonal"),
}


def _home() -> tuple[Property, ...]:
    return (*_plane("ae-", "the autoencoder's plane"), *_plane("vae-", "the VAE's plane"))


def _reduction() -> tuple[Property, ...]:
    from ui.reduction import DIMENSIONS, MEMORISED, TURNS

    return (
        one_of("d", DIMENSIONS, "the number of latent dimensions"),
        number("first", 0, 4_989, "the first of the held-out digits shown"),
        one_of("turn", TURNS, "degrees by which the code is turned"),
        one_of("n", MEMORISED, "the number of memorised images"),
        *in_browser(number("z", 0, max(MEMORISED) - 1, "the place on the memoriser's line", whole=False)),
    )


def _regularity() -> tuple[Property, ...]:
    from ui.regularity import DATASETS, DEPTHS, DIMENSIONS
    from vae_core.sampling import SOURCES

    largest = max(DIMENSIONS)
    return (
        one_of("dataset", DATASETS, "the images"),
        one_of("d", DIMENSIONS, "the number of latent dimensions"),
        one_of("depth", DEPTHS, "the hidden layers"),
        number("across", 1, largest, "the coordinate across, where two are drawn instead of the principal plane"),
        number("up", 1, largest, "the coordinate upwards"),
        number("at", 0, 100_000, "the held-out image at whose code the other coordinates stay"),
        one_of("from", SOURCES, "where samples are drawn from"),
        number("seed", 0, 2**31 - 1, "the seed of the samples"),
        number("start", 0, 99, "the class that the path begins in"),
        number("end", 0, 99, "the class that the path ends in"),
        number("pair", 0, 100_000, "which pair of images of the two classes"),
        *_plane("ae-", "the autoencoder's plane"),
        *_plane("vae-", "the VAE's plane"),
    )


def _inside() -> tuple[Property, ...]:
    from ui.inner import CHOICES

    largest = max(choice.dimensions for choice in CHOICES.values())
    return (
        one_of("d", CHOICES, "the model to look into"),
        number("gradients", 0, 99, "the class of the digit whose gradients are measured"),
        *in_browser(
            number("digit", 0, 9, "the class of the held-out digit on the pad"),
            number("example", 1, 99, "which digit of its class"),
            url_state.numbers("epsilon", largest, "the noise ε"),
            number("step", 1, 4, "the step that is lit"),
            number("dimension", 1, largest, "the latent dimension that is read"),
        ),
    )


def _beta() -> tuple[Property, ...]:
    from ui.sweep import DIMENSIONS

    return (
        one_of("d", DIMENSIONS, "the number of latent dimensions"),
        word("beta", r"[0-9.]{1,8}|KL only", "β", "a stop of the dial, as it is written there", "4"),
    )


def _mathematics() -> tuple[Property, ...]:
    from ui.derivation import (
        COUNTS,
        DECODERS,
        DESCENT,
        ESTIMATE_DEVIATIONS,
        LARGEST_CORRELATION,
        OBSERVATIONS,
        RATES,
        START_DEVIATIONS,
        START_MEANS,
        VARIANCES,
        WIDTHS,
    )
    from ui.importance import DIMENSIONS, HELD_OUT

    return (
        one_of("d", DIMENSIONS, "the number of latent dimensions"),
        number("digit", 0, HELD_OUT - 1, "the held-out digit"),
        *in_browser(
            one_of("decoder", DECODERS, "the decoder f of steps 1 and 2"),
            number("x", *OBSERVATIONS, "the observation x", whole=False),
            one_of("c", VARIANCES, "the variance c of steps 1 and 2"),
            number("start", *START_MEANS, "where μ of q starts", whole=False, example=-1.5),
            one_of("spread", START_DEVIATIONS, "where σ of q starts"),
            one_of("rate", RATES, "the learning rate of step 2"),
            number("step", 0, int(DESCENT["steps"]), "the step of the descent"),
            number("rho", -LARGEST_CORRELATION, LARGEST_CORRELATION, "the correlation ρ", whole=False, example=0.6),
            number("width", *WIDTHS, "σ of q in step 3", whole=False, example=0.55),
            flag("best", "q has its best width"),
            number("mu", *START_MEANS, "μ in step 4", whole=False, example=0.5),
            one_of("sigma", ESTIMATE_DEVIATIONS, "σ in step 4"),
            one_of("samples", COUNTS, "the number of samples n in step 4"),
            number("draw", 1, 10_000, "which draw of the noise in step 4"),
        ),
    )


def _train() -> tuple[Property, ...]:
    from ui.recipe import BATCHES, DEPTHS, LARGEST, LEAST_C, LEAST_RATE, MODELS
    from vae_core.spec import LIKELIHOODS

    return (
        word("dataset", r"[a-z0-9_-]+", "the images; the ones that are here can be chosen", "a name", "digits"),
        one_of("model", MODELS, "the model"),
        one_of("depth", [name for depths in DEPTHS.values() for name in depths], "the hidden layers"),
        number("d", 1, LARGEST["d"], "the number of latent dimensions"),
        number("beta", 0.0, LARGEST["beta"], "the weight of the KL term", whole=False, example=4.0),
        one_of("likelihood", LIKELIHOODS, "the likelihood of a pixel"),
        number("c", LEAST_C, LARGEST["c"], "the variance of the Gaussian likelihood", whole=False, example=0.1),
        number("epochs", 1, LARGEST["epochs"], "how often all images are seen"),
        one_of("batch", BATCHES, "images per step"),
        number("rate", LEAST_RATE, LARGEST["rate"], "the peak of the learning rate", whole=False, example=0.001),
        number("seed", 0, LARGEST["seed"], "the seed"),
        key("run", "the run to show"),
        key("with", "the run to compare with"),
        *in_browser(number("epoch", 0, LARGEST["epochs"], "the epoch that the film shows")),
    )


def _explorer() -> tuple[Property, ...]:
    z, seen, *rest = _plane("", "the plane")
    # Pins and view are told to the page, which tables them.
    return (key("run", "the run to show"), *(replace(one, in_browser=False) for one in (z, seen)), *rest)


def _plane(prefix: str, what: str) -> tuple[Property, ...]:
    """What a latent canvas keeps, under names that begin with `prefix`."""
    return in_browser(
        points(f"{prefix}z", f"the pinned points of {what}"),
        view(f"{prefix}view", f"the part of {what} to show"),
        several_of(f"{prefix}off", range(100), f"the classes, counted from 0, that {what} hides"),
        flag(f"{prefix}heat", f"the distances on {what}"),
    )


# By what stands in the URL; the home page has no name there.
PAGES: dict[str, Callable[[], tuple[Property, ...]]] = {
    "": _home,
    "reduction": _reduction,
    "regularity": _regularity,
    "inside": _inside,
    "beta": _beta,
    "mathematics": _mathematics,
    "train": _train,
    "explorer": _explorer,
}

PRESENT = flag("present", "large type, without navigation")
HIDE = several_of("hide", HIDEABLE, "what is hidden while presenting")


@lru_cache(maxsize=len(PAGES))
def properties(page: str) -> dict[str, Property]:
    """Everything that a link to a page may say, by name.

    Args:
        page: its name in the URL.
    """
    found = {one.name: one for one in (*PAGES[page](), PRESENT, HIDE)}
    if questions := QUESTIONS.get(page):
        asked = one_of("ask", questions, "the question to begin with")
        answers = choices("answers", questions, MOST_OPTIONS, "the answers chosen")
        found |= {asked.name: asked, answers.name: answers}
    return found


def question_name(page: str, prediction: str) -> str | None:
    """The name of a question in links, from its key: some keys go on with what is on screen."""
    names = QUESTIONS.get(page, ())
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
        kept = {name: text for name, text in st.query_params.to_dict().items() if name in values}
        st.query_params.from_dict(kept)
    return dict(values)


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
    from ui.navigation import PAGES as CHAPTERS

    blocks = [_listed("Every page", [PRESENT, HIDE])]
    for entry in CHAPTERS:
        page = "" if entry.get("default") else entry["page"].removeprefix("pages/").removesuffix(".py")
        own = [one for name, one in properties(page).items() if name not in (PRESENT.name, HIDE.name)]
        blocks.append(_listed(f"{entry['title']}, `/{page}`", own))
    return "\n".join(blocks)


def _listed(title: str, some: list[Property]) -> str:
    lines = [f"| `{one.name}` | {one.meaning} | {one.values} | `{one.name}={one.example}` |" for one in some]
    return "\n".join(
        [f"### {title}", "", "| name | what it is | values | for example |", "|---|---|---|---|", *lines, ""]
    )
