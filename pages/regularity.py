"""Autoencoder or VAE: where one can draw from, what lies between the codes, and the numbers that tell."""

from __future__ import annotations

from functools import partial

import streamlit as st

from ui.chapters import links
from ui.chapters.regularity import CHAPTER
from ui.chapters.regularity.comparison import (
    DATASETS,
    DEPTHS,
    DIMENSIONS,
    SOURCE_TITLES,
    Pair,
    at_equal_weights,
    closer_to_real,
    coverage_figure,
    coverage_points,
    formulas,
    numbers,
    sample_sentence,
    subtitle,
    title_of,
    verdict,
)
from ui.chapters.regularity.samples import film, pair_of_classes, sample_sheet
from ui.components.canvas import latent_canvas, thumbnails
from ui.figures.messages import errors_said
from ui.figures.pictures import labelled_rows, side_by_side
from ui.figures.plots import show
from ui.links import url_state
from ui.runs.resources import image_set, load_run, plane, shelf, thumbnail_sheet
from ui.runs.selection import compared_spec
from ui.stage import chapter
from ui.training.app_queue import offer_training
from vae_core import datasets
from vae_core.models import model_kind
from vae_core.sampling import SOURCES

SHEET = 36
LINK = links.properties(CHAPTER.url)


def view_controls(specs: Pair) -> tuple[tuple[int, int] | None, int]:
    """For d > 2: the principal plane, or two coordinates with the others fixed at one image's code."""
    d = specs[0].latent_dim
    fields = {name: LINK[name] for name in ("across", "up", "at")}
    if d == 2:
        for field in fields.values():
            url_state.write(field, None)
        return None, 0
    left, *rest = st.columns([3, 1, 1, 2], vertical_alignment="bottom")
    principal, chosen = "The principal plane of the codes", "Two coordinates"
    if "regularity-view" not in st.session_state:
        asked = any(name in st.query_params for name in fields)
        st.session_state["regularity-view"] = chosen if asked else principal
    if left.segmented_control("View", (principal, chosen), key="regularity-view") != chosen:
        for field in fields.values():
            url_state.write(field, None)
        return None, 0
    most = len(load_run(specs[0].key).codes.labels) - 1
    known: dict[str, tuple[str, int, int, int]] = {
        "across": ("Across", 1, d, 1),
        "up": ("Up", 1, d, 2),
        "at": ("Others fixed at the code of held-out image", 0, most, 0),
    }
    numbers_asked = []
    for column, (name, (label, low, high, usual)) in zip(rest, known.items(), strict=True):
        place = f"regularity-{name}-{specs[0].dataset if name == 'at' else d}"
        url_state.begin(url_state.number(name, low, high, fields[name].meaning), usual, key=place)
        numbers_asked.append(int(column.number_input(label, low, high, key=place)))
        url_state.write(fields[name], numbers_asked[-1])
    first, second, at = numbers_asked
    if first == second:
        st.warning("Two different coordinates span a plane; showing the principal plane.")
        return None, 0
    return (int(first) - 1, int(second) - 1), int(at)


def planes(specs: Pair) -> None:
    """Both planes, linked: one image lights up on both."""
    pair, at = view_controls(specs)
    for column, spec in zip(st.columns(2, gap="large"), specs, strict=True):
        with column, errors_said():
            run = load_run(spec.key)
            options = {"group": "regularity", "compact": True, "images": image_set(run), "link": f"{spec.model}-"}
            shown = plane(spec.key, pair, at).with_header(
                title=model_kind(spec.model).title, subtitle=subtitle(spec.key, pair, at), options=options
            )
            latent_canvas(shown, key=f"regularity-{spec.key}")


@st.fragment
@errors_said()
def sampling_contest(specs: Pair) -> None:
    """A sheet of samples from each model, each judged; and what to expect of them."""
    sources_asked = (
        ("prior", "codes drawn from N(0, I): whose images are nearer to real ones?"),
        ("mixture", "fit ten Gaussians to the codes after training, draw from those: whose images are nearer now?"),
    )
    for asked, question in sources_asked:
        with errors_said():
            chapter.ask(
                chapter.Prediction(
                    f"{asked}-{specs[0].key}",
                    question,
                    ("The autoencoder's", "The VAE's", "About the same"),
                    partial(closer_to_real, specs, asked),
                )
            )
    source = url_state.choose(
        LINK["from"], "Draw z from", SOURCES, "prior", key="regularity-source", format_func=SOURCE_TITLES.__getitem__
    )
    url_state.begin(LINK["seed"], 0, key="regularity-seed")
    if st.button("Draw again", icon=":material/casino:", key="regularity-draw"):
        st.session_state["regularity-seed"] += 1
    seed = st.session_state["regularity-seed"]
    url_state.keep(LINK["seed"], seed, 0)
    cells = []
    for spec in specs:
        sheet = sample_sheet(spec.key, source, SHEET, seed)
        title = f"{title_of(spec.model)}: {sheet.holes} of {sheet.count} are holes"
        cells.append((title, sample_sentence(spec, source), sheet.picture))
    note = (
        "A framed image with a cut corner is a hole: the classifier sees it farther from every training image than "
        "95% of real held-out images are. Blurred averages are no holes, so this alone does not tell good from bad: "
        "coverage and the Fréchet distance do."
    )
    st.html(side_by_side(cells, note))


@st.fragment
@errors_said()
def path_contest(specs: Pair) -> None:
    """Two held-out images, and what each model decodes on the way from one to the other."""
    names = datasets.info(specs[0].dataset).label_names
    with st.container(horizontal=True, vertical_alignment="bottom"):
        ends = [
            url_state.choose(
                url_state.narrowed(LINK[name], range(len(names))),
                label,
                range(len(names)),
                usual,
                key=f"regularity-{label}",
                format_func=names.__getitem__,
                menu=True,
                width=220,
            )
            for name, label, usual in (("start", "From", 4), ("end", "To", 0))
        ]
        url_state.begin(LINK["pair"], 0, key="regularity-turn")
        if st.button("Another pair", icon=":material/refresh:", key="regularity-pair"):
            st.session_state["regularity-turn"] += 1
    turn = st.session_state["regularity-turn"]
    url_state.keep(LINK["pair"], turn, 0)
    first, second = pair_of_classes(specs[0].dataset, (ends[0], ends[1]), turn)
    rows = []
    for spec, way in ((spec, way) for spec in specs for way in ("straight", "great circle")):
        if way == "great circle" and not model_kind(spec.model).bottleneck.has_prior:
            continue  # the shell that a great circle stays on is the prior's: an autoencoder has none
        seen = film(spec.key, way, first, second)
        rows.append(
            (f"{title_of(spec.model)}, {way}", f"{seen.share:.0%} of the path on the data manifold", seen.picture)
        )
    note = "The share is of 39 places between the ends that are no holes; the table below has it over many pairs."
    st.html(labelled_rows(rows, note))


def instruments(pair: Pair, dataset: str) -> None:
    """All that needs both runs."""
    planes(pair)

    chapter.passage(
        "Drawing new images",
        "To draw a new image, draw a code and decode it. But from where? Choose a place to draw from; both models get "
        "the same dice.",
    )
    sampling_contest(pair)

    chapter.passage(
        "Between two images",
        "Halfway between two codes, a regular latent space decodes to something between the two images.",
    )
    path_contest(pair)

    with errors_said():
        chapter.passage("The numbers", verdict(pair))
    st.html(numbers(pair))
    points = coverage_points(pair, dataset)
    if points:
        show(coverage_figure(points), key="regularity-coverage")
    with errors_said():
        chapter.passage(
            "Convolutions",
            "Strided convolutions and transposed ones are the usual pair for images: the same comparison at equal "
            "weights.",
        )
        st.html(at_equal_weights())


chapter.opening(
    CHAPTER,
    "Both squeeze images into d numbers and rebuild them about equally well. The difference is what they do to the "
    "space between: nothing makes an autoencoder organise it, while a VAE is trained to fill one place that is known "
    "in advance, the standard normal distribution.",
)
with st.container(horizontal=True, gap="large"):
    dataset = url_state.choose(
        LINK["dataset"],
        "Images",
        DATASETS,
        "mnist",
        key="regularity-dataset",
        format_func=lambda name: datasets.info(name).title,
        menu=True,
    )
    d = url_state.choose(LINK["d"], "Latent dimensions, d", DIMENSIONS, 2, key="regularity-d")
    depth = url_state.choose(LINK["depth"], "Hidden layers", tuple(DEPTHS), "128-64", key="regularity-depth")

mathematics: list[tuple[str, str]] = []
with errors_said():
    pair = tuple(compared_spec(model, dataset, d, DEPTHS[depth]) for model in ("ae", "vae"))
    missing = [spec for spec in pair if spec not in shelf()]
    if missing:
        offer_training(missing, key="regularity-training")
    else:
        instruments(pair, dataset)
        mathematics = formulas(pair)

chapter.foot(
    CHAPTER,
    mathematics=mathematics,
    code=(
    ("sampling.py", "draw"),
    ("evaluation/generation.py", "sample_figures"),
    ("metrics/generation.py", "coverage_and_density"),
    ("metrics/smoothness.py", "path_length"),
    ),
    sources=(
    chapter.Source("Kingma and Welling 2014, Auto-Encoding Variational Bayes", "https://arxiv.org/abs/1312.6114"),
    chapter.Source("Ghosh et al. 2020, From variational to deterministic autoencoders", "https://arxiv.org/abs/1903.12436"),
    chapter.Source("Naeem et al. 2020, Reliable fidelity and diversity metrics", "https://arxiv.org/abs/2002.09797"),
    chapter.Source("Hoffman and Johnson 2016, ELBO surgery", "http://approximateinference.org/accepted/HoffmanJohnson2016.pdf"),
    chapter.Source("White 2016, Sampling generative networks", "https://arxiv.org/abs/1609.04468"),
    ),
)  # fmt: skip

with errors_said():
    thumbnails(thumbnail_sheet(dataset), key="regularity-thumbnails")
