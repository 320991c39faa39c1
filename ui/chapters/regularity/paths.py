"""What each model decodes on the way from one image to another, and how the classifier's verdict changes there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from plotly.subplots import make_subplots

from ui.chapters.regularity.judge import probabilities, unrecognised
from ui.figures.palette import CLASS_COLOURS
from ui.figures.pictures import tiles
from ui.figures.plots import TEMPLATE, Finished, in_words
from ui.once import once
from ui.runs.resources import held_out, load_run
from vae_core import datasets
from vae_core.metrics import ambiguous, class_change, share_standard_error
from vae_core.sampling import great_circle_path, straight_path

WAYS = {"straight": straight_path, "great circle": great_circle_path}
FILM_FRAMES, JUDGED = 11, 41
PAIRS, POINTS, SEED = 100, 21, 20_061_124
MONOTONE = 0.02  # of falling back: what the eye does not see in a curve
OTHERS = "#888888"
# From a 6 to a 0: of the first 20 pairs of all classes, one of those on which the shipped pair at d = 16 differs most.
USUAL_START, USUAL_END, USUAL_PAIR = 6, 0, 6


@dataclass(frozen=True)
class Film:
    """Images along a path between two codes.

    Attributes:
        picture: PNG file, ends included; what the classifier does not recognise is marked.
        recognised: share of finer spaced places on the path, ends included, that it recognises.
        curves: its probability at these places of the class at the start, of that at the end, and of all others.
        falls_back: how much of the end's lead over the start is lost again on the way; 0 between images of one class.
            See `class_change`.
        detour: the largest probability of another class on the way, and that class.
        framed: how many images are marked.
    """

    picture: bytes
    recognised: float
    curves: tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]
    falls_back: float
    detour: tuple[float, int]
    framed: int


@once(maxsize=256)
def film(key: str, way: str, first: int, second: int) -> Film:
    """The path between the codes of two held-out images.

    Raises:
        RunNotFound: the dataset has no classifier here.
    """
    run = load_run(key)
    ends = run.codes.mean[[first]], run.codes.mean[[second]]
    frames = run.decode(WAYS[way](*ends, FILM_FRAMES)[0])
    seen = probabilities(run.decode(WAYS[way](*ends, JUDGED)[0]), run.spec.dataset)  # (T, K)
    classes = run.codes.labels[[first, second]].astype(int)
    others = np.delete(seen, classes, axis=1)
    names = np.delete(np.arange(seen.shape[1]), classes)
    strongest = np.unravel_index(others.argmax(), others.shape)
    marked = unrecognised(frames, run.spec.dataset)
    start, end, rest = seen[:, classes[0]], seen[:, classes[1]], others.sum(axis=1)
    leads = classes[0] != classes[1]
    return Film(
        tiles(frames, run.image_shape, columns=FILM_FRAMES, marked=marked),
        float(1.0 - ambiguous(seen).mean()),
        (tuple(start.tolist()), tuple(end.tolist()), tuple(rest.tolist())),
        float(class_change(seen[None], classes[:1], classes[1:]).falls_back[0]) if leads else 0.0,
        (float(others[strongest]), int(names[strongest[1]])),
        int(marked.sum()),
    )


@dataclass(frozen=True)
class Usual:
    """What straight paths between images of different classes are like in a model.

    Attributes:
        count: paths measured.
        recognised: share of their places that the classifier recognises.
        monotone: share of the paths on which the end's lead never falls back by more than 0.02.
        monotone_error: its standard error.
        largest_step: mean of the largest change between neighbouring places, of 20 steps: 0 to 1.
    """

    count: int
    recognised: float
    monotone: float
    monotone_error: float
    largest_step: float


@once(maxsize=64)
def usual_path(key: str) -> Usual:
    """Over pairs of held-out images of different classes, taken at random.

    Raises:
        RunNotFound: the dataset has no classifier here.
    """
    run = load_run(key)
    labels = run.codes.labels.astype(int)
    order = np.random.default_rng(SEED).permutation(len(labels))
    half = len(order) // 2
    pairs = np.stack([order[:half], order[half : 2 * half]], axis=1)
    first, second = pairs[labels[pairs[:, 0]] != labels[pairs[:, 1]]][:PAIRS].T
    points = straight_path(run.codes.mean[first], run.codes.mean[second], POINTS)
    flat = probabilities(run.decode(points.reshape(-1, points.shape[-1])), run.spec.dataset)
    change = class_change(flat.reshape(len(first), POINTS, -1), labels[first], labels[second])
    monotone = float((change.falls_back <= MONOTONE).mean())
    return Usual(
        len(first),
        float(1.0 - ambiguous(flat).mean()),
        monotone,
        share_standard_error(monotone, len(first)),
        float(change.largest_step.mean()),
    )


@once(maxsize=256)
def pair_of_classes(dataset: str, ends: tuple[int, int], turn: int) -> tuple[int, int]:
    """Numbers of a held-out image of each class; another pair with every turn."""
    labels = held_out(dataset).labels
    members = [np.flatnonzero(labels == label) for label in ends]
    return int(members[0][turn % len(members[0])]), int(members[1][(turn + 1) % len(members[1])])


@once(maxsize=64)
def probability_figure(dataset: str, ends: tuple[int, int], films: tuple[tuple[str, Film], ...]) -> Finished:
    """The classifier's probabilities along the paths, a field for each model.

    Args:
        dataset: for the names of its classes.
        ends: the classes at the ends.
        films: (title, its straight path).
    """
    names = datasets.info(dataset).label_names
    drawn = (
        (names[ends[0]], CLASS_COLOURS[ends[0] % len(CLASS_COLOURS)], "solid"),
        (names[ends[1]], CLASS_COLOURS[ends[1] % len(CLASS_COLOURS)], "dash"),
        ("all others", OTHERS, "dot"),
    )
    chart = make_subplots(rows=1, cols=len(films), shared_yaxes=True, horizontal_spacing=0.06)
    told = {}
    places = np.linspace(0.0, 1.0, JUDGED).tolist()
    for column, (title, shown) in enumerate(films, start=1):
        for (name, colour, dash), values in zip(drawn, shown.curves, strict=True):
            chart.add_scatter(
                x=places, y=values, name=name, legendgroup=name, showlegend=column == 1, mode="lines",
                line={"color": colour, "dash": dash, "width": 3}, hovertemplate="%{y:.2f}", row=1, col=column,
            )  # fmt: skip
            told[f"{title}, {name}"] = [
                f"{values[0]:.2f} at the start, {max(values):.2f} at most, {values[-1]:.2f} at the end"
            ]
        chart.update_xaxes(
            title=f"{title}:<br>place on the path", range=[-0.01, 1.01], tickvals=[0, 0.5, 1], row=1, col=column
        )
    chart.update_yaxes(range=[-0.02, 1.02], tickvals=[0, 0.5, 1])
    chart.update_yaxes(title="probability", row=1, col=1)
    chart.update_layout(
        template=TEMPLATE, height=216, margin={"t": 30, "b": 60},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0.5, "xanchor": "center"},
    )  # fmt: skip
    note = f"One pair of held-out images, one trained model each, {JUDGED} places on the path."
    return Finished(chart, in_words("What the classifier sees along the straight paths: probabilities.", told), note)
