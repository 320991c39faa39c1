"""ELBO and importance-weighted bound of one held-out digit, computed once for each run and digit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import plotly.graph_objects as go
from scipy.special import stdtrit

from ui.figures.markup import Html
from ui.figures.palette import CLASS_COLOURS
from ui.figures.pictures import Picture, labelled_rows, tiles
from ui.figures.plots import TEMPLATE, Finished, in_words
from ui.runs.resources import classes_in_words, held_out, load_run, shelf
from ui.runs.selection import compared_spec
from vae_core.errors import RunNotFound
from vae_core.evaluation.importance import Bound, binarise, bounds_by_k, image_log_weights
from vae_core.losses.gaussian import reparameterise

DATASET = "mnist"
DIMENSIONS = (2, 16)
HELD_OUT = 5_000
WEIGHTS = 20_000
LARGEST = 5_000
KS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, LARGEST)
SEED = 0
DECODED = 10


@dataclass(frozen=True)
class Bounded:
    """The bounds of one image.

    Attributes:
        key: of the run.
        image: its number among the held-out ones.
        bounds: by k, KS in order; nats.
    """

    key: str
    image: int
    bounds: tuple[Bound, ...]


def run_key(dimensions: int) -> str:
    """Key of the VAE that is shown.

    Raises:
        RunNotFound: it is not in the store.
    """
    spec = compared_spec("vae", DATASET, dimensions)
    if spec not in shelf():
        raise RunNotFound(f"the VAE with d = {dimensions} is not in the store; run 'python -m vae_core rebuild'.")
    return spec.key


@lru_cache(maxsize=256)
def bounded(key: str, image: int) -> Bounded:
    """The bounds of a held-out image; its pixels are set to 0 or 1 at one half."""
    pixels = binarise(held_out(DATASET).floats()[image].ravel())
    log_weights = image_log_weights(load_run(key), pixels, WEIGHTS, SEED)
    return Bounded(key, image, tuple(bounds_by_k(log_weights, KS)))


def half_width(one: Bound) -> float:
    """Half of the 95% interval of a bound: Student's, because the last k has few groups."""
    assert one.standard_error is not None  # WEIGHTS are some groups of LARGEST
    return float(stdtrit(one.repeats - 1, 0.975)) * one.standard_error


@lru_cache(maxsize=256)
def bound_curve(found: Bounded) -> Finished:
    """The bound against k, on a scale of ratios."""
    bounds = found.bounds
    chart = go.Figure()
    chart.add_scatter(
        x=[one.k for one in bounds], y=[one.value for one in bounds], mode="lines+markers", name="L_k",
        line={"color": CLASS_COLOURS[0]}, customdata=[one.repeats for one in bounds],
        error_y={"array": [half_width(one) for one in bounds], "thickness": 1.5, "width": 4},
        hovertemplate="k = %{x:,}: %{y:.2f} nats<br>mean of %{customdata:,} estimates",
    )  # fmt: skip
    chart.update_layout(
        template=TEMPLATE,
        height=320,
        showlegend=False,
        xaxis={"title": "samples k", "type": "log", "tickvals": [1, 10, 100, 1000, LARGEST], "tickformat": ","},
        yaxis={"title": "bound on log p(x), nats"},
        hovermode="closest",
    )
    told = {"L_k": [f"{one.value:.2f} ± {half_width(one):.2f} at k = {one.k:,}" for one in bounds]}
    return Finished(chart, in_words("Bound on log p(x) in nats against samples k, with 95% error bars.", told))


def bound_sentence(found: Bounded) -> str:
    """What the curve shows, in numbers: markdown."""
    first, last = found.bounds[0], found.bounds[-1]
    told = (
        f"The ELBO of this image is **{first.value:.2f}** ± {half_width(first):.2f} [[nat|nats]]; with {last.k:,} "
        f"samples the bound is **{last.value:.2f}** ± {half_width(last):.2f}. log p(x) is at least that. So for this "
        f"image the gap of step 2, KL(q ‖ p(z|x)), is at least about **{last.value - first.value:.2f} nats**."
    )
    return told.replace("-", "−")


def bound_note(found: Bounded) -> str:
    """How the bounds were measured."""
    return (
        f"{WEIGHTS:,} samples of q(z|x), cut into groups of k; the bars are 95% intervals of the mean over the groups, "
        f"and the last one rests on {found.bounds[-1].repeats} of them. The pixels are set to 0 or 1 first: on grey "
        "pixels the Bernoulli likelihood is no probability, and log p(x) would have no meaning."
    )


@lru_cache(maxsize=256)
def bound_pictures(found: Bounded) -> Html:
    """The digit: as it is, as it was set to 0 and 1, and what samples of q(z|x) decode to: HTML."""
    images, run = held_out(DATASET), load_run(found.key)
    grey = images.floats()[found.image].reshape(1, -1)
    black_and_white = binarise(grey)
    mean, log_var = run.posterior(black_and_white)
    noise = np.random.default_rng(SEED).standard_normal((DECODED, mean.shape[1]))
    decoded = run.decode(reparameterise(mean, log_var, noise))
    picture = tiles(np.concatenate([grey, black_and_white, decoded]), images.image_shape, columns=2 + DECODED)
    told = f"as it is, in black and white, and {DECODED} samples of q(z|x), decoded"
    seen = f"{2 + DECODED} images of a {classes_in_words(DATASET, found.image, 1)}"
    return labelled_rows([Picture(f"Held-out image {found.image}", told, picture, seen)])
