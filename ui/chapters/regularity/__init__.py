"""Autoencoder or VAE: where one can draw from, and the numbers that tell."""

from __future__ import annotations

from ui.chapters.record import Chapter
from ui.links.url_state import Property, number, one_of, plane


def links() -> tuple[Property, ...]:
    """What a link to it may say."""
    from ui.chapters.regularity.comparison import DATASETS, DEPTHS, DIMENSIONS
    from vae_core.sampling import SOURCES

    largest = max(DIMENSIONS)
    return (
        one_of("dataset", DATASETS, "the images"),
        one_of("d", DIMENSIONS, "the number of latent dimensions"),
        one_of("depth", DEPTHS, "the hidden layers"),
        number("across", 1, largest, "the coordinate across, where two are drawn instead of the principal plane"),
        number("up", 1, largest, "the coordinate upwards"),
        number("at", 0, 100_000, "the held-out image at whose code the other coordinates stay"),
        one_of("from", SOURCES, "where samples are drawn from"),
        number("seed", 0, 2**31 - 1, "the seed of the samples"),
        number("start", 0, 99, "the class that the path begins in"),
        number("end", 0, 99, "the class that the path ends in"),
        number("pair", 0, 100_000, "which pair of images of the two classes"),
        *plane("ae-", "the autoencoder's plane"),
        *plane("vae-", "the VAE's plane"),
    )


CHAPTER = Chapter(
    slug="regularity",
    title="Autoencoder or VAE",
    icon=":material/compare:",
    order=20,
    question="Why can one draw new images from a VAE, and not from an autoencoder?",
    blurb="Why can one draw new images from a VAE and not from an autoencoder? Samples, paths and the numbers that "
    "tell.",
    links=links,
    predictions=("prior", "mixture"),
)
