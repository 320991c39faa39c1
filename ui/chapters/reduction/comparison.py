"""What the chapter on dimensionality reduction computes: once, for all its visitors.

Not in the page itself, which is compiled and run anew for every visitor, and would set up its caches each time.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import plotly.graph_objects as go

from ui.figures.palette import CLASS_COLOURS, MODEL_COLOURS, MODEL_SYMBOLS
from ui.figures.pictures import signed_tiles, tiles
from ui.figures.plots import TEMPLATE, Finished, in_words
from ui.runs.resources import feature_space, held_out, load_run
from ui.runs.selection import compared_spec, figure, per_shelf, seeds_of
from vae_core.datasets import load
from vae_core.errors import RunNotFound
from vae_core.metrics import holes, mean_squared_error, orthonormality_error, principal_angles
from vae_core.models import model_kind
from vae_core.payloads.plane import Payload, line_payload
from vae_core.run import Run

DATASET = "mnist"
DIMENSIONS = (2, 8, 16, 32)
MEMORISED = (10, 50, 200)
TURNS = tuple(range(0, 181, 15))  # degrees
MODELS = ("pixels", "pca", "linear_ae", "ae", "conv_ae")
SHOWN = 10
TILES = 8
DRAWN = 400  # points of the sheet
CAMERA = {"x": 1.3, "y": -1.5, "z": 0.6}


def run_of(model: str, dimensions: int) -> Run:
    """The run this chapter compares.

    Raises:
        RunNotFound: it is not in the store.
    """
    return load_run(compared_spec(model, DATASET, dimensions).key)


@per_shelf
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


@lru_cache(maxsize=64)
def rebuilt_row(key: str, start: int) -> tuple[bytes, float]:
    """Ten held-out images after a run's bottleneck, and their squared error per pixel."""
    run, images = load_run(key), held_out(DATASET).floats()[start : start + SHOWN]
    pixels = run.decode(run.codes.mean[start : start + SHOWN])
    return tiles(pixels, run.image_shape, columns=SHOWN), mean_squared_error(images, pixels)


@lru_cache(maxsize=64)
def original_row(start: int) -> bytes:
    """Ten held-out images."""
    images = held_out(DATASET)
    return tiles(images.floats()[start : start + SHOWN], images.image_shape, columns=SHOWN)


@lru_cache(maxsize=64)
def error_figure(points: tuple[tuple[str, tuple[tuple[int, float], ...]], ...], marked: int) -> Finished:
    """Error against d; every point is a run."""
    chart = go.Figure()
    for model, values in points:
        chart.add_scatter(
            x=[d for d, _ in values], y=[error for _, error in values], name=model_kind(model).title,
            mode="lines+markers", line={"color": MODEL_COLOURS[model]}, hovertemplate="%{y:.4f}",
            marker={"symbol": MODEL_SYMBOLS[model], "size": 9},
        )  # fmt: skip
    chart.add_vline(x=marked, line={"color": "rgba(128,138,152,0.6)", "dash": "dot"})
    chart.update_layout(
        template=TEMPLATE,
        height=380,
        xaxis={"title": "d, latent dimensions", "type": "log", "tickvals": list(DIMENSIONS), "tickformat": "d"},
        yaxis={"title": "squared error per pixel", "type": "log", "tickvals": [0.005, 0.01, 0.02, 0.04]},
    )
    told = {model_kind(model).title: [f"{error:.4f} at d = {d}" for d, error in values] for model, values in points}
    return Finished(chart, in_words("Squared error per pixel against d, both on scales of ratios.", told))


@per_shelf
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


@per_shelf
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


@lru_cache(maxsize=64)
def rotated_picture(key: str, degrees: int, shown: int) -> tuple[bytes, float, float]:
    """The turned directions as images, the error, and how far the directions are from orthonormal."""
    run = load_run(key)
    turned, error = rotated(run, degrees)
    picture = signed_tiles(turned.T[:shown], run.image_shape, columns=TILES)
    return picture, error, orthonormality_error(turned)


@lru_cache(maxsize=64)
def largest_angle(one: str, other: str) -> float:
    """Between the subspaces that two linear runs' decoders span, in degrees."""
    return float(principal_angles(directions_of(load_run(one)), directions_of(load_run(other))).max())


@lru_cache(maxsize=64)
def sheet_figure(key: str) -> tuple[Finished, float]:
    """Held-out points of the S-curve and what a run makes of them, in space; and the error."""
    run, points = load_run(key), held_out("s_curve")
    original, made = points.floats(), run.decode(run.codes.mean)
    error = mean_squared_error(original, made)
    original, made, bands = original[:DRAWN], made[:DRAWN], points.labels[:DRAWN]
    chart = go.Figure()
    chart.add_scatter3d(
        x=original[:, 0], y=original[:, 1], z=original[:, 2], mode="markers", name="points", hoverinfo="skip",
        marker={"size": 2.4, "color": "#8A94A3", "opacity": 0.5},
    )  # fmt: skip
    # Numbers on a colour scale: a thousand colours as texts would be copied in every run of the page.
    count = len(points.label_names)
    scale = [[edge / count, CLASS_COLOURS[band]] for band in range(count) for edge in (band, band + 1)]
    chart.add_scatter3d(
        x=made[:, 0], y=made[:, 1], z=made[:, 2], mode="markers", name="after the code", hoverinfo="skip",
        marker={"size": 2.6, "color": bands + 0.5, "colorscale": scale, "cmin": 0, "cmax": count},
    )  # fmt: skip
    axis = {"showticklabels": False, "title": "", "showbackground": False, "gridcolor": "rgba(128,138,152,0.25)"}
    scene = {f"{name}axis": axis for name in "xyz"} | {"aspectmode": "data", "camera": {"eye": CAMERA}}
    title = f"{model_kind(run.spec.model).title}, d = 2: error {error:.5f}, n = {len(points):,}"
    chart.update_layout(
        template=TEMPLATE,
        height=380,
        margin={"l": 0, "r": 0, "t": 36, "b": 0},
        showlegend=False,
        scene=scene,
        title={"text": title, "font": {"size": 14}},
    )
    words = f"{title}. Grey: points on a bent sheet in space. In colours: where they come out after the code."
    return Finished(chart, words), error


@lru_cache(maxsize=64)
def memorised_line(key: str) -> Payload:
    """A memoriser's line with the images that it memorised."""
    run = load_run(key)
    images = load(run.spec.dataset, "train", download=False).first(run.spec.images)
    labels = [run.label_names[label] for label in images.labels]
    return line_payload(run, images.images, labels, options={"z": 3.4})


@lru_cache(maxsize=64)
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


def formulas(dimensions: int) -> list[tuple[str, str]]:
    """The mathematics with the numbers at d.

    Raises:
        RunNotFound: PCA is not in the store.
    """
    lost = error_of("pca", dimensions)
    return [
        (
            "PCA minimises the mean squared distance between an image and its reconstruction over all straight "
            "pairs; the best directions are the leading eigenvectors of the covariance, and the decoder is the "
            "transpose of the encoder.",
            r"\hat{x} = \bar{x} + W W^\top (x - \bar{x}), \qquad W^\top W = I, \qquad"
            r" \min_W \; \mathbb{E}\,\lVert x - \hat{x} \rVert^2 = \sum_{i > d} \lambda_i",
        ),
        (
            f"Divided by 784 pixels this is the error per pixel: {lost:.4f} at d = {dimensions} on test digits, so "
            f"{784 * lost:.1f} squared units of ink are lost per image. For any invertible A, the pair "
            "(A W⊤, W A⁻¹) gives the same reconstruction: that freedom is what the dial above turns.",
            r"W A^{-1} \, A W^\top = W W^\top",
        ),
    ]
