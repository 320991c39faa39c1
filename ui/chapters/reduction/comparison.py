"""The same digits through every bottleneck: pictures, errors, and which is best. Once, for all visitors.

Not in the page itself, which is compiled and run anew for every visitor, and would set up its caches each time.
"""

from __future__ import annotations

from typing import NamedTuple

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
SAME = 0.02  # of an error: two lines that differ by less lie on each other
MODELS = ("pixels", "pca", "linear_ae", "ae", "conv_ae")
BY_EPOCHS = ("ae", "conv_ae")  # drawn after different numbers of epochs
SHOWN = 10


class Measured(NamedTuple):
    """The error of one kind at one d.

    Attributes:
        d: numbers in the code.
        mean: over random starts.
        low, high: the least and the largest of them.
        starts: how many.
    """

    d: int
    mean: float
    low: float
    high: float
    starts: int

    @classmethod
    def of(cls, d: int, errors: tuple[float, ...]) -> Measured:
        """From the errors of all starts."""
        return cls(d, sum(errors) / len(errors), min(errors), max(errors), len(errors))


Points = tuple[tuple[str, tuple[Measured, ...]], ...]  # by model


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


def line_name(model: str, epochs: int | None = None) -> str:
    """A model in the legend, with its epochs where two lines differ in them."""
    spec = compared_spec(model, DATASET, DIMENSIONS[0])
    title = model_kind(model).title
    return f"{title}, {epochs or spec.epochs} epochs" if model in BY_EPOCHS else title


@once(maxsize=64)
def error_figure(
    points: Points, marked: int, images: str, fewer: str = "", after_fewer: tuple[Measured, ...] = ()
) -> Finished:
    """Error against d: means over random starts, with bars from the least to the largest.

    Args:
        points: of each model.
        marked: the d that is chosen.
        images: what they are measured on.
        fewer: name of the autoencoder after as few epochs as the convolutional one.
        after_fewer: its errors.
    """
    chart = go.Figure()
    told = {line_name(model): values for model, values in points} | ({fewer: after_fewer} if after_fewer else {})
    for (name, values), model in zip(told.items(), [*(model for model, _ in points), "ae"], strict=False):
        again = name == fewer
        chart.add_scatter(
            x=[one.d for one in values], y=[one.mean for one in values], name=name, mode="lines+markers",
            error_y={
                "type": "data", "symmetric": False, "array": [one.high - one.mean for one in values],
                "arrayminus": [one.mean - one.low for one in values], "thickness": 1.5, "width": 4,
            },
            line={"color": MODEL_COLOURS[model], "dash": "dot" if again else "solid"}, hovertemplate="%{y:.4f}",
            marker={"symbol": f"{MODEL_SYMBOLS[model]}-open" if again else MODEL_SYMBOLS[model], "size": 9},
        )  # fmt: skip
    chart.add_vline(x=marked, line={"color": "rgba(128,138,152,0.6)", "dash": "dot"})
    chart.update_layout(
        template=TEMPLATE,
        height=420,
        xaxis={"title": "d, numbers in the code", "type": "log", "tickvals": list(DIMENSIONS), "tickformat": "d"},
        yaxis={"title": "squared error per pixel", "type": "log", "tickvals": [0.005, 0.01, 0.02, 0.04]},
    )
    words = {name: [f"{one.mean:.4f} at d = {one.d}" for one in values] for name, values in told.items()}
    several = "; ".join(
        f"{name} at d = {' and '.join(dims)}"
        for name, values in told.items()
        if (dims := [str(one.d) for one in values if one.starts > 1])
    )
    note = f"{images}. Both axes are logarithmic.{_on_top(dict(points))} " + (
        f"Means over 2 or 3 random starts, with bars from the least to the largest: {several}. All others were trained "
        "once."
        if several
        else "Each was trained once."
    )
    return Finished(chart, in_words("Squared error per pixel against d, both on logarithmic axes.", words), note)


def _on_top(points: dict[str, tuple[Measured, ...]]) -> str:
    """That the linear autoencoder's line hides PCA's, where it does."""
    pca, linear = ({one.d: one.mean for one in points.get(model, ())} for model in ("pca", "linear_ae"))
    both = pca.keys() & linear.keys()
    alike = both and all(abs(linear[d] / pca[d] - 1) < SAME for d in both)
    return " PCA's line is hidden by the linear autoencoder's: they coincide." if alike else ""


@per_shelf
def measured_points() -> Points:
    """Errors of all runs of this chapter that are in the store."""
    points = [
        (model, tuple(Measured.of(d, found) for d in DIMENSIONS if (found := errors_by_seed(model, d))))
        for model in MODELS
    ]
    return tuple((model, values) for model, values in points if values)


@per_shelf
def gains() -> str:
    """By how much the deep autoencoder is better than PCA, at each d of which both are in the store."""
    errors = {model: {one.d: one.mean for one in values} for model, values in measured_points()}
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
