"""Dimensionality reduction: what a code is, from chosen pixels over PCA to deep networks, and what it is not."""

from __future__ import annotations

import streamlit as st

from ui.chapters import links
from ui.chapters.reduction import CHAPTER
from ui.chapters.reduction.comparison import (
    DATASET,
    DIMENSIONS,
    MEMORISED,
    MODELS,
    SHOWN,
    TILES,
    TURNS,
    best_of_three,
    between_numbers,
    error_figure,
    error_of,
    formulas,
    gains,
    largest_angle,
    measured_points,
    memorised_line,
    original_row,
    rebuilt_row,
    rotated_picture,
    run_of,
    sheet_figure,
)
from ui.components.line import latent_line
from ui.figures.messages import errors_said
from ui.figures.pictures import labelled_rows
from ui.figures.plots import show
from ui.links import url_state
from ui.runs.resources import held_out, load_run
from ui.stage import chapter
from vae_core.models import model_kind
from vae_core.storage.manifest import shipped_run

LINK = links.properties(CHAPTER.url)


@st.fragment
@errors_said()
def comparison(dimensions: int) -> None:
    """The same ten digits through every bottleneck."""
    place = "reduction-start"
    beyond = len(held_out(DATASET)) - SHOWN
    url_state.begin(LINK["first"], 0, key=place)
    if st.button("Other digits", icon=":material/refresh:", key="reduction-other"):
        st.session_state[place] = (st.session_state[place] + SHOWN) % beyond
    start = st.session_state[place]
    url_state.keep(LINK["first"], start, 0)
    rows = [("Held-out digits", "", original_row(start))]
    for model in MODELS:
        with errors_said():
            picture, error = rebuilt_row(run_of(model, dimensions).key, start)
            told = f"error {error:.4f} here, {error_of(model, dimensions):.4f} on 10,000 test digits"
            rows.append((model_kind(model).title, told, picture))
    note = (
        "The autoencoder is 784-128-64-d, the convolutional one has as many weights (channels 16 and 32, then 64); "
        "both are small so that all runs fit into a download. Chosen pixels predict the others by least squares."
    )
    st.html(labelled_rows(rows, note))


@st.fragment
@errors_said()
def directions(dimensions: int) -> None:
    """Components of PCA beside directions of the linear autoencoder, and a dial that turns the code."""
    runs = {model: run_of(model, dimensions) for model in ("pca", "linear_ae")}
    url_state.begin(LINK["turn"], 0, key="reduction-turn")
    degrees = st.slider(
        "Turn the code's first two coordinates by", 0, max(TURNS), step=TURNS[1], format="%d°", key="reduction-turn"
    )
    url_state.keep(LINK["turn"], degrees, 0)
    rows, errors = [], {}
    for model, run in runs.items():
        picture, errors[model], skewed = rotated_picture(run.key, degrees, min(dimensions, TILES))
        straight = "orthonormal up to length" if skewed < 0.01 else f"up to {skewed:.2f} from orthogonal"
        told = f"error {errors[model]:.5f} on {len(held_out(DATASET)):,} held-out digits; directions {straight}"
        rows.append((f"{model_kind(model).title}, turned by {degrees}°", told, picture))
    st.html(labelled_rows(rows))
    angle = largest_angle(runs["pca"].key, runs["linear_ae"].key)
    st.markdown(
        f"The largest angle between the two subspaces is **{angle:.2f}°**, and the errors differ by "
        f"**{abs(errors['linear_ae'] / errors['pca'] - 1):.2%}**. Turning changes every image above and no error: the "
        "error knows the subspace, not its axes.",
        width=chapter.TEXT_WIDTH,
    )


def sheet_in_space() -> None:
    """A bent sheet in space through a flat code and through a curved one."""
    columns = st.columns(2, gap="large")
    errors = {}
    for column, model in zip(columns, ("pca", "ae"), strict=True):
        chart, errors[model] = sheet_figure(shipped_run(dataset="s_curve", model=model).key)
        with column:
            show(chart, key=f"reduction-sheet-{model}")
    st.markdown(
        f"The sheet has two dimensions, but not straight ones. PCA can only lay a plane through it; the autoencoder "
        f"bends along and leaves {errors['pca'] / errors['ae']:.0f} times less error with the same two numbers.",
        width=chapter.TEXT_WIDTH,
    )


def _small(error: float) -> str:
    return f"{error:.4f}" if error >= 5e-5 else "under 0.0001"


def memoriser() -> None:
    """One number per image."""
    count = url_state.choose(LINK["n"], "Images to memorise", MEMORISED, 50, key="reduction-n")
    run = load_run(shipped_run(model="memoriser", images=count).key)
    latent_line(memorised_line(run.key), key=f"reduction-line-{count}")
    errors = {split: run.metrics[split]["mse"] for split in ("train", "validation")}
    st.markdown(
        f"Squared error per pixel: **{_small(errors['train'])}** on the {count} memorised digits, "
        f"**{errors['validation']:.4f}** on {run.metrics['validation']['n']} new ones. Zero loss is no sign that a "
        "code means anything.",
        width=chapter.TEXT_WIDTH,
    )
    chapter.predict(
        chapter.Prediction(
            f"line-{count}",
            f"{count} digits lie at the whole numbers from 0 to {count - 1}. What lies halfway between two of them?",
            ("Digits that look like real ones", "Mixtures that no digit looks like"),
            lambda: between_numbers(run.key),
        )
    )


chapter.opening(
    CHAPTER,
    "An encoder turns an image of 784 pixels into a **code** of d numbers; a decoder turns the code back into an "
    "image. Whatever the pair, d numbers cannot hold every image: some loss is unavoidable. Features can be *selected* "
    "(keep d pixels) or *extracted* (compute d new numbers), by a straight map or by a curved one. All digits below "
    "are held out: no model saw them.",
)
d = url_state.choose(LINK["d"], "Numbers in the code, d", DIMENSIONS, 8, key="reduction-d")

with errors_said():
    chapter.predict(
        chapter.Prediction(
            f"best-{d}",
            f"which keeps most of a digit in {d} numbers?",
            ("The best pixels", "The best straight map (PCA)", "A deep autoencoder"),
            lambda: best_of_three(d),
        )
    )
    comparison(d)

with errors_said():
    chapter.passage(
        "Error against d",
        "Every point is a trained run, measured on 10,000 test digits. Extraction beats selection; the linear "
        "autoencoder lies on PCA, which no straight map can beat on the images it was computed from; curved maps get "
        "below it. "
        f"{gains()}",
    )
    show(error_figure(measured_points(), d), key="reduction-errors")

with errors_said():
    chapter.passage(
        "What the numbers stand for",
        "A straight decoder adds up d fixed images, each weighed by one number of the code: blue where it adds ink, "
        "orange where it takes ink away. PCA's are orthonormal and sorted by how much they explain. A linear "
        "autoencoder, trained by gradient descent, finds the same subspace with other axes in it.",
    )
    directions(d)

with errors_said():
    chapter.passage("Where straight fails", "Points on a bent sheet in space, squeezed to two numbers and back.")
    sheet_in_space()

with errors_said():
    chapter.passage(
        "A code that means nothing",
        "With enough capacity, **one** number can stand for every image of a small set: give the first image code 0, "
        "the next 1, and so on. Walk along the line.",
    )
    memoriser()

mathematics: list[tuple[str, str]] = []
with errors_said():
    mathematics = formulas(d)
chapter.foot(
    CHAPTER,
    mathematics=mathematics,
    code=(
    ("training/fitted.py", "principal_components"),
    ("training/fitted.py", "best_pixels"),
    ("models/autoencoder.py", "Autoencoder"),
    ("models/memoriser.py", "Memoriser"),
    ),
    sources=(
    chapter.Source("Pearson 1901, On lines and planes of closest fit", "https://doi.org/10.1080/14786440109462720"),
    chapter.Source("Baldi and Hornik 1989, Neural networks and principal component analysis", "https://doi.org/10.1016/0893-6080(89)90014-2"),
    chapter.Source("Hinton and Salakhutdinov 2006, Reducing the dimensionality of data with neural networks", "https://doi.org/10.1126/science.1127647"),
    chapter.Source("Rocca 2019, Understanding variational autoencoders", "https://towardsdatascience.com/understanding-variational-autoencoders-vaes-f70510919f73"),
    ),
)  # fmt: skip
