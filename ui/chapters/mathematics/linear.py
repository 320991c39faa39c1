"""A linear VAE beside probabilistic PCA: what the closed form says, and what training found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from plotly.subplots import make_subplots

from ui.chapters.mathematics.importance import DIMENSIONS as BOUND_DIMENSIONS
from ui.chapters.mathematics.importance import shown_spec
from ui.chapters.mathematics.over_digits import usual_gap
from ui.figures.markup import Html
from ui.figures.palette import CLASS_COLOURS, KL_COLOUR
from ui.figures.pictures import Picture, labelled_rows, signed_tiles
from ui.figures.plots import TEMPLATE, Finished, in_words
from ui.once import once
from ui.runs.resources import load_run, shelf
from vae_core.datasets import load
from vae_core.errors import RunNotFound
from vae_core.lessons.linear_vae import (
    Spectrum,
    affine_decoder,
    best_decoder,
    best_kl,
    best_log_likelihood,
    exact_elbo,
    log_likelihood,
    spectrum,
)
from vae_core.losses.gaussian import closed_form_kl
from vae_core.storage.manifest import shipped_run

DATASET, DIMENSIONS = "digits", 16
LINEAR_VARIANCES = (0.05, 0.12, 0.3)  # of the shipped runs
IN_USE = 0.03  # nats: a dimension with less KL has collapsed
TILES = 8


@dataclass(frozen=True)
class Compared:
    """A trained linear VAE against the optimum, on its training images; nats per image, nothing sampled.

    Attributes:
        c: the variance of both.
        predicted: KL by dimension at the optimum, descending.
        found: KL by dimension of the trained VAE, descending.
        columns: (D, d), the decoder's, in the same order.
        best: log p(x) at the optimum.
        own: log p(x) under the trained VAE.
        elbo: of the trained VAE.
    """

    c: float
    predicted: np.ndarray
    found: np.ndarray
    columns: np.ndarray
    best: float
    own: float
    elbo: float

    @property
    def kept(self) -> int:
        """How many dimensions the optimum uses."""
        return int((self.predicted > 0.0).sum())


@once(maxsize=1)
def training_images() -> np.ndarray:
    """The images that the runs learned from, float64 (N, D)."""
    return load(DATASET, "train", download=False).floats().astype(np.float64)


@once(maxsize=1)
def eigenvalues() -> Spectrum:
    """Of the covariance of these images."""
    return spectrum(training_images())


@once(maxsize=len(LINEAR_VARIANCES))
def compared(key: str) -> Compared:
    """A linear run against the optimum at its variance."""
    run, images, best = load_run(key), training_images(), eigenvalues()
    decoder, (mean, log_var) = affine_decoder(run), run.posterior(images)
    kl = closed_form_kl(mean, log_var).mean(axis=0)
    order = np.argsort(-kl)
    return Compared(
        c=decoder.c,
        predicted=best_kl(best.eigenvalues, DIMENSIONS, decoder.c),
        found=kl[order],
        columns=decoder.weight[:, order],
        best=best_log_likelihood(best.eigenvalues, DIMENSIONS, decoder.c),
        own=float(log_likelihood(decoder, images).mean()),
        elbo=float(exact_elbo(decoder, mean, log_var, images).mean()),
    )


def linear_key(c: float) -> str:
    """The key of the linear VAE with this variance.

    Raises:
        RunNotFound: it is not in the store.
    """
    spec = shipped_run(dataset=DATASET, model="vae", latent_dim=DIMENSIONS, hidden=(), variance=c)
    if spec not in shelf():
        raise RunNotFound(f"the linear VAE with c = {c:g} is not in the store; run 'python -m vae_core rebuild'.")
    return spec.key


@once(maxsize=len(LINEAR_VARIANCES))
def linear_figure(key: str) -> Finished:
    """Eigenvalues against c above, and below them the KL of every dimension, predicted and found."""
    one, values = compared(key), eigenvalues().eigenvalues[:DIMENSIONS]
    numbers = list(range(1, DIMENSIONS + 1))
    chart = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.08)
    colours = [CLASS_COLOURS[0] if value > one.c else CLASS_COLOURS[6] for value in values]
    chart.add_bar(
        x=numbers, y=values.tolist(), marker={"color": colours}, name="eigenvalue λᵢ", showlegend=False,
        hovertemplate="λ = %{y:.3f}<extra></extra>", row=1, col=1,
    )  # fmt: skip
    chart.add_hline(
        y=one.c, line={"color": CLASS_COLOURS[1], "dash": "dash"}, annotation_text=f"c = {one.c:g}",
        annotation_position="top right", row=1, col=1,
    )  # fmt: skip
    chart.add_bar(
        x=numbers, y=one.found.tolist(), name="KL of the trained VAE", marker={"color": KL_COLOUR},
        hovertemplate="found %{y:.3f}", row=2, col=1,
    )  # fmt: skip
    chart.add_scatter(
        x=numbers, y=one.predicted.tolist(), name="predicted: ½ log(λᵢ/c)", mode="markers",
        marker={"symbol": "line-ew-open", "size": 16, "color": CLASS_COLOURS[0], "line": {"width": 3}},
        hovertemplate="predicted %{y:.3f}", row=2, col=1,
    )  # fmt: skip
    chart.update_layout(template=TEMPLATE, height=250, bargap=0.25)  # with the pictures below it on one slide
    chart.update_xaxes(title="latent dimension, in descending order", tickvals=[1, 4, 8, 12, 16], row=2, col=1)
    chart.update_yaxes(title="variance λᵢ", row=1, col=1)
    chart.update_yaxes(title="KL, nats", row=2, col=1)
    told = {
        "Eigenvalues": [f"{value:.3f}" for value in values],
        "Predicted KL": [f"{value:.3f}" for value in one.predicted],
        "KL of the trained VAE": [f"{value:.3f}" for value in one.found],
    }
    return Finished(
        chart,
        in_words(f"Eigenvalues, and the KL of each of {DIMENSIONS} dimensions, c = {one.c:g}.", told),
        f"{len(training_images()):,} training images, one trained VAE; the KL is exact, nothing is sampled.",
    )


@once(maxsize=len(LINEAR_VARIANCES))
def linear_pictures(key: str) -> Html:
    """The first columns of both decoders as images: HTML."""
    one, best = compared(key), eigenvalues()
    optimum = best_decoder(best, DIMENSIONS, one.c)[:, :TILES]
    shape = load_run(key).image_shape
    signs = np.where((optimum * one.columns[:, :TILES]).sum(axis=0) < 0.0, -1.0, 1.0)  # z and -z are the same model
    rows = []
    for name, told, columns in (
        ("Closed form", "eigenvectors of the covariance", optimum),
        ("Trained", "columns of the VAE's decoder, by their KL", one.columns[:, :TILES] * signs),
    ):
        shown = min(TILES, one.kept)
        seen = f"{shown} images on black, blue where one adds ink and orange where it takes ink away"
        rows.append(Picture(name, told, signed_tiles(columns.T[:shown], shape, columns=TILES), seen))
    return labelled_rows(rows)


def linear_sentence(key: str) -> str:
    """What was predicted and what was found, in numbers: markdown."""
    one = compared(key)
    in_use = int((one.found > IN_USE).sum())
    rest = DIMENSIONS - one.kept
    collapsed = "none should collapse" if not rest else f"the other {rest} should collapse"
    told = (
        f"At c = {one.c:g}, **{one.kept}** of {DIMENSIONS} eigenvalues are above c, and {collapsed}. In the trained "
        f"VAE **{in_use}** dimensions are in use. No linear model reaches a higher log p(x) than **{one.best:.3f}** "
        f"nats per image. The trained VAE's own is **{one.own:.3f}**, and its ELBO **{one.elbo:.3f}**: the gap between "
        f"the two is **{one.own - one.elbo:.3f}** here"
    ).replace("-", "−")
    of_digits = usual_gap(shown_spec(BOUND_DIMENSIONS[0]).key)
    return f"{told}; in step 5 it was {of_digits} (d = {BOUND_DIMENSIONS[0]})." if of_digits else f"{told}."


def linear_note() -> str:
    """What the numbers rest on."""
    return (
        f"{len(training_images()):,} training images of 8 × 8 digits, pixels from 0 to 1; one run for each c. ELBO and "
        f"log p(x) of both models are exact: nothing is sampled. In use: a KL above {IN_USE:g} nats. Densities may "
        "exceed 1, so log p(x) may be positive. PCA leaves the axes within the subspace free; the ELBO does not, since "
        "only columns at right angles have a posterior with independent dimensions: so the VAE finds the eigenvectors "
        "themselves, up to their sign, where the eigenvalues differ."
    )
