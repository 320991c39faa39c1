"""Dimensionality reduction: what a code is, from chosen pixels over PCA to deep networks, and what it is not."""

from __future__ import annotations

import streamlit as st

from ui.chapters import links
from ui.chapters.reduction import CHAPTER
from ui.chapters.reduction.comparison import (
    DATASET,
    DIMENSIONS,
    MODELS,
    PIXELS,
    SHOWN,
    best_of_three,
    error_figure,
    error_of,
    gains,
    images_of,
    measured_points,
    original_row,
    rebuilt_row,
    run_of,
    seeds_differ,
)
from ui.chapters.reduction.equal_epochs import after_fewer_epochs, convolutions_text, epochs_table
from ui.chapters.reduction.linear import (
    TILES,
    TURNS,
    formulas,
    kept_share,
    largest_angle,
    least_error,
    rotated_picture,
    spectrum_figure,
    transpose_gap,
)
from ui.chapters.reduction.memoriser import MEMORISED, between_numbers, capacity_of, memorised_line
from ui.chapters.reduction.noise import noise_figure, noise_table, noise_text, noisy_digits
from ui.chapters.reduction.selection import kept_picture
from ui.chapters.reduction.sheet import sheets
from ui.components.line import latent_line
from ui.figures.markup import folded
from ui.figures.messages import errors_said
from ui.figures.pictures import Picture, labelled_rows
from ui.figures.plots import show
from ui.links import url_state
from ui.runs.resources import classes_in_words, held_out, load_run
from ui.stage import chapter
from vae_core.datasets import info
from vae_core.models import model_kind
from vae_core.storage.manifest import shipped_run

LINK = links.properties(CHAPTER.url)
LARGE = 3  # digits of the first picture
SQUARE = 0.005  # a cosine that is shown as 0.00


def selection(dimensions: int) -> None:
    """The simplest pair: digits, the pixels kept, and what is predicted from them."""
    run = run_of("pixels", dimensions)
    rebuilt, error = rebuilt_row(run.key, 0, LARGE)
    digits = f"the digits {classes_in_words(DATASET, 0, LARGE)}"
    rows = [
        Picture("x", f"held-out digits, {PIXELS} pixels each", original_row(0, LARGE), digits),
        Picture(
            "z = E(x)",
            f"the {dimensions} pixels kept, in blue: dark is 0, bright is 1",
            kept_picture(run.key, 0, LARGE),
            f"{digits}, dimmed, with {dimensions} blue pixels on each",
        ),
        Picture(
            "D(z)",
            f"the other {PIXELS - dimensions} predicted from them; error {error:.4f}",
            rebuilt,
            f"what is predicted of {digits}",
        ),
    ]
    note = (
        "The pixels were chosen one after another, each the one that helps most to predict the others by least "
        "squares. Error: squared difference per pixel, where ink is 1 and paper is 0."
    )
    st.html(labelled_rows(rows, note))


@st.fragment
@errors_said()
def contest(dimensions: int) -> None:
    """The same ten digits through every bottleneck, and the errors against d, once the question was answered."""
    two = chapter.step(
        "contest",
        "Which pair loses least?",
        "Selection keeps some numbers and drops the rest. [[feature extraction|Extraction]] computes **new** numbers "
        "from all pixels. [[PCA]] does it by a [[linear map]]: every number is a weighted sum of the pixels. An "
        "[[autoencoder]] does it by two deep networks, which are non-linear, trained together to rebuild their input.",
        words_first=True,
    )
    with two.words:
        seen = chapter.ask(
            chapter.Prediction(
                "best",
                "which keeps most of a digit in d numbers?",
                ("Well-chosen pixels", "The best linear map (PCA)", "A deep autoencoder"),
                lambda: best_of_three(dimensions),
                setting=str(dimensions),
            )
        )
        if seen:
            start = _start()
    with two.instrument:
        if seen:
            _comparison(dimensions, start)
        else:
            chapter.covered(460)

    three = chapter.step(
        "errors",
        "The more numbers, the smaller the error",
        f"Every point is a kind of trained model, measured on {images_of(*MODELS)}. The dotted line marks your d.",
        words_first=True,
    )
    with three.words:
        if seen:
            chapter.prose(
                "Extraction beats selection. The linear autoencoder, a network without non-linear layers, matches PCA: "
                "no linear pair can do better. The two non-linear autoencoders go below it, at every d.\n\n"
                f"{gains()} {seeds_differ()}\n\n{convolutions_text()}"
            )
            st.html(folded("Convolutions and epochs in numbers", epochs_table()))
    with three.instrument:
        if seen:
            show(
                error_figure(measured_points(), dimensions, images_of(*MODELS), *after_fewer_epochs()),
                key="reduction-errors",
            )
        else:
            chapter.covered(460)


def _start() -> int:
    """The first of the digits shown, and the button that moves on."""
    place = "reduction-start"
    url_state.begin(LINK["first"], 0, key=place)
    if st.button("Other digits", icon=":material/refresh:", key="reduction-other"):
        st.session_state[place] = (st.session_state[place] + SHOWN) % (len(held_out(DATASET)) - SHOWN)
    url_state.keep(LINK["first"], st.session_state[place], 0)
    return st.session_state[place]


def _comparison(dimensions: int, start: int) -> None:
    digits = f"the digits {classes_in_words(DATASET, start, SHOWN)}"
    rows = [Picture("Held-out digits", "", original_row(start), digits)]
    for model in MODELS:
        with errors_said():
            picture, error = rebuilt_row(run_of(model, dimensions).key, start)
            told = f"error {error:.4f} here, {error_of(model, dimensions):.4f} on {images_of(model)}"
            rows.append(Picture(model_kind(model).title, told, picture, f"{digits}, rebuilt"))
    note = (
        "The autoencoder has layers of 784, 128, 64 and d units; the convolutional one has about as many weights "
        "(channels 16 and 32, then 64). Both are small, so that all runs fit into a download."
    )
    st.html(labelled_rows(rows, note))


def components(dimensions: int) -> None:
    """PCA: the eigenproblem, its spectrum, and what is left out."""
    four = chapter.step(
        "pca",
        "PCA: the best linear pair",
        "PCA asks along which directions the digits differ most. They are the [[eigenvector|eigenvectors]] $w_i$ of "
        "the [[covariance matrix]] $C$ of the pixels. The eigenvalue $\\lambda_i$ is the variance along $w_i$:\n\n"
        "$$C \\, w_i = \\lambda_i \\, w_i, \\qquad \\lambda_1 \\ge \\lambda_2 \\ge \\dots$$\n\n"
        "The $d$ directions with the largest eigenvalues become the columns of $W$. The encoder measures the image "
        "along them, and the decoder is its **transpose**:\n\n"
        "$$z = W^\\top (x - \\bar{x}), \\qquad \\hat{x} = \\bar{x} + W z$$",
    )
    with four.instrument, errors_said():
        show(spectrum_figure(dimensions), key="reduction-spectrum")
    with four.words, errors_said():
        measured = run_of("pca", dimensions).metrics["validation"]
        chapter.prose(
            f"The first {dimensions} of {PIXELS} eigenvalues hold **{kept_share(dimensions):.0%}** of the variance. "
            f"The rest is lost: its sum, divided by {PIXELS} pixels, is **{least_error(dimensions):.4f}**. No linear "
            f"pair has a smaller error on these {measured['n']:,} digits. PCA, computed from "
            f"{info(DATASET).training_images:,} other digits, comes to **{measured['mse']:.4f}**."
        )


@st.fragment
@errors_said()
def directions(dimensions: int) -> None:
    """Components of PCA beside directions of the linear autoencoder, and a dial that turns the code."""
    five = chapter.step(
        "directions",
        "What the numbers stand for",
        "A linear decoder adds up d fixed images, each weighed by one number of the code: blue where it adds ink, "
        "orange where it takes ink away. PCA's images are at right angles and sorted by how much they explain. A "
        "linear autoencoder, trained step by step, finds other images.",
    )
    runs = {model: run_of(model, dimensions) for model in ("pca", "linear_ae")}
    with five.words:
        url_state.begin(LINK["turn"], 0, key="reduction-turn")
        degrees = st.slider(
            "Turn the code's first two coordinates by", 0, max(TURNS), step=TURNS[1], format="%d°", key="reduction-turn"
        )
        url_state.keep(LINK["turn"], degrees, 0)
    rows, errors = [], {}
    shown = min(dimensions, TILES)
    for model, run in runs.items():
        picture, errors[model], cosine = rotated_picture(run.key, degrees, shown)
        told = (
            f"error {errors[model]:.5f}; {'all' if cosine < SQUARE else 'not all'} at right angles, largest cosine "
            f"{cosine:.2f}; decoder and transposed encoder differ by {transpose_gap(run.key):.0%}"
        )
        seen = f"{shown} images on black, blue where one adds ink and orange where it takes ink away"
        rows.append(Picture(f"{model_kind(model).title}, turned by {degrees}°", told, picture, seen))
    with five.instrument:
        part = f"The first {shown} of {dimensions} images. " if dimensions > shown else ""
        note = (
            f"{part}Each image has its own scale. Error on {len(held_out(DATASET)):,} held-out digits. Largest cosine "
            "between any two images: 0 where all are at right angles."
        )
        st.html(labelled_rows(rows, note))
    with five.words:
        angle = largest_angle(runs["pca"].key, runs["linear_ae"].key)
        rest = "Both images change" if dimensions == 2 else "The first two images of each row change, the others stay"
        chapter.prose(
            "Yet added up with all possible weights, both sets of images give nearly the same pictures, their "
            f"**subspace**: the largest angle between the two is **{angle:.2f}°**, and the errors differ by "
            f"**{abs(errors['linear_ae'] / errors['pca'] - 1):.2%}**.\n\n"
            f"Turn the code: that mixes its first two numbers. {rest}, and the error remains as it was. It depends on "
            "the subspace, not on the axes within."
        )


def sheet_in_space() -> None:
    """A curved sheet in space through a linear and a non-linear code."""
    six = chapter.step(
        "sheet",
        "Where a linear map fails",
        "The grey points lie on a curved sheet in space. Two numbers would be enough to say where on the sheet a point "
        "is: how far along the S, and how far across it. The coloured points are what comes out after a code of two "
        "numbers, and each grey line is what was lost.\n\n"
        "PCA can only put a flat plane through the sheet. The best plane keeps the S and loses the width: all points "
        "across the sheet come out at one place. The autoencoder bends its surface along the sheet.",
    )
    with six.instrument, errors_said():
        figure, errors = sheets()
        show(figure, key="reduction-sheet")
        with six.words:
            chapter.prose(
                f"With the same two numbers its squared error per coordinate is **{errors['ae']:.6f}** instead of "
                f"**{errors['pca']:.6f}**, **{errors['pca'] / errors['ae']:.0f} times** less. Drag the picture to turn "
                "both sheets."
            )


def noise() -> None:
    """Classifiers on codes and on pixels, against noise."""
    one = chapter.step(
        "noise",
        "Is a code more robust to noise?",
        "It is often said that a few numbers keep what matters and drop the noise. Then a classifier that is given "
        "codes should stand noise better than one that is given pixels. Both learn from clean digits; then noise of "
        "standard deviation σ is added to every pixel of new ones. Codes have 16 numbers here, whatever you chose; "
        "the [[VAE]] is the model of the next chapters.",
    )
    with one.words:
        chapter.prose(noise_text())
        st.html(folded("All numbers", noise_table()))
    with one.instrument:
        st.html(noisy_digits())
        show(noise_figure(), key="reduction-noise")


@st.fragment
@errors_said()
def memoriser() -> None:
    """One number per image."""
    seven = chapter.step(
        "memoriser",
        "One number for each image",
        "A large enough network needs only **one** number for every image of a small set: the first image gets the "
        "code 0, the next one 1, and so on.",
        words_first=True,
    )
    with seven.words:
        count = url_state.choose(LINK["n"], "Images to memorise", MEMORISED, 50, key="reduction-n")
        run = load_run(shipped_run(model="memoriser", images=count).key)
        errors = {split: run.metrics[split]["mse"] for split in ("train", "validation")}
        capacity = capacity_of(run.key)
        chapter.prose(
            f"Squared error per pixel: **{_small(errors['train'])}** on the {count} memorised digits, "
            f"**{errors['validation']:.4f}** on {run.metrics['validation']['n']} new ones. To answer every new digit "
            f"with the average of the {count} would give {capacity.average_error:.4f}."
        )
        seen = chapter.ask(
            chapter.Prediction(
                "line",
                "The digits have the codes 0, 1, 2 and so on. What lies halfway between two codes?",
                (
                    "Digits about as good as those at the whole numbers",
                    "At least twice as often something unlike any training digit",
                ),
                lambda: between_numbers(run.key),
                setting=str(count),
            )
        )
        if seen:
            chapter.prose(
                "Walk along the line. **A small training error does not mean that the code has a meaning.** This is "
                f"[[overfitting]]: with {capacity.weights:,} weights for {capacity.pixels:,} pixels, the network can "
                "store its images and need not learn what digits have in common. More images, fewer weights or "
                "[[regularisation]] work against it."
            )
    with seven.instrument:
        if seen:
            latent_line(memorised_line(run.key), key=f"reduction-line-{count}")
        else:
            chapter.covered(330)


def _small(error: float) -> str:
    return f"{error:.4f}" if error >= 5e-5 else "under 0.0001"


first = chapter.opening(
    CHAPTER,
    f"A 28 × 28 image is a list of {PIXELS} numbers. An [[encoder]] E turns it into a [[code]] of d numbers, far "
    "fewer, and a [[decoder]] D turns the code back into an image. Some loss cannot be avoided. We look for the pair "
    "whose images differ least from the originals, on average.\n\n"
    "The simplest pair is [[feature selection]]: E keeps d of the pixels, and D predicts the others from them. All "
    "digits on this page are [[held-out image|held out]].",
)
with first.words:
    d = url_state.choose(LINK["d"], "Numbers in the code, d", DIMENSIONS, 8, key="reduction-d")
with first.instrument, errors_said():
    selection(d)

contest(d)
components(d)
directions(d)
sheet_in_space()
noise()
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
        chapter.Source(
            "Eckart and Young 1936, The approximation of one matrix by another of lower rank",
            "https://doi.org/10.1007/BF02288367",
        ),
        chapter.Source(
            "Baldi and Hornik 1989, Neural networks and principal component analysis",
            "https://doi.org/10.1016/0893-6080(89)90014-2",
        ),
        chapter.Source(
            "Hinton and Salakhutdinov 2006, Reducing the dimensionality of data with neural networks",
            "https://doi.org/10.1126/science.1127647",
        ),
        chapter.Source(
            "Rocca 2019, Understanding variational autoencoders",
            "https://towardsdatascience.com/understanding-variational-autoencoders-vaes-f70510919f73",
        ),
    ),
)
