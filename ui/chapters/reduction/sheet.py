"""A curved sheet in space through a linear and through a non-linear code of two numbers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from scipy.spatial import Delaunay

from ui.figures.palette import CLASS_COLOURS
from ui.figures.plots import TEMPLATE, Finished
from ui.once import once
from ui.runs.resources import held_out, load_run
from vae_core.metrics import mean_squared_error
from vae_core.models import model_kind
from vae_core.run import Run
from vae_core.storage.manifest import shipped_run

DATASET = "s_curve"
MODELS = ("pca", "ae")
DRAWN = 400  # points of the sheet
BELOW = np.array([-0.95, 0.0, 0.0])  # from the first sheet to the second, as the camera sees them
# The S lies on its side, so that both sheets fit a phone; without perspective, so that both are seen alike.
CAMERA = {
    "eye": {"x": 0.62, "y": -1.6, "z": 0.62}, "up": {"x": 1, "y": 0, "z": 0}, "projection": {"type": "orthographic"}
}  # fmt: skip
SCALE = 1.05  # of the drawing: as wide as a phone
TITLE_AT = np.array([0.95, 0.5, 0.5])  # above the first sheet
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


@once(maxsize=4)
def _sheets(*keys: str) -> Sheets:
    points = held_out(DATASET)
    original = points.floats().astype(np.float64)
    errors, titles, names = {}, [], []
    drawn = _Drawn()
    for number, key in enumerate(keys):
        run, shift = load_run(key), number * BELOW
        made, name = run.decode(run.codes.mean).astype(np.float64), model_kind(run.spec.model).title
        errors[run.spec.model] = mean_squared_error(original, made)
        titles.append(f"{name}, d = 2: error {errors[run.spec.model]:.6f}")
        names.append({"text": name, **dict(zip("xyz", TITLE_AT + shift, strict=True))})
        drawn.add(original[:DRAWN] + shift, made[:DRAWN] + shift, *_surface_of(run, shift))
    low = original.min(axis=0) - 0.05 + np.minimum(0.0, (len(keys) - 1) * BELOW)
    high = np.maximum(original.max(axis=0), TITLE_AT) + 0.05
    scene = {f"{name}axis": {"visible": False, "range": [low[k], high[k]]} for k, name in enumerate("xyz")}
    chart = drawn.figure(np.tile(points.labels[:DRAWN], len(keys)))
    chart.update_layout(
        template=TEMPLATE,
        height=500,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        showlegend=False,
        scene={
            **scene,
            "aspectmode": "manual",
            "aspectratio": dict(zip("xyz", SCALE * (high - low), strict=True)),
            "camera": CAMERA,
            "annotations": [{"showarrow": False, "font": {"size": 15}, **name} for name in names],
        },
    )
    words = (
        f"Points on a curved sheet in space, n = {len(points):,}, in grey; in colours where they come out after the "
        f"code, and a line from each to its reconstruction. {'. '.join(titles)}. PCA's reconstructions are all on "
        "one plane, the autoencoder's on a curved surface."
    )
    note = f"{len(points):,} held-out points, of which {DRAWN} are drawn; one trained model each."
    return Sheets(Finished(chart, words, note), errors)


def _surface_of(run: Run, shift: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the decoder can put the points: corners (N, 3) and triangles (M, 3) of a surface.

    A linear decoder's is a plane, drawn as far as the codes reach; another's is drawn between the codes.
    """
    codes = run.codes.mean.astype(np.float64)
    if run.spec.model == "pca":
        (left, low), (right, high) = codes.min(axis=0), codes.max(axis=0)
        corners = np.array([[left, low], [right, low], [right, high], [left, high]])
        return run.decode(corners) + shift, np.array([[0, 1, 2], [0, 2, 3]])
    made = run.decode(codes)
    triangles = Delaunay(codes).simplices
    edges = np.linalg.norm(made[triangles] - made[np.roll(triangles, 1, axis=1)], axis=2).max(axis=1)
    return made + shift, triangles[edges < LONGEST_EDGE * np.median(edges)]


class _Drawn:
    """What is drawn of all sheets, by kind: a trace of each kind for all of them, since each costs the browser time."""

    def __init__(self) -> None:
        self.original: list[np.ndarray] = []
        self.made: list[np.ndarray] = []
        self.corners: list[np.ndarray] = []
        self.triangles: list[np.ndarray] = []

    def add(self, original: np.ndarray, made: np.ndarray, corners: np.ndarray, triangles: np.ndarray) -> None:
        """Points (N, 3), their reconstructions, and a surface."""
        self.triangles.append(triangles + sum(map(len, self.corners)))
        self.original.append(original)
        self.made.append(made)
        self.corners.append(corners)

    def figure(self, bands: np.ndarray) -> go.Figure:
        """The points in grey, their reconstructions in the colours of their bands, lines between, and the surfaces."""
        original, made = np.concatenate(self.original), np.concatenate(self.made)
        lines = np.full((3 * len(original), 3), np.nan)
        lines[0::3], lines[1::3] = original, made
        corners, triangles = np.concatenate(self.corners), np.concatenate(self.triangles)
        # Numbers on a colour scale: hundreds of colours as texts would be copied in every run of the page.
        count = int(bands.max()) + 1
        scale = [[edge / count, CLASS_COLOURS[band]] for band in range(count) for edge in (band, band + 1)]
        chart = go.Figure()
        chart.add_mesh3d(
            **_along_axes(corners), **dict(zip("ijk", triangles.T, strict=True)), name="surface", color="#66CCEE",
            opacity=0.35, hoverinfo="skip", lighting={"ambient": 1.0, "diffuse": 0.0, "specular": 0.0},
        )  # fmt: skip
        chart.add_scatter3d(
            **_along_axes(lines), name="lost", mode="lines", hoverinfo="skip", line={"color": GREY, "width": 1.5}
        )
        chart.add_scatter3d(
            **_along_axes(original), name="points", mode="markers", hoverinfo="skip",
            marker={"size": 2, "color": GREY},
        )  # fmt: skip
        chart.add_scatter3d(
            **_along_axes(made), name="after the code", mode="markers", hoverinfo="skip",
            marker={"size": 3, "color": bands + 0.5, "colorscale": scale, "cmin": 0, "cmax": count},
        )  # fmt: skip
        return chart


def _along_axes(places: np.ndarray) -> dict[str, np.ndarray]:
    return dict(zip("xyz", places.T, strict=True))
