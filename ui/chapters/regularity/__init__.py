"""Autoencoder or VAE: where one can sample from, and the numbers that tell."""

from __future__ import annotations

from ui.chapters.record import Chapter
from ui.links.url_state import Property, number, one_of, plane


def links() -> tuple[Property, ...]:
    """What a link to it may say."""
    from ui.chapters.regularity.comparison import DATASETS, DEPTHS, DIMENSIONS
    from ui.chapters.regularity.neighbours import STEPS
    from vae_core.sampling import SOURCES

    largest = max(DIMENSIONS)
    return (
        one_of("dataset", DATASETS, "the images"),
        one_of("d", DIMENSIONS, "the number of latent dimensions"),
        one_of("depth", DEPTHS, "the hidden layers"),
        one_of("planes", DIMENSIONS, "the latent dimensions of the planes and of the steps, where they differ from d"),
        number("across", 1, largest, "the coordinate across, where two are drawn instead of the principal plane"),
        number("up", 1, largest, "the coordinate upwards"),
        number("at", 0, 100_000, "the held-out image at whose code the other coordinates stay"),
        number("near", 0, 100_000, "the held-out image from whose code the steps are taken"),
        one_of("step", STEPS, "the length of the steps, in standard deviations of the codes"),
        one_of("from", SOURCES, "where samples are taken from, other than N(0, I)"),
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
    question="Why can we generate new images with a VAE, but not with a plain autoencoder?",
    blurb="Why can we generate new images with a VAE, but not with a plain autoencoder? Take small steps, sample, and "
    "walk between two images.",
    minutes=15,
    before="what an encoder, a decoder and a code are",
    learned="""- A latent space is useful for generating if it has [[continuity]] (near points decode alike) and
  [[completeness]] (samples of the [[prior]] decode to something meaningful).
- A plain [[autoencoder]] is trained for neither. Nothing tells you where to sample. A [[mixture]] fitted to its codes
  afterwards repairs much of that.
- A [[VAE]] is trained so that you know where to sample in advance: from the prior.
- One number is not enough. [[ambiguity|Ambiguity]] says whether samples look like digits, [[coverage]] whether all
  kinds of digits appear.""",
    links=links,
    predictions=("prior", "mixture"),
)
