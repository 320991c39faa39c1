"""Is a code more robust to noise than the pixels? Measured figures of noise.json, and noisy digits to look at.

The file is made by ``python -m tools.measure_noise``: the classifiers take minutes to fit.
"""

from __future__ import annotations

import json
from pathlib import Path
from statistics import mean
from typing import NamedTuple

import plotly.graph_objects as go

from ui.chapters.reduction.comparison import DATASET
from ui.figures.markup import Html
from ui.figures.palette import MODEL_COLOURS, MODEL_SYMBOLS
from ui.figures.pictures import Picture, labelled_rows, tiles
from ui.figures.plots import TEMPLATE, Finished, in_words
from ui.figures.tables import Rows, as_html
from ui.once import once
from ui.runs.resources import classes_in_words, held_out
from vae_core.lessons.noisy_codes import noisy

FILE = Path(__file__).with_name("noise.json")
DIMENSIONS, HIDDEN = 16, (128, 64)
MODELS = ("pca", "ae", "vae")
PIXELS_LINEAR, PIXELS_NETWORK = "pixels, linear", "pixels, network"
TITLES = {
    PIXELS_LINEAR: "pixels", PIXELS_NETWORK: "pixels, by a network", "pca": "PCA's code", "ae": "autoencoder's code",
    "vae": "VAE's code",
}  # fmt: skip
_LOOKS = {
    PIXELS_LINEAR: (MODEL_COLOURS["pixels"], MODEL_SYMBOLS["pixels"], "solid"),
    PIXELS_NETWORK: (MODEL_COLOURS["pixels"], "circle-open", "dash"),
    **{model: (MODEL_COLOURS[model], MODEL_SYMBOLS[model], "solid") for model in MODELS},
}
HALF = 0.5  # the noise of which the words speak
SHOWN, SHOWN_SIGMAS = 10, (0.0, 0.3, 0.6, 1.0)


class Told(NamedTuple):
    """Shares of images told right, from one kind of input.

    Attributes:
        shares: at each sigma, mean over random starts of the encoder.
        low, high: 95% interval of a share of n images (Clopper and Pearson), from the least start to the largest.
        starts: how many.
    """

    shares: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    starts: int


class Noise(NamedTuple):
    """The measurement: n images, the sigmas, and what was told right from each kind of input."""

    n: int
    sigmas: tuple[float, ...]
    told: dict[str, Told]


@once(maxsize=1)
def measured() -> Noise:
    """What the file says."""
    document = json.loads(FILE.read_text(encoding="utf-8"))
    n = document["n"]
    told = {}
    for name in TITLES:
        starts, intervals = document["right"][name], document["intervals"][name]
        shares = tuple(mean(right) / n for right in zip(*starts, strict=True))
        low, high = (
            [end(bounds) for bounds in zip(*_ends(intervals, at), strict=True)] for at, end in enumerate((min, max))
        )
        told[name] = Told(shares, tuple(low), tuple(high), len(starts))
    return Noise(n, tuple(document["sigmas"]), told)


def _ends(intervals: list[list[list[float]]], at: int) -> list[list[float]]:
    """The low (0) or the high (1) ends of every start's intervals."""
    return [[interval[at] for interval in start] for start in intervals]


@once(maxsize=1)
def noise_figure() -> Finished:
    """Share of digits told right against the noise, with intervals."""
    found, chart, words = measured(), go.Figure(), {}
    for name, one in found.told.items():
        colour, symbol, dash = _LOOKS[name]
        chart.add_scatter(
            x=found.sigmas, y=one.shares, name=TITLES[name], mode="lines+markers", hovertemplate="%{y:.1%}",
            line={"color": colour, "dash": dash}, marker={"symbol": symbol, "size": 8},
            error_y={
                "type": "data", "symmetric": False, "thickness": 1.2, "width": 3,
                "array": [high - share for high, share in zip(one.high, one.shares, strict=True)],
                "arrayminus": [share - low for low, share in zip(one.low, one.shares, strict=True)],
            },
        )  # fmt: skip
        words[TITLES[name]] = [f"{share:.0%} at σ = {at:g}" for share, at in zip(one.shares, found.sigmas, strict=True)]
    chart.update_layout(
        template=TEMPLATE,
        height=360,
        xaxis={"title": "σ of the noise on every pixel"},
        yaxis={"title": "digits told right", "range": [0, 1.02], "tickformat": ".0%"},
    )
    return Finished(
        chart,
        in_words("Share of held-out digits that a classifier tells right, against the noise.", words),
        f"{found.n:,} held-out digits. Bars: 95% intervals; those of the autoencoder and the VAE span the intervals of "
        f"{max(one.starts for one in found.told.values())} random starts.",
    )


@once(maxsize=1)
def noise_text() -> str:
    """What was found: markdown."""
    clean, half = (_at(sigma) for sigma in (0.0, HALF))
    codes = max(("ae", "vae"), key=half.__getitem__)
    pixels = max((PIXELS_LINEAR, PIXELS_NETWORK), key=half.__getitem__)
    verdict = {
        -1: "The codes of the deep encoders are **less** robust than the pixels.",
        0: "Whether the codes of the deep encoders are more robust than the pixels, the intervals do not tell.",
        1: "The codes of the deep encoders are more robust than the pixels.",
    }[_compared(codes, pixels)]
    linear = (
        " PCA's are more robust, with as many numbers: each is a sum over many pixels, in which noise averages out. So "
        "it is not the few numbers that matter but what the encoder does."
        if _compared("pca", pixels) > 0
        else ""
    )
    return (
        f"Without noise: {_list(clean)}. With σ = {HALF:g}: {_list(half)}.\n\n{verdict}{linear} A deep encoder learned "
        "from clean digits. Nothing asked it to map a noisy one to the code of the clean one. What does ask for it is "
        "to train with noisy inputs and clean targets: a **denoising** autoencoder."
    )


def _compared(one: str, other: str) -> int:
    """Whether the first is told right less often (-1) or more often (1) at `HALF`; 0 where the intervals overlap."""
    first, second, at = measured().told[one], measured().told[other], _place(HALF)
    return -1 if first.high[at] < second.low[at] else 1 if first.low[at] > second.high[at] else 0


def _place(sigma: float) -> int:
    return measured().sigmas.index(sigma)


def _at(sigma: float) -> dict[str, float]:
    return {name: one.shares[_place(sigma)] for name, one in measured().told.items()}


def _list(shares: dict[str, float]) -> str:
    return ", ".join(f"{TITLES[name]} **{share:.0%}**" for name, share in shares.items())


@once(maxsize=1)
def noise_table() -> Html:
    """Every share with its interval: HTML."""
    found = measured()
    rows: Rows = []
    for name, one in found.told.items():
        shares = zip(found.sigmas, one.shares, one.low, one.high, strict=True)
        told = {f"σ = {sigma:g}": f"{share:.1%} ({low:.1%} to {high:.1%})" for sigma, share, low, high in shares}
        rows.append({"given": TITLES[name], **told})
    starts = max(one.starts for one in found.told.values())
    return as_html(
        rows,
        title="Robustness to noise in numbers",
        note=f"{found.n:,} held-out digits. Each is told by a classifier fitted, without noise, to four fifths of "
        "them, this one not among them. Noisy pixels are cut off at 0 and 1. Logistic regression, but for the network "
        f"on pixels, which has the encoder's hidden layers of {' and '.join(map(str, HIDDEN))} units. Codes have "
        f"d = {DIMENSIONS}; the VAE's are means; autoencoder and VAE are means over {starts} random starts. In "
        "brackets the 95% interval (Clopper and Pearson), from that of the least start to that of the largest.",
    )


@once(maxsize=1)
def noisy_digits() -> Html:
    """The first held-out digits with more and more noise: HTML."""
    images = held_out(DATASET).first(SHOWN)
    digits = f"the digits {classes_in_words(DATASET, 0, SHOWN)}"
    return labelled_rows(
        [
            Picture(
                f"σ = {sigma:g}", "", tiles(noisy(images.floats(), sigma), images.image_shape, columns=SHOWN),
                f"{digits}, with noise",
            )
            for sigma in SHOWN_SIGMAS
        ]
    )  # fmt: skip
