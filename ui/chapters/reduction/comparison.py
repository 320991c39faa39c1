"""The same digits through every bottleneck: pictures, errors, and which is best. Once, for all visitors.

Not in the page itself, which is compiled and run anew for every visitor, and would set up its caches each time.
"""

from __future__ import annotations

import plotly.graph_objects as go

from ui.figures.palette import MODEL_COLOURS, MODEL_SYMBOLS
from ui.figures.pictures import tiles
from ui.figures.plots import TEMPLATE, Finished, in_words
from ui.once import once
from ui.runs.resources import held_out, load_run
from ui.runs.selection import compared_spec, figure, measured_on, per_shelf, seeds_of
from vae_core.errors import RunNotFound
from vae_core.metrics import mean_squared_error
from vae_core.models import model_kind
from vae_core.run import Run

DATASET = "mnist"
DIMENSIONS = (2, 8, 16, 32)
PIXELS = 784
MODELS = ("pixels", "pca", "linear_ae", "ae", "conv_ae")
SHOWN = 10

Points = tuple[tuple[str, tuple[tuple[int, float], ...]], ...]  # (model, ((d, error), ...))


def run_of(model: str, dimensions: int) -> Run:
    """The run this chapter compares.

    Raises:
        RunNotFound: it is not in the store.
    """
    return load_run(compared_spec(model, DATASET, dimensions).key)


@per_shelf
def errors_by_seed(model: str, dimensions: int) -> tuple[float, ...]:
    """Squared errors per pixel on the official test images, from the files of the runs that differ in the seed."""
    lines = seeds_of(compared_spec(model, DATASET, dimensions))
    return tuple(value for line in lines if (value := figure(line, "mse")) is not None)


def error_of(model: str, dimensions: int) -> float:
    """Squared error per pixel on the official test images, of the first seed.

    Raises:
        RunNotFound: the run is not in the store.
    """
    errors = errors_by_seed(model, dimensions)
    if not errors:
        raise RunNotFound(f"there is no measured {model_kind(model).title}, d = {dimensions}; run "
                          "'python -m vae_core rebuild'.")  # fmt: skip
    return errors[0]


@per_shelf
def images_of(*models: str) -> str:
    """What the errors of some models are measured on, such as "10,000 test digits"."""
    specs = [compared_spec(model, DATASET, d) for model in models for d in DIMENSIONS]
    return measured_on(*(line for spec in specs for line in seeds_of(spec)))


@once(maxsize=64)
def rebuilt_row(key: str, start: int, count: int = SHOWN) -> tuple[bytes, float]:
    """Held-out images after a run's bottleneck, and their squared error per pixel."""
    run, images = load_run(key), held_out(DATASET).floats()[start : start + count]
    pixels = run.decode(run.codes.mean[start : start + count])
    return tiles(pixels, run.image_shape, columns=count), mean_squared_error(images, pixels)


@once(maxsize=64)
def original_row(start: int, count: int = SHOWN) -> bytes:
    """Held-out images."""
    images = held_out(DATASET)
    return tiles(images.floats()[start : start + count], images.image_shape, columns=count)


@once(maxsize=64)
def error_figure(
    points: Points, marked: int, fewer: str = "", after_fewer: tuple[tuple[int, float], ...] = ()
) -> Finished:
    """Error against d; every point is a run.

    Args:
        points: of each model.
        marked: the d that is chosen.
        fewer: name of the autoencoder after as few epochs as the convolutional one.
        after_fewer: (d, error) of it.
    """
    chart = go.Figure()
    for model, values in points:
        chart.add_scatter(
            x=[d for d, _ in values], y=[error for _, error in values], name=model_kind(model).title,
            mode="lines+markers", line={"color": MODEL_COLOURS[model]}, hovertemplate="%{y:.4f}",
            marker={"symbol": MODEL_SYMBOLS[model], "size": 9},
        )  # fmt: skip
    told = {model_kind(model).title: values for model, values in points}
    if after_fewer:
        told[fewer] = after_fewer
        chart.add_scatter(
            x=[d for d, _ in after_fewer], y=[error for _, error in after_fewer], name=fewer,
            mode="lines+markers", line={"color": MODEL_COLOURS["ae"], "dash": "dot"}, hovertemplate="%{y:.4f}",
            marker={"symbol": f"{MODEL_SYMBOLS['ae']}-open", "size": 9},
        )  # fmt: skip
    chart.add_vline(x=marked, line={"color": "rgba(128,138,152,0.6)", "dash": "dot"})
    chart.update_layout(
        template=TEMPLATE,
        height=420,
        xaxis={"title": "d, numbers in the code", "type": "log", "tickvals": list(DIMENSIONS), "tickformat": "d"},
        yaxis={"title": "squared error per pixel", "type": "log", "tickvals": [0.005, 0.01, 0.02, 0.04]},
    )
    words = {name: [f"{error:.4f} at d = {d}" for d, error in values] for name, values in told.items()}
    return Finished(chart, in_words("Squared error per pixel against d, both on scales of ratios.", words))


@per_shelf
def measured_points() -> Points:
    """Errors of all runs of this chapter that are in the store, the first seed of each."""
    points = [
        (model, tuple((d, found[0]) for d in DIMENSIONS if (found := errors_by_seed(model, d)))) for model in MODELS
    ]
    return tuple((model, values) for model, values in points if values)


@per_shelf
def gains() -> str:
    """By how much the deep autoencoder is better than PCA, at each d of which both are in the store."""
    errors = {model: dict(values) for model, values in measured_points()}
    both = [d for d in DIMENSIONS if d in errors.get("pca", {}) and d in errors.get("ae", {})]
    told = ", ".join(f"**{errors['pca'][d] / errors['ae'][d]:.1f}** at d = {d}" for d in both)
    return f"PCA's error over the autoencoder's: {told}." if told else ""


@per_shelf
def seeds_differ() -> str:
    """By how much the error of the deep autoencoder depends on the seed, where more than one is in the store."""
    several = [errors for d in DIMENSIONS if len(errors := errors_by_seed("ae", d)) > 1]
    if not several:
        return ""
    widest = max(max(errors) / min(errors) - 1 for errors in several)
    return f"Training again from another random start changes the autoencoder's error by at most {widest:.0%}."


def best_of_three(dimensions: int) -> tuple[int, str]:
    """Answer to the first prediction, from the runs' errors."""
    models = ("pixels", "pca", "ae")
    errors = {model: error_of(model, dimensions) for model in models}
    right = min(errors, key=errors.__getitem__)
    told = ", ".join(f"{model_kind(model).title} {error:.4f}" for model, error in errors.items())
    reasons = []
    if errors["pca"] < errors["pixels"]:
        reasons.append("Every number of PCA is computed from all 784 pixels, a kept pixel knows a single place.")
    if errors["ae"] < errors["pca"]:
        reasons.append("A deep network is not limited to weighted sums, so it fits the digits more closely.")
    measured = f"Squared error per pixel at d = {dimensions}, {images_of(*models)}: {told}."
    return list(errors).index(right), " ".join([measured, *reasons])
