"""The bench's steps."""

from __future__ import annotations

import numpy as np
import streamlit as st

from ui.chapters import links
from ui.chapters.uses.labels import BENCH, QUESTIONS
from ui.chapters.uses.labels.draws import DRAWS, LEVELS, draw
from ui.chapters.uses.labels.features import FEATURES
from ui.chapters.uses.labels.machines import MOST_LIVE, answers, begin_to_prepare, sent_pixels, told_by_hand
from ui.chapters.uses.labels.measured import accuracies, kept, mean_of
from ui.chapters.uses.labels.verdicts import (
    ASKED,
    LEFT_IN,
    MORE,
    UNITS,
    WINNERS,
    hundred,
    labels_figure,
    m2_table,
    table,
    transfer_table,
    transfer_text,
    units,
    unlabelled,
)
from ui.chapters.uses.runs import DATASET, shipped
from ui.components.labels import analogies, rests
from ui.figures.markup import small_print
from ui.figures.messages import errors_said
from ui.figures.pictures import Picture, side_by_side, tiles
from ui.figures.plots import show
from ui.figures.tables import Rows, as_html
from ui.links import url_state
from ui.runs.resources import held_out, load_run
from ui.runs.selection import per_shelf
from ui.stage import chapter
from vae_core.payloads.analogies import analogies_payload
from vae_core.payloads.plane import Payload

PAGE = "uses"
LIVE = "uses-labels-analogies"  # the component's key
SHOWN = 10  # labelled digits of each class that are shown
ENLARGED, CARD = 3, 88  # times; pixels
LEVEL, DRAW, TEN = "labels-level", "labels-draw", "labels-ten"


def steps() -> None:
    """All of them."""
    step_draws()
    step_units()
    step_m2()
    step_by_hand()
    step_transfer()


@st.fragment
@errors_said()
def step_draws() -> None:
    """Labelled digits, and the accuracy by features."""
    step = chapter.step(
        "labels",
        BENCH.question,
        "Labels cost somebody's time, images do not. So learn a code from all images first, without labels; then give "
        "a classifier the codes of the few that have one. The classifier here is always the same, a [[support vector "
        "machine]]; only what it is given changes.",
        words_first=True,
    )
    with step.words:
        answered = chapter.ask(
            chapter.Prediction(
                QUESTIONS[0],
                f"with {ASKED} labels of each class, whose features tell most test digits right?",
                WINNERS,
                hundred,
            )
        )
        if answered:
            level, number = _choose_draw()
            st.html(_drawn(level, number))
    with step.instrument:
        if answered:
            show(labels_figure(), key="uses-labels-figure")
            st.html(table(level, number))
        else:
            chapter.covered(640)


def _choose_draw() -> tuple[int, int]:
    """Labels of each class, and the draw, from 0; both are in the link."""
    wanted = links.properties(PAGE)
    url_state.begin(wanted["labels"], ASKED, key=LEVEL)
    level = st.select_slider("Labels of each class", LEVELS, key=LEVEL)
    url_state.keep(wanted["labels"], level, ASKED)
    url_state.begin(wanted["draw"], 1, key=DRAW)
    st.button("Next draw", on_click=_next, args=(DRAW,), key="uses-labels-next")
    number = int(st.session_state[DRAW])
    url_state.keep(wanted["draw"], number, 1)
    return int(level), number - 1


def _next(key: str) -> None:
    st.session_state[key] = int(st.session_state[key]) % DRAWS + 1


def _drawn(level: int, number: int) -> str:
    """The labelled digits of a draw: a row for each class."""
    images = held_out(DATASET)
    shown = min(level, SHOWN)
    which = draw(images.labels, level, number).reshape(-1, level)[:, :shown].ravel()
    sheet = tiles(images.images[which].reshape(len(which), -1) / 255.0, images.image_shape, columns=shown)
    rest = f" {SHOWN} of {level} are shown." if level > SHOWN else ""
    text = f"These {10 * level:,} digits have a label, a row for each class.{rest}"
    picture = Picture(f"Draw {number + 1} of {DRAWS}", text, sheet, f"{shown} digits of each class from 0 to 9")
    return side_by_side([picture])


@st.fragment
@errors_said()
def step_units() -> None:
    """Collapsed units as noise."""
    step = chapter.step(
        "labels-units",
        "More numbers, less to know?",
        "A VAE of 32 dimensions uses about half of them; the others are [[posterior collapse|collapsed]], and their "
        "mean hardly moves. It is common to bring all features to the same variance before a classifier sees them.",
        words_first=True,
    )
    with step.words:
        answered = chapter.ask(
            chapter.Prediction(
                QUESTIONS[1],
                f"all units brought to variance 1, {ASKED} labels of each class: what do the collapsed ones do?",
                LEFT_IN,
                units,
            )
        )
    with step.instrument:
        if answered:
            st.html(_units_table())
        else:
            chapter.covered(160)


def _units_table() -> str:
    rows: Rows = []
    for name in UNITS:
        row: dict[str, object] = {"": FEATURES[name].title, "numbers": kept()["features"][name]["d"]}
        for level in LEVELS:
            row[f"{level}"] = f"{mean_of(accuracies(name, level)).mean:.1f}"
        rows.append(row)
    title = "Test digits told right by labels of each class, per cent"
    return as_html(rows, title=title, note="Per cent; columns: labels of each class.")


@per_shelf
def _m2_payload() -> Payload:
    """Of the shipped M1+M2.

    Raises:
        RunNotFound: it is not in the store.
    """
    return analogies_payload(load_run(shipped("M1+M2 of the digits", lambda spec: spec.model == "m2").key))


@st.fragment
@errors_said()
def step_m2() -> None:
    """M1+M2: learning from both, and every class in one handwriting."""
    step = chapter.step(
        "labels-m2",
        "Let the unlabelled ones teach, too",
        "So far the unlabelled images only shaped the code. [[M2]] lets them teach the classifier: its decoder is told "
        "a class y beside the code z, and of an image without a label it takes the sum over all ten, weighted by the "
        "classifier q(y|x) itself. Classes that make the image unlikely then lose weight. It works on the code of a "
        "frozen convolutional autoencoder, M1.",
        wide=True,
    )
    with step.words:
        answered = chapter.ask(
            chapter.Prediction(
                QUESTIONS[2],
                "with 100 labels in all: how many digits does M1+M2 tell right, beside the best code above?",
                MORE,
                unlabelled,
            )
        )
        if answered:
            st.html(m2_table())
            chapter.prose(
                "**Draw class c in this handwriting.** What the class leaves open is in z: slant, width, stroke. Draw "
                "on the board: z is read from your digit, and the decoder draws it as every class. Choose a bar to say "
                "yourself which class it is, and the handwriting is read again."
            )
    with step.instrument:
        if not answered:
            chapter.covered(420)
            return
        analogies(_m2_payload(), key=LIVE)
        level, number = min(int(st.session_state.get(LEVEL, ASKED)), MOST_LIVE), int(st.session_state.get(DRAW, 1))
        pixels = sent_pixels(rests(LIVE))
        if pixels is None:
            st.html(small_print("Draw, and the classifiers of the first step answer here, too."))
        elif not pixels.any():
            st.html(small_print("The board is empty: the classifiers have nothing to tell."))
        else:
            st.html(_answers_table(pixels, level, number - 1))


def _answers_table(pixels: np.ndarray, level: int, number: int) -> str:
    names = held_out(DATASET).label_names
    rows: Rows = [
        {"": FEATURES[name].title, "says": names[one.label], "pairs won": f"{one.votes} of {one.most}"}
        for name, one in answers(pixels, level, number).items()
    ]
    note = (
        f"The digit on the board, told by classifiers with {level} labels of each class, draw {number + 1}. Each class "
        "is compared with every other; the one that wins most pairs is the answer."
    )
    return as_html(rows, title="What each classifier says", note=note)


@st.fragment
@errors_said()
def step_by_hand() -> None:
    """Ten digits that the visitor labels."""
    step = chapter.step(
        "labels-ten",
        "Label ten yourself",
        "One digit of each class, in no order. Say what they are: a classifier learns from your ten labels alone, and "
        "is asked about all other held-out digits. A wrong label is a lesson, too.",
    )
    begin_to_prepare()
    wanted = links.properties(PAGE)["ten"]
    with step.instrument:
        number = int(url_state.begin(wanted, 1, key=TEN))
        url_state.keep(wanted, number, 1)
        which = ten(number - 1)
        given = _ask_for_labels(which, number)
        left, right = st.columns(2)
        left.button("Other ten", on_click=_next, args=(TEN,), key="uses-labels-other")
        right.button("Fill in the rest", on_click=_fill_in, args=(which, number), key="uses-labels-fill")
    with step.words:
        told = [(one, label) for one, label in zip(which, given, strict=True) if label is not None]
        if len(told) < len(which):
            chapter.prose(f"**{len(told)} of {len(which)}** have a label; the classifier is fitted on those.")
        if len({label for _, label in told}) < 2:
            chapter.prose("It needs two different labels at least: with one class there is nothing to tell.")
        else:
            st.html(_by_hand(tuple(one for one, _ in told), tuple(label for _, label in told)))


def ten(number: int) -> tuple[int, ...]:
    """Ten held-out digits, one of each class, in an order of their own; from 0."""
    chosen = draw(held_out(DATASET).labels, 1, DRAWS + number)  # others than those of the draws above
    return tuple(int(one) for one in np.random.default_rng(number).permutation(chosen))


def _ask_for_labels(which: tuple[int, ...], number: int) -> list[int | None]:
    images, given = held_out(DATASET), []
    with st.container(horizontal=True):  # they wrap on a phone
        for place, one in enumerate(which, 1):
            with st.container(width=CARD):
                st.image(np.kron(images.images[one, 0], np.ones((ENLARGED, ENLARGED), np.uint8)))
                given.append(
                    st.selectbox(
                        f"Digit {place}", range(10), index=None, placeholder="?", key=f"labels-{number}-{place}",
                        label_visibility="collapsed",
                    )
                )  # fmt: skip
    return given


def _fill_in(which: tuple[int, ...], number: int) -> None:
    """Give those without a label that of the data set."""
    labels = held_out(DATASET).labels
    for place, one in enumerate(which, 1):
        key = f"labels-{number}-{place}"
        if st.session_state.get(key) is None:
            st.session_state[key] = int(labels[one])


def _by_hand(which: tuple[int, ...], labels: tuple[int, ...]) -> str:
    truth = held_out(DATASET).labels
    agree = sum(int(truth[one]) == label for one, label in zip(which, labels, strict=True))
    found = told_by_hand(which, labels)
    rows: Rows = [
        {"": FEATURES[name].title, "told right, %": f"{one.accuracy:.1f}"}
        for name, one in sorted(found.items(), key=lambda each: -each[1].accuracy)
    ]
    unknown = 10 - len(set(labels))
    note = (
        f"Of the {len(truth) - len(which):,} held-out digits that you were not asked about. {agree} of your "
        f"{len(which)} labels are those of the data set."
        + (f" Digits of the {unknown} classes without a label cannot be told." if unknown else "")
        + " One draw: with so few labels another ten may give ten points more or less."
    )
    return as_html(rows, title="Held-out digits told right after your labels, per cent", note=note)


@st.fragment
@errors_said()
def step_transfer() -> None:
    """Features of one data set, labels of another."""
    step = chapter.step(
        "labels-transfer",
        "Learned here, used there",
        "Does a code of MNIST's digits help with the digits of other people and another scanner? scikit-learn's small "
        "digits have 8 by 8 pixels, from Turkey in the 1990s; here they are scaled up and given to models that have "
        "never seen one.",
    )
    with step.words:
        chapter.prose(transfer_text())
    with step.instrument:
        st.html(transfer_table())
