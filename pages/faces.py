"""Six numbers for a face: which number of a code found which known feature."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import streamlit as st

from ui.chapters import links
from ui.chapters.faces import CHAPTER
from ui.chapters.faces.attribute import FARTHEST, METHODS, direction, sent_code, table, told
from ui.chapters.faces.between import (
    heads_payload,
    table_of_analogies,
    table_of_halfway,
    told_of_analogies,
    told_of_halfway,
)
from ui.chapters.faces.family import (
    DATASET,
    DIMENSIONS,
    KINDS,
    RENDERED,
    Shown,
    about,
    choices,
    here,
    name_in_list,
    usual,
    wanted,
)
from ui.chapters.faces.formulas import formulas
from ui.chapters.faces.found import MEASURES, found_by, how_many, how_many_options, without_factors
from ui.chapters.faces.instrument import code_of_head, face_payload, heads_of, numbers_of, size_of
from ui.chapters.faces.isolated import sheets, words_on_points
from ui.chapters.faces.isolated import table as isolated_table
from ui.chapters.faces.over_seeds import FIGURES, dots, groups, method_or_luck
from ui.chapters.faces.reading import features, labelled
from ui.components.along import Line, along
from ui.components.faces import analogy, causes, face, matrix, walk
from ui.figures.markup import Html, folded, in_a_line
from ui.figures.messages import errors_said
from ui.figures.plots import show
from ui.links import url_state
from ui.stage import chapter
from ui.stage.steps import Step
from ui.training.app_queue import offer_training
from ui.training.own_images import read_picture
from ui.training.read_once import offer_again, read_once
from ui.training.visitor import address, visitor
from vae_core import datasets
from vae_core.datasets.limits import MOST_BYTES
from vae_core.datasets.pictures import SUFFIXES
from vae_core.payloads.head import head_payload
from vae_core.payloads.plane import Payload

OWN_IMAGES = (
    "Images that you have sent on Train your own can be chosen here, too. An .npz file may hold their known features "
    "as `factors`."
)
LINK = links.properties(CHAPTER.url)


def mark(shown: Shown) -> str:
    """What stands in the keys of elements that show one run."""
    return "-".join(map(str, shown))


def may_be_told(shown: Shown) -> bool:
    """Whether the visitor has guessed what the numbers found: until then nothing on the page says it."""
    return bool(st.session_state.get(f"faces-told-{mark(shown)}"))


def not_yet(step: Step, what: str) -> None:
    """Stands where an experiment will be."""
    with step.instrument:
        st.info(f"{what} See the top of this page.", icon=":material/hourglass_empty:")


@st.fragment
@errors_said()
def step_of_causes(shown: Shown) -> None:
    """A true feature moves, and the code."""
    step = chapter.step(
        "causes",
        "Move a true feature",
        "Now from the other side. The renderer draws the head that you ask for, here in your browser; the encoder "
        "makes a code of it, and the decoder a face of the code. If a number had found the smile, it alone would move "
        "with it: **drag** a feature, and see which of the lines below are flat.",
    )
    if shown not in here(shown.dataset, shown.d):
        not_yet(step, "A feature can be moved once the model is trained.")
        return
    with step.instrument:
        causes(
            face_payload(shown),
            numbers_of(shown, may_be_told(shown)),
            head_payload(),
            key=f"faces-causes-{mark(shown)}",
        )


@st.fragment
@errors_said()
def step_of_the_matrix(shown: Shown) -> None:
    """Which number found which feature."""
    step = chapter.step(
        "matrix",
        "Which number found which feature?",
        "Each cell compares one number with one feature, over all held-out images. A code in which every feature has a "
        "number of its own has one large value in each row and in each column: it is [[disentangled]].",
        words_first=True,
    )
    if shown not in here(shown.dataset, shown.d):
        not_yet(step, "The table appears once the model is trained.")
        return
    found = found_by(shown)
    if found is None:
        with step.instrument:
            st.info(without_factors(shown.dataset), icon=":material/help:")
        return
    with step.words:
        answered = chapter.ask(
            chapter.Prediction(
                f"found-{mark(shown)}",
                f"how many of the {len(found.factors)} features did this {KINDS[shown.kind].title} find, each by one "
                "number?",
                tuple(how_many_options(len(found.factors))),
                lambda: how_many(shown),
            )
        )
        if answered != may_be_told(shown):
            st.session_state[f"faces-told-{mark(shown)}"] = answered
            st.rerun()  # the sliders and lines above may say it now
        if answered:
            measure = url_state.choose(
                LINK["measure"],
                "In the cells",
                list(MEASURES),
                "r2",
                key="faces-measure",
                format_func=MEASURES.__getitem__,
            )
            chapter.prose("**Click** on a cell: the row of faces shows what the decoder draws along its number.")
    with step.instrument:
        if answered:
            matrix(
                face_payload(shown), numbers_of(shown), found.factors, found.values(measure),
                found.told(measure), measure=MEASURES[measure], key=f"faces-matrix-{mark(shown)}",
            )  # fmt: skip
        else:
            chapter.covered(420)


@st.fragment
@errors_said()
def step_of_seeds(shown: Shown) -> None:
    """Method or luck."""
    known = len(datasets.info(shown.dataset).factors) or 6
    step = chapter.step(
        "seeds",
        "Was it the method, or luck?",
        "- [[MIG]]: for each feature, by how much the number that tells most of it tells more than the second one.\n"
        "- [[DCI]]: disentanglement, whether each number serves one feature; completeness, whether each feature is "
        "told by one number; informativeness, whether it can be read at all.\n"
        "- [[SAP]]: as MIG, by explained variance.\n"
        "- [[FactorVAE score]]: how often the number that varies least among images that share a feature tells which "
        "feature it is.\n\n"
        f"All go from 0 to 1; the last is at least 1/{known} by chance. "
        "Every dot is a model that was trained from another random start; nothing else differs within a row. No "
        "training looks at these scores, for they need the true features.",
    )
    if told := without_factors(shown.dataset):
        with step.instrument:
            st.info(told, icon=":material/help:")
        return
    if not groups("mig", shown.dataset, shown.d):
        not_yet(step, "A dot for each random start appears here once models are trained.")
        return
    with step.words:
        score = url_state.choose(
            LINK["score"], "Score", list(FIGURES), "mig", key="faces-score", format_func=FIGURES.__getitem__, menu=True
        )
        chapter.prose(method_or_luck(score, shown.dataset, shown.d))
    with step.instrument:
        show(dots(score, shown.dataset, shown.d), key=f"faces-dots-{score}-{shown.dataset}-{shown.d}")


@st.fragment
@errors_said()
def step_of_a_smile(shown: Shown) -> None:
    """A feature is added to a head."""
    step = chapter.step(
        "smile",
        "Add a smile",
        "Even where no number found the smile, the code may hold it. Here the features of some training heads are "
        "known, and a direction in [[latent space]] leads from the half that smiles less to the half that smiles more: "
        "the difference of their mean codes, which is the usual [[attribute vector]], or across the plane by which a "
        "logistic regression parts them. Add α times a direction to the code of a head that the model did not learn "
        "from, or of **your own** picture.",
    )
    if shown not in here(shown.dataset, shown.d):
        not_yet(step, "A feature can be added once the model is trained.")
        return
    names = features(shown.dataset)
    if not names:
        with step.instrument:
            st.info(
                f"{without_factors(shown.dataset)} On Your own photographs you can mark those that have something, and "
                "add that.",
                icon=":material/help:",
            )
        return
    with step.words:
        place = url_state.choose(
            LINK["feature"], "What to add", range(1, len(names) + 1), 1, key=f"faces-feature-{shown.dataset}",
            format_func=lambda number: names[number - 1],
        ) - 1  # fmt: skip
        method = url_state.choose(
            LINK["by"], "Direction by", list(METHODS), "means", key="faces-by", format_func=METHODS.__getitem__
        )
        onto = url_state.choose_number(
            LINK["onto"], f"Held-out {shown.noun}", 1, heads_of(shown.dataset), 1, key=f"faces-onto-{shown.dataset}"
        )
        with st.popover("Send a picture of a face", icon=":material/add_photo_alternate:"):
            sent = st.file_uploader(
                "It is made grey and small, shown to you, and kept nowhere.",
                [suffix.removeprefix(".") for suffix in SUFFIXES],
                key="faces-sent",
                max_upload_size=MOST_BYTES // 1_000_000,
            )
    start, where = code_of_head(shown, onto), f"onto held-out {shown.noun} {onto}"
    if sent is not None:
        with step.words, errors_said(), offer_again("faces-again"):
            pixels = read(sent, shown.dataset)
            start, where = sent_code(shown, pixels), "onto your picture"
            chapter.prose(
                f"The model knows {'rendered heads' if shown.dataset in RENDERED else 'its training images'} alone and "
                "can say nothing else: your picture comes out as what it finds nearest. It works best with one that "
                "is framed as those are."
            )
    with step.instrument:
        along(
            face_payload(shown),
            Line.of_codes(start, direction(shown, place, method), (-FARTHEST, FARTHEST), 1.0, "α"),
            title=f"{names[place].capitalize()}, {where}",
            subtitle=f"By {METHODS[method]}, from {len(labelled(shown.dataset)):,} training {shown.noun}s whose "
            "features are known.",
            group="faces-alpha", link="alpha", key=f"faces-along-{mark(shown)}",
        )  # fmt: skip
    with step.words:  # what is measured comes last: it takes longest
        chapter.prose(told(shown, place, method))
    with step.instrument:
        st.html(table(shown, place, method))


def read(sent: Any, dataset: str) -> np.ndarray:
    """The pixels of what was sent."""
    return read_once(
        "faces-read", (sent.file_id, dataset),
        lambda on_wait: read_picture(
            sent.name, sent.getvalue(), datasets.info(dataset).image_shape, visitor=visitor(), address=address(),
            on_wait=on_wait,
        ),
        "Reading your picture …",
    )  # fmt: skip


@st.fragment
@errors_said()
def step_of_a_walk(shown: Shown) -> None:
    """From one head to another."""
    step = chapter.step(
        "walk",
        "Walk from one head to another",
        "The straight line between two codes leads from one head to another. If a code holds features, then halfway "
        "lies a head with features halfway. **Drag** t."
        + (
            " The renderer draws that true head, beside what is decoded; a cross-fade of the two pictures, which "
            "takes no model, is what has to be beaten."
            if shown.dataset in RENDERED
            else " A cross-fade of the two pictures, which takes no model, is what has to be beaten. Nothing can draw "
            "the true image between two of these, so that no error is known."
        ),
    )
    if shown not in here(shown.dataset, shown.d):
        not_yet(step, "Codes can be walked between once the model is trained.")
        return
    with step.instrument:
        walk(heads_payload(shown), artist_of(shown), key=f"faces-walk-{mark(shown)}")
    measured(step, shown, told_of_halfway, "What is read halfway, feature by feature", table_of_halfway)


@st.fragment
@errors_said()
def step_of_analogies(shown: Shown) -> None:
    """A is to B as C is to ?"""
    step = chapter.step(
        "analogy",
        "A is to B as C is to ?",
        "What leads from the code of A to that of B is a direction from **two images alone**, without any labels. "
        "Add it to the code of C: C + B − A should be to C as B is to A."
        + (
            " A and B are one head but for one feature, so the true answer can be rendered. An answer is worth "
            "something if it is nearer to that than C itself, unchanged; how near the model could come at best, the "
            "true answer tells that was encoded and decoded."
            if shown.dataset in RENDERED
            else " Nothing can draw the true answer for these images: judge by eye."
        ),
    )
    if shown not in here(shown.dataset, shown.d):
        not_yet(step, "Analogies can be tried once the model is trained.")
        return
    with step.instrument:
        analogy(heads_payload(shown), artist_of(shown), key=f"faces-analogy-{mark(shown)}")
    measured(step, shown, told_of_analogies, "What is read of the answers, feature by feature", table_of_analogies)


def measured(
    step: Step, shown: Shown, words: Callable[[Shown], str], title: str, rows: Callable[[Shown], Html]
) -> None:
    """What many heads say, below what can be tried on one; that nothing is known, where features are not."""
    known = bool(features(shown.dataset))
    with step.words:
        chapter.prose(words(shown) if known else without_factors(shown.dataset))
    if known:
        with step.instrument:
            st.html(folded(title, rows(shown)))


def artist_of(shown: Shown) -> Payload | None:
    """What draws heads, for images that it can draw."""
    return head_payload() if shown.dataset in RENDERED else None


@st.fragment
@errors_said()
def step_of_points(shown: Shown) -> None:
    """Is a latent space a space, or a list?"""
    step = chapter.step(
        "points",
        "Six real numbers, or a list of points?",
        "An [[autoencoder]] learns from N heads, whose codes are N isolated points: nothing asks it what lies between "
        "them. An [[FSQ]] has a list from the start: so many codes, and none between. Is there a face where no head "
        "was? Take a new code, decode it, and look for the nearest of all training heads.",
        wide=True,
    )
    if not here(shown.dataset, shown.d):
        not_yet(step, "Codes can be decoded once a model is trained.")
        return
    with step.words:
        chapter.prose(words_on_points(shown.dataset, shown.d))
    with step.instrument:
        st.html(isolated_table(shown.dataset, shown.d))
        st.html(sheets(shown.dataset, shown.d))


first = chapter.opening(
    CHAPTER,
    "The rendered heads have six known features: smile, open mouth, width, age, turn and light. A model is told none "
    "of them. It sees images alone, squeezes each into a few numbers, and rebuilds it from those.\n\n"
    "**Drag a slider**: the face follows. Below each slider stands what it would make of the face, from end to end.",
)
with first.words:
    known = choices(visitor(), st.query_params.get("dataset", ""))
    dataset = url_state.choose(
        url_state.narrowed(LINK["dataset"], known), "Images", known, DATASET, key="faces-dataset", menu=True,
        format_func=lambda name: datasets.info(name).title, help=OWN_IMAGES,
    )  # fmt: skip
    if told_of_images := about(dataset):
        chapter.prose(in_a_line(told_of_images))
    d = url_state.choose(LINK["d"], "Numbers of its code, d", DIMENSIONS, DIMENSIONS[0], key="faces-d")
    kind = url_state.choose(
        LINK["model"], "Model", list(KINDS), usual(dataset, d), key="faces-model",
        format_func=lambda name: KINDS[name].title,
    )  # fmt: skip
shown = Shown(dataset, kind, d)
is_here = shown in here(dataset, d)
with first.instrument, errors_said():
    if is_here:
        face(
            face_payload(shown),
            numbers_of(shown, may_be_told(shown)),
            sorted_by=size_of(shown),
            key=f"faces-face-{mark(shown)}",
        )
    else:
        offer_training([wanted(shown)], key=f"faces-training-{mark(shown)}", name=name_in_list)
if dataset in RENDERED:
    step_of_causes(shown)
step_of_the_matrix(shown)
step_of_seeds(shown)
step_of_a_smile(shown)
step_of_a_walk(shown)
step_of_analogies(shown)
step_of_points(shown)

chapter.foot(
    CHAPTER,
    mathematics=formulas(shown) if is_here else (),
    code=(
        ("losses/total_correlation.py", "decompose"),
        ("metrics/disentanglement.py", "mutual_information_gap"),
        ("metrics/readability.py", "dci"),
        ("metrics/directions.py", "difference_of_means"),
        ("metrics/directions.py", "logistic_direction"),
        ("metrics/directions.py", "analogy"),
        ("models/levels.py", "FlatFSQ"),
    ),
    sources=(
        chapter.Source("Higgins et al. 2017, beta-VAE", "https://openreview.net/forum?id=Sy2fzU9gl"),
        chapter.Source(
            "Chen et al. 2018, Isolating sources of disentanglement (β-TCVAE, MIG)", "https://arxiv.org/abs/1802.04942"
        ),
        chapter.Source("Kim and Mnih 2018, Disentangling by factorising", "https://arxiv.org/abs/1802.05983"),
        chapter.Source(
            "Locatello et al. 2019, Challenging common assumptions in unsupervised learning of disentangled "
            "representations",
            "https://arxiv.org/abs/1811.12359",
        ),
        chapter.Source(
            "Eastwood and Williams 2018, A framework for the quantitative evaluation of disentangled representations",
            "https://openreview.net/forum?id=By-7dz-AZ",
        ),
        chapter.Source(
            "Radford, Metz and Chintala 2016, Unsupervised representation learning with deep convolutional generative "
            "adversarial networks (arithmetic on codes)",
            "https://arxiv.org/abs/1511.06434",
        ),
        chapter.Source(
            "Reed et al. 2015, Deep visual analogy-making",
            "https://papers.nips.cc/paper/5845-deep-visual-analogy-making",
        ),
        chapter.Source("White 2016, Sampling generative networks", "https://arxiv.org/abs/1609.04468"),
        chapter.Source("Mentzer et al. 2023, Finite scalar quantization", "https://arxiv.org/abs/2309.15505"),
    ),
)
