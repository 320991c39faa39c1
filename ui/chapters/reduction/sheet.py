"""A curved sheet in space through a linear and through a non-linear code of two numbers."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from scipy.spatial import Delaunay

from ui.figures.palette import CLASS_COLOURS
from ui.figures.plots import TEMPLATE, Finished
from ui.runs.resources import held_out, load_run
from vae_core.metrics import mean_squared_error
from vae_core.models import model_kind
from vae_core.run import Run
from vae_core.storage.manifest import shipped_run

DATASET = "s_curve"
MODELS = ("pca", "ae")
DRAWN = 400  # points of the sheet
ASIDE = np.array([0.62, 0.62, 0.0])  # from the first sheet to the second: to the right, as the camera sees them
CAMERA = {"eye": {"x": 1.25, "y": -1.25, "z": 0.75}, "projection": {"type": "orthographic"}}
SCALE = 1.4  # of the drawing: the largest at which both sheets stay in the picture while they turn
LONGEST_EDGE = 4  # of a triangle of the surface, in medians: longer ones span places without codes
GREY = "#8A94A3"


class Sheets(NamedTuple):
    """The figure, and the squared error per coordinate by model."""

    figure: Finished
    errors: dict[str, float]


def sheets() -> Sheets:
    """The held-out points and what PCA and an autoencoder make of them, in one space: one camera turns both.

    Raises:
        RunNotFound: one of the two runs is not in the store.
    """
    return _sheets(*(shipped_run(dataset=DATASET, model=model).key for model in MODELS))


@lru_cache(maxsize=4)
def _sheets(*keys: str) -> Sheets:
    points = held_out(DATASET)
    original = points.floats().astype(np.float64)
    chart, errors, titles = go.Figure(), {}, []
    for number, key in enumerate(keys):
        run, shift = load_run(key), number * ASIDE
        made, title = run.decode(run.codes.mean).astype(np.float64), model_kind(run.spec.model).title
        errors[run.spec.model] = mean_squared_error(original, made)
        titles.append(f"{title}, d = 2: error {errors[run.spec.model]:.5f}")
        _add_surface(chart, *_surface_of(run), shift)
        _add_points(chart, original[:DRAWN] + shift, made[:DRAWN] + shift, points.labels[:DRAWN], title)
        _add_title(chart, title, shift)
    corners = np.concatenate([original, original + (len(keys) - 1) * ASIDE])
    low, high = corners.min(axis=0) - 0.05, corners.max(axis=0) + 0.05
    high[2] += 0.15  # the titles are above
    ratio = SCALE * (high - low)
    axes = {f"{name}axis": {"visible": False, "range": [low[k], high[k]]} for k, name in enumerate("xyz")}
    chart.update_layout(
        template=TEMPLATE,
        height=460,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        showlegend=False,
        scene=axes | {"aspectmode": "manual", "aspectratio": dict(zip("xyz", ratio, strict=True)), "camera": CAMERA},
    )
    words = (
        f"Points on a curved sheet in space, n = {len(points):,}, in grey; in colours where they come out after the "
        f"code, and a line from each to its reconstruction. {'. '.join(titles)}. PCA's reconstructions are all on "
        "one plane, the autoencoder's on a curved surface."
    )
    return Sheets(Finished(chart, words), errors)


def _surface_of(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Where the decoder can put the points: corners (N, 3) and triangles (M, 3) of a surface.

    A linear decoder's is a plane, drawn as far as the codes reach; another's is drawn between the codes.
    """
    codes = run.codes.mean.astype(np.float64)
    if run.spec.model == "pca":
        (left, low), (right, high) = codes.min(axis=0), codes.max(axis=0)
        corners = np.array([[left, low], [right, low], [right, high], [left, high]])
        return run.decode(corners), np.array([[0, 1, 2], [0, 2, 3]])
    made = run.decode(codes)
    triangles = Delaunay(codes).simplices
    edges = np.linalg.norm(made[triangles] - made[np.roll(triangles, 1, axis=1)], axis=2).max(axis=1)
    return made, triangles[edges < LONGEST_EDGE * np.median(edges)]


def _add_surface(chart: go.Figure, corners: np.ndarray, triangles: np.ndarray, shift: np.ndarray) -> None:
    x, y, z = (corners + shift).T
    i, j, k = triangles.T
    chart.add_mesh3d(
        x=x, y=y, z=z, i=i, j=j, k=k, color="#66CCEE", opacity=0.35, hoverinfo="skip", name="surface",
        lighting={"ambient": 1.0, "diffuse": 0.0, "specular": 0.0},
    )  # fmt: skip


def _add_points(chart: go.Figure, original: np.ndarray, made: np.ndarray, bands: np.ndarray, title: str) -> None:
    """The points in grey, their reconstructions in colours, and lines between."""
    lines = np.full((3 * len(original), 3), np.nan)
    lines[0::3], lines[1::3] = original, made
    x, y, z = lines.T
    chart.add_scatter3d(
        x=x, y=y, z=z, mode="lines", name=f"{title}, lost", hoverinfo="skip", line={"color": GREY, "width": 1.5}
    )
    x, y, z = original.T
    chart.add_scatter3d(
        x=x, y=y, z=z, mode="markers", name=f"{title}, points", hoverinfo="skip", marker={"size": 2, "color": GREY}
    )
    # Numbers on a colour scale: a thousand colours as texts would be copied in every run of the page.
    count = int(bands.max()) + 1
    scale = [[edge / count, CLASS_COLOURS[band]] for band in range(count) for edge in (band, band + 1)]
    x, y, z = made.T
    chart.add_scatter3d(
        x=x, y=y, z=z, mode="markers", name=f"{title}, after the code", hoverinfo="skip",
        marker={"size": 3, "color": bands + 0.5, "colorscale": scale, "cmin": 0, "cmax": count},
    )  # fmt: skip


def _add_title(chart: go.Figure, title: str, shift: np.ndarray) -> None:
    """Above the sheet, in the space itself: it stays with its sheet when the space is turned."""
    x, y = 0.5 + shift[:2]
    chart.add_scatter3d(
        x=[x], y=[y], z=[1.15], mode="text", text=[title], hoverinfo="skip", textfont={"size": 15}, name="title"
    )
