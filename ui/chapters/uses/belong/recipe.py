"""Which runs the bench compares, and its scores by name."""

from __future__ import annotations

from typing import NamedTuple

from vae_core.spec import RunSpec

DATASET = "mnist"
DIGITS = tuple(range(10))
# Small networks, with as many latent dimensions as ten digits need.
SIZES = {"vae": ("vae", 8, (64, 32)), "ae": ("ae", 8, (64, 32))}


def spec_of(name: str, left_out: int) -> RunSpec:
    """The run of `SIZES` that never saw one digit."""
    model, dimensions, hidden = SIZES[name]
    return RunSpec(
        DATASET, model, latent_dim=dimensions, hidden=hidden, epochs=12, batch_size=256, learning_rate=2e-3,
        without=left_out,
    )  # fmt: skip


class Score(NamedTuple):
    """A score of the bench.

    Attributes:
        slug: in links.
        title: to display.
        what: it measures, in a clause.
        unit: of its values; empty for a number without one.
        live: whether the browser computes it of a drawing.
    """

    slug: str
    title: str
    what: str
    unit: str = ""
    live: bool = True


PCA, NEAREST = "pca", "nearest"
# Those of the instrument.
LIVE = {
    "vae squared_error": Score("error", "Squared error", "squared error of the image at the mean code"),
    "vae reconstruction": Score("nats", "Cross-entropy", "cross-entropy of the image at the mean code", "nats"),
    "vae above_floor": Score("floor", "Above the floor", "cross-entropy less the pixels' own entropy", "nats"),
    "vae negative_elbo": Score("elbo", "Negative ELBO", "mean reconstruction over drawn codes, plus the KL", "nats"),
    "vae importance_weighted": Score("bound", "Importance-weighted", "the negative importance-weighted bound", "nats"),
    "vae mahalanobis": Score("code", "Distance of the code", "Mahalanobis distance of the mean code to all codes", "σ"),
    PCA: Score("pca", "PCA error", "squared distance to the subspace of PCA, mean over pixels"),
    NEAREST: Score(
        "nearest", "Nearest digit", "Euclidean distance of the pixels to the nearest usual digit", live=False
    ),
}  # fmt: skip
NETWORKS = {"vae": "VAE", "ae": "AE"}


def title_of(name: str) -> str:
    """A score of the table, with its network: "VAE: squared error"."""
    if name in (PCA, NEAREST):
        return {PCA: "PCA: squared error", NEAREST: "Nearest training image"}[name]
    network, _, score = name.partition(" ")
    title = LIVE[f"vae {score}"].title
    return f"{NETWORKS[network]}: {title[:1].lower() + title[1:] if not title.startswith(('PCA', 'ELBO')) else title}"
