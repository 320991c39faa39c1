"""Linear codes: the spectrum that PCA keeps a part of, and directions that can be turned without a loss."""

from __future__ import annotations

import math

import numpy as np
import plotly.graph_objects as go

from ui.chapters.reduction.comparison import DATASET, PIXELS, error_of
from ui.figures.palette import MODEL_COLOURS
from ui.figures.pictures import signed_tiles
from ui.figures.plots import TEMPLATE, Finished, in_words
from ui.once import once
from ui.runs.resources import held_out, load_run
from vae_core.metrics import covariance_spectrum, mean_squared_error, orthonormality_error, principal_angles
from vae_core.run import Run

TURNS = tuple(range(0, 181, 15))  # degrees
TILES = 8
EIGENVALUES_DRAWN = 48
LEFT_OUT_COLOUR = "#9AA3AF"


@once(maxsize=1)
def spectrum() -> np.ndarray:
    """Eigenvalues of the covariance of the held-out digits, descending."""
    return covariance_spectrum(held_out(DATASET).floats().astype(np.float64))


def kept_share(dimensions: int) -> float:
    """Share of the variance that the first principal components have together."""
    return float(spectrum()[:dimensions].sum() / spectrum().sum())


def least_error(dimensions: int) -> float:
    """Squared error per pixel that no linear pair can go below on the held-out digits."""
    return float(spectrum()[dimensions:].sum() / PIXELS)


@once(maxsize=8)
def spectrum_figure(dimensions: int) -> Finished:
    """The first eigenvalues, those that PCA keeps in its colour, and the cumulative share of the variance."""
    values = spectrum()
    shares = 100 * np.cumsum(values) / values.sum()
    numbers = list(range(1, EIGENVALUES_DRAWN + 1))
    chart = go.Figure()
    for name, colour, part in (
        ("eigenvalues kept", MODEL_COLOURS["pca"], slice(0, dimensions)),
        ("left out", LEFT_OUT_COLOUR, slice(dimensions, None)),
    ):
        shown = numbers[part]
        chart.add_bar(
            x=shown, y=[float(values[k - 1]) for k in shown], name=name, marker={"color": colour},
            hovertemplate="%{y:.2f}",
        )  # fmt: skip
    chart.add_scatter(
        x=numbers, y=[float(shares[k - 1]) for k in numbers], name="cumulative share", yaxis="y2",
        line={"color": "#4477AA"}, hovertemplate="%{y:.0f}%",
    )  # fmt: skip
    chart.add_vline(x=dimensions + 0.5, line={"color": "rgba(128,138,152,0.8)", "dash": "dot"})
    chart.update_layout(
        template=TEMPLATE,
        height=420,
        bargap=0.15,
        margin={"r": 56},
        xaxis={"title": f"component i (the first {EIGENVALUES_DRAWN} of {PIXELS})"},
        yaxis={"title": "eigenvalue λᵢ, variance along component i"},
        yaxis2={"title": "share of the variance, %", "overlaying": "y", "side": "right", "range": [0, 100],
                "tickmode": "array", "tickvals": list(range(0, 101, 20)), "showgrid": False},
    )  # fmt: skip
    told = {
        "Eigenvalues": [f"{values[k - 1]:.2f} at {k}" for k in (1, 2, 4, 8, 16, 32)],
        "Cumulative share": [f"{shares[k - 1]:.0f}% at {k}" for k in (1, 2, 4, 8, 16, 32)],
    }
    what = f"Eigenvalues of the covariance of the held-out digits by component; PCA keeps the first {dimensions}."
    note = f"{len(held_out(DATASET)):,} held-out digits. The variance is in squared units of ink: ink is 1, paper 0."
    return Finished(chart, in_words(what, told), note)


def directions_of(run: Run) -> np.ndarray:
    """A linear run's decoder directions, (D, d): the images that the code's numbers weigh."""
    return run.weights["decoder.0.weight"].astype(np.float64)


@once(maxsize=64)
def transpose_gap(key: str) -> float:
    """How far a linear run's decoder is from the transpose of its encoder, as a share of the decoder's size."""
    run = load_run(key)
    decoder = directions_of(run)
    return float(np.linalg.norm(decoder - run.weights["code.weight"].T) / np.linalg.norm(decoder))


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


@once(maxsize=64)
def rotated_picture(key: str, degrees: int, shown: int) -> tuple[bytes, float, float]:
    """The turned directions as images, the error, and the largest cosine between two directions."""
    run = load_run(key)
    turned, error = rotated(run, degrees)
    picture = signed_tiles(turned.T[:shown], run.image_shape, columns=TILES)
    return picture, error, orthonormality_error(turned)


@once(maxsize=64)
def largest_angle(one: str, other: str) -> float:
    """Between the subspaces that two linear runs' decoders span, in degrees."""
    return float(principal_angles(directions_of(load_run(one)), directions_of(load_run(other))).max())


def formulas(dimensions: int) -> list[tuple[str, str]]:
    """The mathematics with the numbers at d.

    Raises:
        RunNotFound: PCA is not in the store.
    """
    lost = error_of("pca", dimensions)
    return [
        (
            f"An image has n_d = {PIXELS} numbers and its code n_e = {dimensions}. The best pair of an encoder E and a "
            "decoder D loses least on average over N images.",
            r"\begin{aligned} E &: \mathbb{R}^{n_d} \to \mathbb{R}^{n_e}, \quad D: \mathbb{R}^{n_e} \to "
            r"\mathbb{R}^{n_d} \\ (E^*, D^*) &= \underset{(E, D)}{\arg\min} \; \frac{1}{N} \sum_{n=1}^{N} "
            r"\lVert x_n - D(E(x_n)) \rVert^2 \end{aligned}",
        ),
        (
            "PCA minimises the mean squared distance between an image and its reconstruction over all linear pairs. "
            "The best directions are the eigenvectors of the covariance with the largest eigenvalues, and the decoder "
            "is the transpose of the encoder. What is lost of the images that the covariance is of is the sum of the "
            "other eigenvalues.",
            r"\hat{x} = \bar{x} + W W^\top (x - \bar{x}), \qquad W^\top W = I, \qquad"
            r" \min_W \; \mathbb{E}\,\lVert x - \hat{x} \rVert^2 = \sum_{i > d} \lambda_i",
        ),
        (
            f"Divided by {PIXELS} pixels this sum is the error per pixel of those images. New images are not bound to "
            f"it: on test digits this PCA loses {lost:.4f} per pixel at d = {dimensions}, {PIXELS * lost:.1f} squared "
            "units of ink per image. For any invertible A, the pair (A W⊤, W A⁻¹) gives the same reconstruction: the "
            "dial above turns by one such A.",
            r"W A^{-1} \, A W^\top = W W^\top",
        ),
    ]
