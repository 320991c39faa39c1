"""Dimensionality reduction: what a code is, from chosen pixels over PCA to deep networks, and what it is not."""

from __future__ import annotations

import math

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from ui import chapter, url_state
from ui.line import latent_line
from ui.messages import errors_said
from ui.navigation import require_app
from ui.palette import CLASS_COLOURS, MODEL_COLOURS
from ui.pictures import signed_tiles, tiles
from ui.plots import PLAIN, TEMPLATE
from ui.resources import feature_space, held_out, load_run
from ui.runs import compared_spec, figure, seeds_of
from vae_core.browser import line_payload
from vae_core.datasets import load
from vae_core.errors import RunNotFound
from vae_core.manifest import shipped_run
from vae_core.metrics import holes, mean_squared_error, orthonormality_error, principal_angles
from vae_core.models import model_kind
from vae_core.run import Run

DATASET = "mnist"
DIMENSIONS = (2, 8, 16, 32)
MODELS = ("pixels", "pca", "linear_ae", "ae", "conv_ae")
MEMORISED = (10, 50, 200)
SHOWN = 10
CAMERA = {"x": 1.3, "y": -1.5, "z": 0.6}
D = url_state.one_of("d", DIMENSIONS, "the number of latent dimensions")
N = url_state.one_of("n", MEMORISED, "the number of memorised images")


def run_of(model: str, dimensions: int) -> Run:
    """The run this chapter compares.

    Raises:
        RunNotFound: it is not in the store.
    """
    return load_run(compared_spec(model, DATASET, dimensions).key)


def error_of(model: str, dimensions: int) -> float:
    """Squared error per pixel on the official test images, from the run's file.

    Raises:
        RunNotFound: the run is not in the store.
    """
    value = next((figure(line, "mse") for line in seeds_of(compared_spec(model, DATASET, dimensions))), None)
    if value is None:
        raise RunNotFound(f"there is no measured {model_kind(model).title}, d = {dimensions}; run "
                          "'python -m vae_core rebuild'.")  # fmt: skip
    return value


@st.cache_data(show_spinner=False, max_entries=64)
def rebuilt_row(key: str, start: int) -> tuple[np.ndarray, float]:
    """Ten held-out images after a run's bottleneck, and their squared error per pixel."""
    run, images = load_run(key), held_out(DATASET).floats()[start : start + SHOWN]
    pixels = run.decode(run.codes.mean[start : start + SHOWN])
    return tiles(pixels, run.image_shape, columns=SHOWN), mean_squared_error(images, pixels)


@st.cache_data(show_spinner=False, max_entries=16)
def original_row(start: int) -> np.ndarray:
    """Ten held-out images."""
    images = held_out(DATASET)
    return tiles(images.floats()[start : start + SHOWN], images.image_shape, columns=SHOWN)


@st.fragment
def comparison(dimensions: int) -> None:
    """The same ten digits through every bottleneck."""
    place = "reduction-start"
    if st.button("Other digits", icon=":material/refresh:", key="reduction-other"):
        st.session_state[place] = (st.session_state.get(place, 0) + SHOWN) % (len(held_out(DATASET)) - SHOWN)
    start = st.session_state.get(place, 0)
    label, picture = st.columns([3, 10], vertical_alignment="center")
    label.markdown("**Held-out digits**")
    picture.image(original_row(start), width="stretch")
    for model in MODELS:
        with errors_said():
            row, error = rebuilt_row(run_of(model, dimensions).key, start)
            label, picture = st.columns([3, 10], vertical_alignment="center")
            label.markdown(
                f"**{model_kind(model).title}**  \nerror {error:.4f} here, "
                f"{error_of(model, dimensions):.4f} on 10,000 test digits"
            )
            picture.image(row, width="stretch")


@st.cache_resource(show_spinner=False, max_entries=4)
def error_figure(points: tuple[tuple[str, tuple[tuple[int, float], ...]], ...], marked: int) -> go.Figure:
    """Error against d; every point is a run."""
    chart = go.Figure()
    for model, values in points:
        chart.add_scatter(
            x=[d for d, _ in values], y=[error for _, error in values], name=model_kind(model).title,
            mode="lines+markers", line={"color": MODEL_COLOURS[model]}, hovertemplate="%{y:.4f}",
        )  # fmt: skip
    chart.add_vline(x=marked, line={"color": "rgba(128,138,152,0.6)", "dash": "dot"})
    chart.update_layout(
        template=TEMPLATE,
        height=380,
        xaxis={"title": "d, latent dimensions", "type": "log", "tickvals": list(DIMENSIONS), "tickformat": "d"},
        yaxis={"title": "squared error per pixel", "type": "log", "tickvals": [0.005, 0.01, 0.02, 0.04]},
    )
    return chart


def measured_points() -> tuple[tuple[str, tuple[tuple[int, float], ...]], ...]:
    """(model, ((d, error), ...)) of all runs of this chapter that are in the store, and of the VAE's."""
    points = []
    for model in (*MODELS, "vae"):
        values = []
        for d in DIMENSIONS:
            for line in seeds_of(compared_spec(model, DATASET, d))[:1]:
                if (error := figure(line, "mse")) is not None:
                    values.append((d, error))
        points.append((model, tuple(values)))
    return tuple((model, values) for model, values in points if values)


def gains() -> str:
    """By how much the deep autoencoder is better than PCA, at each d of which both are in the store."""
    errors = {model: dict(values) for model, values in measured_points()}
    both = [d for d in DIMENSIONS if d in errors.get("pca", {}) and d in errors.get("ae", {})]
    told = ", ".join(f"{errors['pca'][d] / errors['ae'][d]:.1f} at d = {d}" for d in both)
    return f"PCA's error over the autoencoder's: {told}." if told else ""


def best_of_three(dimensions: int) -> tuple[int, str]:
    """Answer to the first prediction, from the runs' errors."""
    errors = {model: error_of(model, dimensions) for model in ("pixels", "pca", "ae")}
    right = min(errors, key=errors.__getitem__)
    told = ", ".join(f"{model_kind(model).title} {error:.4f}" for model, error in errors.items())
    return list(errors).index(right), f"Squared error per pixel at d = {dimensions}, 10,000 test digits: {told}."


def directions_of(run: Run) -> np.ndarray:
    """A linear run's decoder directions, (D, d): the images that the code's numbers weigh."""
    return run.weights["decoder.0.weight"].astype(np.float64)


def rotated(run: Run, degrees: float) -> tuple[np.ndarray, float]:
    """Decoder directions (D, d) after turning the first two coordinates of the code, and the error that results.

    Codes and directions are turned by the same rotation R: (W R^T)(R z) = W z.
    """
    directions, angle = directions_of(run), math.radians(degrees)
    rotation = np.eye(directions.shape[1])
    rotation[:2, :2] = [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    codes = run.codes.mean.astype(np.float64) @ rotation.T
    turned = directions @ rotation.T
    pixels = codes @ turned.T + run.weights["decoder.0.bias"].astype(np.float64)
    return turned, mean_squared_error(held_out(DATASET).floats(), pixels)


@st.cache_data(show_spinner=False, max_entries=256)
def rotated_picture(key: str, degrees: int, shown: int) -> tuple[np.ndarray, float, float]:
    """The turned directions as images, the error, and how far the directions are from orthonormal."""
    run = load_run(key)
    turned, error = rotated(run, degrees)
    picture = signed_tiles(turned.T[:shown], run.image_shape, columns=min(shown, 8))
    return picture, error, orthonormality_error(turned)


@st.fragment
def directions(dimensions: int) -> None:
    """Components of PCA beside directions of the linear autoencoder, and a dial that turns the code."""
    runs = {model: run_of(model, dimensions) for model in ("pca", "linear_ae")}
    degrees = st.slider("Turn the code's first two coordinates by", 0, 180, 0, 15, format="%d°", key="reduction-turn")
    columns = st.columns(2, gap="large")
    errors = {}
    for column, (model, run) in zip(columns, runs.items(), strict=True):
        picture, errors[model], skewed = rotated_picture(run.key, degrees, min(dimensions, 8))
        column.markdown(f"**{model_kind(model).title}**")
        column.image(picture, width="stretch" if dimensions > 2 else 240)
        straight = "orthonormal up to length" if skewed < 0.01 else f"up to {skewed:.2f} from orthogonal"
        column.caption(
            f"Error {errors[model]:.5f} on {len(held_out(DATASET)):,} held-out digits, turned by {degrees}°. "
            f"Directions {straight}."
        )
    angles = principal_angles(directions_of(runs["pca"]), directions_of(runs["linear_ae"]))
    st.markdown(
        f"The largest angle between the two subspaces is **{angles.max():.2f}°**, and the errors differ by "
        f"**{abs(errors['linear_ae'] / errors['pca'] - 1):.2%}**. Turning changes every image above and no error: the "
        "error knows the subspace, not its axes.",
        width=chapter.TEXT_WIDTH,
    )


@st.cache_resource(show_spinner=False)
def sheet_figure(key: str) -> tuple[go.Figure, float]:
    """Held-out points of the S-curve and what a run makes of them, in space; and the error."""
    run, points = load_run(key), held_out("s_curve")
    original, made = points.floats(), run.decode(run.codes.mean)
    chart = go.Figure()
    chart.add_scatter3d(
        x=original[:, 0], y=original[:, 1], z=original[:, 2], mode="markers", name="points", hoverinfo="skip",
        marker={"size": 2.4, "color": "#8A94A3", "opacity": 0.5},
    )  # fmt: skip
    colours = [CLASS_COLOURS[label] for label in points.labels]
    chart.add_scatter3d(
        x=made[:, 0], y=made[:, 1], z=made[:, 2], mode="markers", name="after the code", hoverinfo="skip",
        marker={"size": 2.6, "color": colours},
    )  # fmt: skip
    axis = {"showticklabels": False, "title": "", "showbackground": False, "gridcolor": "rgba(128,138,152,0.25)"}
    scene = {f"{name}axis": axis for name in "xyz"} | {"aspectmode": "data", "camera": {"eye": CAMERA}}
    margin = {"l": 0, "r": 0, "t": 0, "b": 0}
    chart.update_layout(template=TEMPLATE, height=360, margin=margin, showlegend=False, scene=scene)
    return chart, mean_squared_error(original, made)


def sheet_in_space() -> None:
    """A bent sheet in space through a flat code and through a curved one."""
    columns = st.columns(2, gap="large")
    errors = {}
    for column, model in zip(columns, ("pca", "ae"), strict=True):
        chart, errors[model] = sheet_figure(shipped_run(dataset="s_curve", model=model).key)
        column.markdown(f"**{model_kind(model).title}, d = 2**")
        column.plotly_chart(chart, width="stretch", config=PLAIN, key=f"reduction-sheet-{model}")
        column.caption(f"Squared error per coordinate {errors[model]:.5f}, 1,000 held-out points.")
    st.markdown(
        f"The sheet has two dimensions, but not straight ones. PCA can only lay a plane through it; the autoencoder "
        f"bends along and leaves {errors['pca'] / errors['ae']:.0f} times less error with the same two numbers.",
        width=chapter.TEXT_WIDTH,
    )


@st.cache_resource(show_spinner=False)
def line_bytes(key: str) -> bytes:
    """A memoriser's line with the images that it memorised."""
    run = load_run(key)
    images = load(run.spec.dataset, "train", download=False).first(run.spec.images)
    labels = [run.label_names[label] for label in images.labels]
    return line_payload(run, images.images, labels, options={"z": 3.4}).to_bytes()


@st.cache_data(show_spinner=False)
def holes_on_line(key: str) -> tuple[float, float]:
    """Share of holes among a memoriser's images at the whole numbers, and halfway between."""
    run, space = load_run(key), feature_space("mnist_sample")
    whole = np.arange(float(run.spec.images or 0))[:, None]
    shares = [
        float(holes(space.features(run.decode(z)), space.reference, space.threshold).mean())
        for z in (whole, whole[:-1] + 0.5)
    ]
    return shares[0], shares[1]


def between_numbers(key: str) -> tuple[int, str]:
    """Answer to the memoriser's prediction."""
    at, between = holes_on_line(key)
    return (
        0 if between < 2 * max(at, 0.05) else 1,
        f"Measured with the classifier's features, {between:.0%} of the images halfway between two numbers are holes, "
        f"like no training digit; at the numbers themselves {at:.0%} are (real digits: 5%).",
    )


def _small(error: float) -> str:
    return f"{error:.4f}" if error >= 5e-5 else "under 0.0001"


def memoriser() -> None:
    """One number per image."""
    count = url_state.choose(N, "Images to memorise", MEMORISED, 50, key="reduction-n")
    run = load_run(shipped_run(model="memoriser", images=count).key)
    latent_line(line_bytes(run.key), key=f"reduction-line-{count}")
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


require_app()

chapter.opening(
    "Dimensionality reduction",
    "How few numbers can stand for an image, and what is lost on the way?",
    "An encoder turns an image of 784 pixels into a **code** of d numbers; a decoder turns the code back into an "
    "image. Whatever the pair, d numbers cannot hold every image: some loss is unavoidable. Features can be *selected* "
    "(keep d pixels) or *extracted* (compute d new numbers), by a straight map or by a curved one. All digits below "
    "are held out: no model saw them.",
)
d = url_state.choose(D, "Numbers in the code, d", DIMENSIONS, 8, key="reduction-d")

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
    st.caption(
        "The autoencoder is 784-128-64-d, the convolutional one has as many weights (channels 16 and 32, then 64); "
        "both are small so that all runs fit into a download. Chosen pixels predict the others by least squares."
    )

with errors_said():
    chapter.passage(
        "Error against d",
        "Every point is a trained run, measured on 10,000 test digits. Extraction beats selection; the linear "
        "autoencoder lies on PCA, which no straight map can beat on the images it was computed from; curved maps get "
        "below it. "
        f"{gains()}",
    )
    st.plotly_chart(error_figure(measured_points(), d), width="stretch", config=PLAIN, key="reduction-errors")

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

with errors_said():
    explained = error_of("pca", d)
    chapter.mathematics(
        [
            (
                "PCA minimises the mean squared distance between an image and its reconstruction over all straight "
                "pairs; the best directions are the leading eigenvectors of the covariance, and the decoder is the "
                "transpose of the encoder.",
                r"\hat{x} = \bar{x} + W W^\top (x - \bar{x}), \qquad W^\top W = I, \qquad"
                r" \min_W \; \mathbb{E}\,\lVert x - \hat{x} \rVert^2 = \sum_{i > d} \lambda_i",
            ),
            (
                f"Divided by 784 pixels this is the error per pixel: {explained:.4f} at d = {d} on test digits, so "
                f"{784 * explained:.1f} squared units of ink are lost per image. For any invertible A, the pair "
                "(A W⊤, W A⁻¹) gives the same reconstruction: that freedom is what the dial above turns.",
                r"W A^{-1} \, A W^\top = W W^\top",
            ),
        ]
    )
chapter.in_code(
    ("training/fitted.py", "principal_components"),
    ("training/fitted.py", "best_pixels"),
    ("models/autoencoder.py", "Autoencoder"),
    ("models/memoriser.py", "Memoriser"),
)
chapter.sources(
    chapter.Source("Pearson 1901, On lines and planes of closest fit", "https://doi.org/10.1080/14786440109462720"),
    chapter.Source("Baldi and Hornik 1989, Neural networks and principal component analysis", "https://doi.org/10.1016/0893-6080(89)90014-2"),
    chapter.Source("Hinton and Salakhutdinov 2006, Reducing the dimensionality of data with neural networks", "https://doi.org/10.1126/science.1127647"),
    chapter.Source("Rocca 2019, Understanding variational autoencoders", "https://towardsdatascience.com/understanding-variational-autoencoders-vaes-f70510919f73"),
)  # fmt: skip
