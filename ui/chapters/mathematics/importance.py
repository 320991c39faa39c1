"""ELBO and importance-weighted bound of one held-out digit: by the encoder's q, and by one fitted to this digit alone.

Computed once for each run and digit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import plotly.graph_objects as go
from scipy.special import stdtrit

from ui.figures.markup import Html
from ui.figures.palette import CLASS_COLOURS
from ui.figures.pictures import Picture, labelled_rows, tiles
from ui.figures.plots import TEMPLATE, Finished, in_words
from ui.figures.tables import as_html
from ui.once import once
from ui.runs.resources import classes_in_words, held_out, load_run, shelf
from ui.runs.selection import compared_spec
from vae_core.datasets import ImageDataset
from vae_core.errors import RunNotFound
from vae_core.evaluation.importance import Bound, bounds_by_k, effective_samples, gaussian_log_weights
from vae_core.lessons.amortisation import PAIRS, DiagonalGaussian, Gaps, encoded, refined, split_gap
from vae_core.lessons.gradient_estimators import Estimate
from vae_core.losses.gaussian import reparameterise
from vae_core.spec import RunSpec

DATASET = "mnist"
DIMENSIONS = (2, 16)
HELD_OUT = 5_000
WEIGHTS = 20_000
LARGEST = 5_000
KS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, LARGEST)
SEED = 0
DECODED = 10
FEW = 100  # effective samples: with fewer, the bound is still visibly low
ENCODER, REFINED = "the encoder's q", "the refined q"


@dataclass(frozen=True)
class Bounded:
    """The bounds of one image by one q.

    Attributes:
        key: of the run.
        image: its number among the held-out ones.
        q: whose samples were weighted.
        log_weights: of `WEIGHTS` samples.
        bounds: by k, KS in order; nats.
        effective: effective sample size of `LARGEST` samples, the median over the groups.
    """

    key: str
    image: int
    q: DiagonalGaussian
    log_weights: np.ndarray
    bounds: tuple[Bound, ...]
    effective: float


def shown_spec(dimensions: int) -> RunSpec:
    """The VAE that is shown: as other chapters compare them, but trained on pixels drawn as 0 or 1."""
    return replace(compared_spec("vae", DATASET, dimensions), binarised=True)


def run_key(dimensions: int) -> str:
    """Key of the VAE that is shown.

    Raises:
        RunNotFound: it is not in the store.
    """
    spec = shown_spec(dimensions)
    if spec not in shelf():
        raise RunNotFound(f"the VAE with d = {dimensions} is not in the store; run 'python -m vae_core rebuild'.")
    return spec.key


@once(maxsize=1)
def drawn() -> ImageDataset:
    """The held-out images, each pixel drawn as 0 or 1 with its grey value as the chance: as training draws them."""
    return held_out(DATASET).binarised()


def pixels_of(image: int) -> np.ndarray:
    """The drawn pixels of one image, float32 (D,)."""
    return drawn().images[image].ravel().astype(np.float32) / 255.0  # not all of them: that takes 15 MB


@once(maxsize=32)
def bounded(key: str, image: int) -> Bounded:
    """The bounds of a held-out image by the encoder's q."""
    return _bounded(key, image, encoded(load_run(key), pixels_of(image)))


@once(maxsize=32)
def refined_bounds(key: str, image: int) -> Bounded:
    """The same by the q that is fitted to this image alone, with the same noise."""
    run, pixels = load_run(key), pixels_of(image)
    return _bounded(key, image, refined(run, pixels, encoded(run, pixels)))


def _bounded(key: str, image: int, q: DiagonalGaussian) -> Bounded:
    log_weights = gaussian_log_weights(load_run(key), pixels_of(image), *q, WEIGHTS, SEED)
    effective = float(np.median(effective_samples(log_weights.reshape(-1, LARGEST))))
    return Bounded(key, image, q, log_weights, tuple(bounds_by_k(log_weights, KS)), effective)


def gaps_of(key: str, image: int) -> Gaps:
    """What the encoder and what the family of Gaussians cost for this image."""
    return split_gap(bounded(key, image).log_weights, refined_bounds(key, image).log_weights, LARGEST)


def half_width(one: Bound | Estimate) -> float:
    """Half of the 95% interval of a bound or a gap: Student's, because the largest k has few groups."""
    assert one.standard_error is not None  # WEIGHTS are some groups of LARGEST
    repeats = one.repeats if isinstance(one, Bound) else one.n
    return float(stdtrit(repeats - 1, 0.975)) * one.standard_error


def within(one: Bound | Estimate) -> str:
    """The half width in words: two decimals, or the first digit of what is smaller."""
    half = half_width(one)
    return f"{half:.2f}" if half >= 0.005 else f"{half:.1g}"


def shown_bounds(key: str, image: int, refine: bool) -> dict[str, Bounded]:
    """By the name of the curve: the encoder's, and the refined one if it is asked for."""
    found = {ENCODER: bounded(key, image)}
    return {**found, REFINED: refined_bounds(key, image)} if refine else found


@once(maxsize=128)
def bound_curve(key: str, image: int, refine: bool) -> Finished:
    """The bound against k, on a scale of ratios; a curve for each q."""
    chart, told = go.Figure(), {}
    looks = zip(CLASS_COLOURS, ("circle", "diamond"), ("solid", "dash"), strict=False)
    for (name, found), (colour, symbol, dash) in zip(shown_bounds(key, image, refine).items(), looks, strict=False):
        bounds = found.bounds
        chart.add_scatter(
            x=[one.k for one in bounds], y=[one.value for one in bounds], mode="lines+markers", name=name,
            line={"color": colour, "dash": dash}, marker={"symbol": symbol, "size": 8},
            customdata=[one.repeats for one in bounds],
            error_y={"array": [half_width(one) for one in bounds], "thickness": 1.5, "width": 4},
            hovertemplate="k = %{x:,}: %{y:.2f} nats<br>mean of %{customdata:,} estimates",
        )  # fmt: skip
        told[name] = [f"{one.value:.2f} ± {within(one)} at k = {one.k:,}" for one in bounds]
    chart.update_layout(
        template=TEMPLATE,
        height=265,  # with table and pictures below it on one slide
        showlegend=True,
        xaxis={"title": "samples k", "type": "log", "tickvals": [1, 10, 100, 1000, LARGEST], "tickformat": ","},
        yaxis={"title": "bound on log p(x), nats"},
        hovermode="closest",
    )
    note = (
        f"One held-out digit, one trained model. Bars: 95% intervals, over groups of k from {WEIGHTS:,} samples. k is "
        "on a scale of ratios."
    )
    return Finished(chart, in_words("Bound on log p(x) in nats against samples k, with 95% error bars.", told), note)


def bound_sentence(key: str, image: int) -> str:
    """What the encoder's curve shows, in numbers: markdown."""
    found = bounded(key, image)
    first, last = found.bounds[0], found.bounds[-1]
    told = (
        f"The ELBO of this image is **{first.value:.2f}** ± {within(first)} [[nat|nats]]; with {last.k:,} "
        f"samples the bound is **{last.value:.2f}** ± {within(last)}. log p(x) is at least about that. So for "
        "this image the gap of step 2, KL(q ‖ p(z|x)), is at least about "
        f"**{last.value - first.value:.2f} nats**. {effective_sentence(found)}"
    )
    return told.replace("-", "−")


def effective_sentence(found: Bounded) -> str:
    """What the samples of a bound are worth."""
    count = f"{found.effective:,.0f}" if found.effective >= 10 else f"{found.effective:.1f}"
    told = f"The weights differ so much that {LARGEST:,} samples count as **{count}**, the [[effective sample size]]"
    return f"{told}: so few that the bound still lies too low." if found.effective < FEW else f"{told}."


def gap_sentence(key: str, image: int) -> str:
    """How the gap splits, in numbers: markdown."""
    gaps, found = gaps_of(key, image), refined_bounds(key, image)
    amortisation, approximation = gaps.amortisation, gaps.approximation
    apart = amortisation.value - approximation.value
    if abs(apart) < half_width(amortisation) + half_width(approximation):
        more = "what shows of both weighs about as much"
    elif apart > 0:
        more = "what shows is mostly the encoder's; the family's may be larger than its bound"
    else:
        more = "most of it is the family's"
    seen = approximation.value > half_width(approximation)
    none = "no Gaussian with independent dimensions equals the posterior" if seen else "of it nothing is seen here"
    told = (
        f"Fitted to this image alone, q gains **{amortisation.value:.2f}** ± {within(amortisation)} nats: the "
        "[[amortisation gap]]. The encoder answers for all images with one network, and misses that much here. To the "
        f"bound there are still **{approximation.value:.2f}** ± {within(approximation)} nats, the "
        f"[[approximation gap]], at least: {none}. For this image "
        f"{more}. The refined q is also the better one to sample from: {LARGEST:,} of its samples count as "
        f"**{found.effective:,.0f}**."
    )
    return told.replace("-", "−")


def gap_table(key: str, image: int, refine: bool) -> Html:
    """ELBO, bound and effective sample size by q, all of them on a phone: HTML."""
    rows: list[dict[str, object]] = []
    for name, found in shown_bounds(key, image, refine).items():
        first, last = found.bounds[0], found.bounds[-1]
        rows.append(
            {
                "samples of": name,
                "ELBO": f"{first.value:.2f} (± {within(first)})".replace("-", "−"),
                f"k = {last.k:,}": f"{last.value:.2f} (± {within(last)})".replace("-", "−"),
                "effective": f"{found.effective:,.0f}",
            }
        )
    return as_html(rows, title="The bounds by q", narrow=True)


def bound_note(key: str, image: int, refine: bool) -> str:
    """How the bounds were measured."""
    told = (
        f"{WEIGHTS:,} samples of q(z|x), cut into groups of k; ± and the bars are 95% intervals of the mean over the "
        f"groups, and the last one rests on {bounded(key, image).bounds[-1].repeats} of them. Effective sample size: "
        "(sum of the weights)² / sum of their squares, the median over these groups; where it is small, one sample "
        "rules, the bound is too low and its interval too narrow. The model was trained on pixels that are drawn as 0 "
        "or 1, with their grey value as the chance, and so is the image here, with a fixed seed: on grey pixels the "
        "Bernoulli likelihood is no probability, and log p(x) would have no meaning."
    )
    if not refine:
        return told
    return (
        f"{told} Refined: μ and log σ of every dimension by L-BFGS from the encoder's values, on {2 * PAIRS} fixed "
        "samples of the noise; both q are then measured with other noise, the same for both."
    )


@once(maxsize=128)
def bound_pictures(key: str, image: int, refine: bool) -> Html:
    """The digit: as it is, as it was drawn in 0 and 1, and what samples of each q decode to: HTML."""
    images, run = held_out(DATASET), load_run(key)
    grey, seen = images.floats()[image].reshape(1, -1), pixels_of(image)[None]
    noise = np.random.default_rng(SEED).standard_normal((DECODED, run.spec.latent_dim))
    digit = classes_in_words(DATASET, image, 1)
    rows = [
        Picture(
            f"Held-out image {image}", "as it is, and its pixels drawn as 0 or 1",
            tiles(np.concatenate([grey, seen]), images.image_shape, columns=2 + DECODED), f"2 images of a {digit}",
        )
    ]  # fmt: skip
    for name, found in shown_bounds(key, image, refine).items():
        decoded = tiles(run.decode(reparameterise(*found.q, noise)), images.image_shape, columns=DECODED)
        rows.append(Picture(f"Samples of {name}", "decoded", decoded, f"{DECODED} images of about a {digit}"))
    return labelled_rows(rows)
