"""Dimensionality reduction: what a code is, from chosen pixels over PCA to deep networks."""

from __future__ import annotations

from ui.chapters.record import Chapter
from ui.links.url_state import Property, in_browser, number, one_of


def links() -> tuple[Property, ...]:
    """What a link to it may say."""
    from ui.chapters.reduction.comparison import DIMENSIONS
    from ui.chapters.reduction.linear import TURNS
    from ui.chapters.reduction.memoriser import MEMORISED

    return (
        one_of("d", DIMENSIONS, "the number of latent dimensions"),
        number("first", 0, 4_989, "the first of the held-out digits shown"),
        one_of("turn", TURNS, "degrees by which the code is turned"),
        one_of("n", MEMORISED, "the number of memorised images"),
        *in_browser(number("z", 0, max(MEMORISED) - 1, "the place on the memoriser's line", whole=False)),
    )


CHAPTER = Chapter(
    slug="reduction",
    title="Dimensionality reduction",
    in_menu="Reduction",
    icon=":material/compress:",
    order=10,
    question="How few numbers can stand for an image, and what is lost on the way?",
    blurb="How few numbers can stand for an image? We try chosen pixels, PCA and deep networks, and one number that "
    "remembers everything and means nothing.",
    minutes=15,
    before="what an average is; formulas may be skipped",
    learned="- An [[encoder]] and a [[decoder]] are one pair, made to lose as little as possible through d numbers.\n"
    "- [[PCA]] is the best **linear** pair. Its directions are the leading eigenvectors of the covariance, and its "
    "decoder is the transpose of its encoder.\n"
    "- A deep [[autoencoder]] is non-linear and loses less with the same d.\n"
    "- A small training error is not enough: one number can memorise a small set and mean nothing.",
    links=links,
    predictions=("best", "line"),
)
