"""Your own photographs: the chapters' experiments on a visitor's own images, with models trained on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import streamlit as st

from ui.chapters import links
from ui.chapters.beta.sweep import dial_along
from ui.chapters.photographs import CHAPTER
from ui.chapters.photographs.album import (
    FARTHEST,
    TILES,
    Groups,
    Stretch,
    added,
    compared,
    counted,
    first_outside,
    first_photograph,
    of_class,
    pool,
    sheet,
    usual_pair,
    walk,
)
from ui.chapters.photographs.rebuilt import pictures, table, verdict
from ui.chapters.photographs.runs import (
    DIMENSIONS,
    READY,
    USUAL_BETA,
    USUAL_DIMENSIONS,
    Wanted,
    choices,
    name_in_list,
    title_of_set,
    wanted,
)
from ui.chapters.regularity.comparison import subtitle
from ui.chapters.regularity.over_seeds import title_of
from ui.chapters.thumbnails import thumbnails_of
from ui.chapters.train import CHAPTER as TRAIN
from ui.components.album import Purpose, album
from ui.components.along import Line, along
from ui.components.canvas import latent_canvas
from ui.components.dial import beta_dial
from ui.figures.messages import errors_said
from ui.links import url_state
from ui.runs.resources import image_set, load_run, plane
from ui.stage import chapter
from ui.stage.steps import Step
from ui.training.app_queue import expect_training, not_kept, offer_training
from ui.training.own_images import read_picture
from ui.training.quota import note_shown
from ui.training.read_once import offer_again, read_once
from ui.training.visitor import address, visitor
from vae_core import datasets
from vae_core.datasets.limits import MOST_BYTES
from vae_core.datasets.pictures import SUFFIXES
from vae_core.models import model_kind
from vae_core.spec import RunSpec

LINK = links.properties(CHAPTER.url)
OF_A_SET = ("between", "class", "with", "without", "onto")  # what links say of one set's photographs
BETWEEN = (Purpose("between", "one of the two", "", 2),)
ATTRIBUTE = (
    Purpose("with", "has it", "+", TILES),
    Purpose("without", "does not have it", "−", TILES),
    Purpose("onto", "add it to this one", "?", 1),
)
MARKED = -1  # in the place of a class
SHOWN = "photographs-shown"  # in the session's state: the set that is on the page


def choose_set() -> str:
    """The menu of sets; those of others are not in it, unless the link names one."""
    known = choices(visitor(), st.query_params.get("dataset", ""))
    if st.session_state.get("photographs-dataset", READY) not in known:
        del st.session_state["photographs-dataset"]  # removed meanwhile, to make room for others
    chosen = url_state.choose(
        url_state.narrowed(LINK["dataset"], known), "Photographs", known, known[0], key="photographs-dataset",
        menu=True, format_func=title_of_set,
    )  # fmt: skip
    url_state.write(LINK["dataset"], None if known == (READY,) else chosen)  # the first in the menu changes with time
    if st.session_state.get(SHOWN) not in (None, chosen):  # numbers of photographs belong to a set
        for name in OF_A_SET:
            url_state.write(LINK[name], None)
    st.session_state[SHOWN] = chosen
    if known == (READY,):
        with st.container(border=True):
            st.markdown(
                "**You have no photographs here yet.** Send some on Train your own: 20 are enough to begin, a few "
                "hundred are better. Until then, try it with handwritten digits, and models that came with the app."
            )
            st.page_link(TRAIN.file, label="Send your photographs", icon=TRAIN.icon)
    return str(chosen)


def planes(models: list[RunSpec], runs: Wanted) -> None:
    """The planes of those that are trained, linked."""
    sheet = thumbnails_of(runs.pair[0].dataset)
    for column, spec in zip(st.columns(2, gap="medium"), runs.pair, strict=True):
        with column, errors_said():
            if spec not in models:
                st.info(f"The {model_kind(spec.model).title.lower()}'s plane appears here once it is trained.")
                continue
            options = {
                "group": CHAPTER.slug, "compact": True, "images": image_set(load_run(spec.key)),
                "link": f"{spec.model}-", "pictures": True,
            }  # fmt: skip
            shown = plane(spec.key).with_header(
                title=model_kind(spec.model).title, subtitle=subtitle(spec.key, None, 0), options=options
            )
            latent_canvas(shown, sheet, key=f"photographs-{spec.key}")


def lines(models: list[RunSpec], stretch: Callable[[str], Stretch], told: Callable[[str], str], line: str) -> None:
    """A line through each model's latent space.

    Args:
        models: of the runs.
        stretch: key of a run -> where it starts, and its direction.
        told: key of a run -> what is told of it.
        line: ``t``, from 0 to 1, or ``alpha``, to both sides.
    """
    ends, value, name = ((0.0, 1.0), 0.5, "t") if line == "t" else ((-FARTHEST, FARTHEST), 1.0, "α")
    for column, spec in zip(st.columns(2, gap="medium"), models, strict=False):
        with column:
            along(
                plane(spec.key), Line.of_codes(*stretch(spec.key), ends, value, name), title=title_of(spec.model),
                subtitle=told(spec.key), group=f"photographs-{line}", link=line, key=f"photographs-{line}-{spec.key}",
            )  # fmt: skip


def not_yet(step: Step, what: str) -> None:
    """Stands where an experiment will be."""
    with step.instrument:
        st.info(f"{what} See the top of this page.", icon=":material/hourglass_empty:")


def begun(name: str, usual: Sequence[int], count: int) -> list[int]:
    """The photographs that a link marks for a purpose, once for each set: the album must begin with the same.

    Links number them from 1, as the screen does.
    """
    place = f"photographs-{name}-{st.session_state[SHOWN]}"
    if place not in st.session_state:
        linked = url_state.read(LINK[name])
        numbers = [linked] if isinstance(linked, int) else linked
        if numbers and max(numbers) > count:
            st.warning(url_state.left_out([LINK[name]]))
            numbers = None
        st.session_state[place] = usual if numbers is None else [number - 1 for number in numbers]
    return list(st.session_state[place])


def keep_marks(name: str, marks: Sequence[int], usual: Sequence[int] = ()) -> None:
    """Put the photographs marked for a purpose into the link, numbered from 1."""
    numbers = [number + 1 for number in marks]
    single = name == "onto"
    url_state.write(LINK[name], None if list(marks) in ([], list(usual)) else numbers[0] if single else numbers)


@st.fragment
@errors_said()
def between(dataset: str, models: list[RunSpec]) -> None:
    """Two photographs, and what lies between their codes."""
    step = chapter.step(
        "between",
        "Between two of them",
        "Take the [[code|codes]] of two photographs, z and z′, and go from one to the other in a straight line: "
        "z·(1 − t) + z′·t. Each step is decoded. Neither model was ever asked to put anything there.",
    )
    if not models:
        not_yet(step, "The walk begins once a model is trained.")
        return
    count = sheet(dataset).header["count"]
    usual = usual_pair(dataset)
    with step.words:
        marks = album(
            sheet(dataset), BETWEEN, {"between": begun("between", usual, count)}, key=f"photographs-pair-{dataset}"
        )["between"]
        keep_marks("between", marks, usual)
        chapter.prose("**Click** on two photographs, and **drag** t or press a step.")
    with step.instrument:
        if len(marks) < 2:
            st.info("Choose two photographs.", icon=":material/touch_app:")
            return
        first, second = marks[:2]
        where = f"from photograph {first + 1} to photograph {second + 1}"
        lines(models, lambda key: walk(key, dataset, first, second), lambda _: where, "t")


@st.fragment
@errors_said()
def attribute(dataset: str, models: list[RunSpec]) -> None:
    """Photographs with something and without it; their difference, added to another one."""
    step = chapter.step(
        "attribute",
        "Add what some of them have",
        "A smile, a hat, snow: take the mean code of photographs that have it, less the mean code of others that do "
        "not. That is a direction in [[latent space]], an [[attribute vector]]. Add α times that direction to the code "
        "of another photograph.",
    )
    if not models:
        not_yet(step, "The direction is computed once a model is trained.")
        return
    some = pool(dataset)
    count = sheet(dataset).header["count"]
    with step.words:
        label = choose_class(some.label_names) if len(some.label_names) > 1 else None
        purposes = ATTRIBUTE if label is None else ATTRIBUTE[2:]
        start = {one.name: begun(one.name, (), count) for one in purposes}
        marks = album(sheet(dataset), purposes, start, key=f"photographs-marks-{dataset}-{label is None}")
        for one in purposes:
            keep_marks(one.name, marks[one.name])
        if label is None:
            groups = Groups(tuple(marks["with"]), tuple(marks["without"]))
        else:
            groups = of_class(dataset, label)
            for name in ("with", "without"):
                url_state.write(LINK[name], None)
        onto = next(iter(marks["onto"]), first_outside(groups.having, count))
        if label is not None:
            chapter.prose("**Click** on the photograph that it is added to, and **drag** α.")
        if groups.told:
            chapter.prose(counted(groups))
    with step.instrument:
        if not groups.told:
            st.info(
                "Mark a few photographs that have the attribute (**+**) and a few that do not (**−**).",
                icon=":material/touch_app:",
            )
            return
        lines(
            models, lambda key: added(key, dataset, groups, onto),
            lambda key: f"photograph {onto + 1}; the groups lie {compared(key, dataset, groups)}",
            "alpha",
        )  # fmt: skip


def choose_class(names: tuple[str, ...]) -> int | None:
    """The class that is the attribute; None for what the visitor marks."""
    link = url_state.narrowed(LINK["class"], range(len(names)))
    place = f"photographs-class-{st.session_state[SHOWN]}"
    if place not in st.session_state:
        linked = url_state.read(link)
        asked = st.query_params.get("with") or st.query_params.get("without")
        st.session_state[place] = linked if linked is not None else MARKED if asked else 0
    chosen = st.selectbox(
        "The attribute", [*range(len(names)), MARKED], key=place, width=url_state.MENU_WIDTH,
        format_func=lambda one: "What you mark" if one == MARKED else f"Class “{names[one]}”",
    )  # fmt: skip
    url_state.write(link, None if chosen in (0, MARKED) else chosen)
    return None if chosen == MARKED else int(chosen)


@st.fragment
@errors_said()
def a_new_one(dataset: str, models: list[RunSpec]) -> None:
    """A photograph that no model has seen, rebuilt."""
    step = chapter.step(
        "new",
        "A new photograph",
        "Send one that was not among them. Both models squeeze it into their code and rebuild it. They can only say "
        "what they have learned to say: something unlike their training images comes out as something like them.",
    )
    if not models:
        not_yet(step, "A photograph can be rebuilt once a model is trained.")
        return
    title, pixels = "Held-out photograph 1", first_photograph(dataset)
    with step.words:
        with st.popover("Send a photograph", icon=":material/add_photo_alternate:"):
            sent = st.file_uploader(
                "It is read, shown to you, and kept nowhere.", [suffix.removeprefix(".") for suffix in SUFFIXES],
                key=f"photographs-new-{dataset}", max_upload_size=MOST_BYTES // 1_000_000,
            )  # fmt: skip
        if sent is None:
            st.caption("Until you send one, the first held-out photograph stands in its place.")
        else:
            with errors_said(), offer_again("photographs-again"):
                title, pixels = "Your photograph", read(sent, dataset)
        chapter.prose(verdict(models, dataset, pixels))
    with step.instrument:
        st.html(pictures(models, title, pixels))
        st.html(table(models, dataset, title, pixels))


def read(sent: Any, dataset: str) -> np.ndarray:
    """The pixels of what was sent."""
    shape = datasets.info(dataset).image_shape
    return read_once(
        "photographs-read", (sent.file_id, dataset),
        lambda on_wait: read_picture(
            sent.name, sent.getvalue(), shape, visitor=visitor(), address=address(), on_wait=on_wait
        ),
        "Reading your photograph …",
    )  # fmt: skip


@st.fragment
@errors_said()
def dial(dataset: str, runs: Wanted) -> None:
    """The β dial along those of the sweep that are trained."""
    step = chapter.step(
        "beta",
        "How much should the KL term count?",
        "The [[β-VAE|β dial]] on these photographs: each mark is a model of its own. A small β rebuilds sharply, and "
        "its codes are anywhere; a large one keeps its codes at the [[prior]], and blurs.",
    )
    stops = runs.stops
    if len(stops) < 2:
        not_yet(step, "The dial needs two values of β, and gets a mark for every model that is trained.")
        return
    with step.instrument:
        names = [f"{spec.kl_weight:g}" for spec in stops]
        usual = names.index(f"{USUAL_BETA:g}") if f"{USUAL_BETA:g}" in names else 0
        place = f"photographs-stop-{dataset}-{'-'.join(names)}"
        if place not in st.session_state:
            linked = url_state.read(LINK["beta"])
            st.session_state[place] = names.index(f"{linked:g}") if linked and f"{linked:g}" in names else usual
        start = st.session_state[place]
        payload, parts = dial_along(tuple(spec.key for spec in stops), start, f"{dataset}:validation")
        at = beta_dial(payload, parts, thumbnails_of(dataset), key=f"photographs-dial-{stops[0].key}-{len(stops)}")
        at = start if at is None else at
        url_state.write(LINK["beta"], stops[at].kl_weight if at != usual else None)


first = chapter.opening(
    CHAPTER,
    "All of this is computed by models that were trained on these photographs. The planes show "
    "[[held-out image|held-out images]], which the models did not learn from, at their [[code|codes]]. **Move over a "
    "plane**: it decodes the point below your pointer, and the same photograph lights up on both.",
)
with first.words:
    dataset = choose_set()
    d = url_state.choose(LINK["d"], "Latent dimensions, d", DIMENSIONS, USUAL_DIMENSIONS, key="photographs-d")
    st.caption(
        "With 2, the plane is all of latent space. With 16, the pictures are sharper, and the plane shows the two "
        "directions in which the codes vary most."
    )
runs = wanted(dataset, d)
models, missing = runs.models, runs.missing
if models:
    note_shown(dataset)
with first.words, errors_said():
    if missing:
        expect_training()
        offer_training(missing, key=f"photographs-training-{d}", name=name_in_list, in_turn=True)
        if warning := not_kept():
            st.caption(warning)
with first.instrument, errors_said():
    if models:
        planes(models, runs)
    else:
        st.info(
            "No model was trained on these photographs with this d yet. **Train what is missing** trains an "
            "autoencoder and VAEs with four values of β, one after the other. Each experiment appears here as its "
            "models finish. Training goes on when you leave this page: come back by the same link.",
            icon=":material/model_training:",
        )
between(dataset, models)
attribute(dataset, models)
a_new_one(dataset, models)
dial(dataset, runs)

chapter.foot(
    CHAPTER,
    code=(
        ("run.py", "Run"),
        ("datasets/pictures.py", "decode"),
        ("payloads/sweep.py", "aligned_planes"),
    ),
    sources=(
        chapter.Source("Kingma and Welling 2014, Auto-encoding variational Bayes", "https://arxiv.org/abs/1312.6114"),
        chapter.Source(
            "White 2016, Sampling generative networks (attribute vectors)", "https://arxiv.org/abs/1609.04468"
        ),
        chapter.Source("Larsen et al. 2016, Autoencoding beyond pixels", "https://arxiv.org/abs/1512.09300"),
        chapter.Source("Higgins et al. 2017, beta-VAE", "https://openreview.net/forum?id=Sy2fzU9gl"),
    ),
)
