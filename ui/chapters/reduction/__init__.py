"""Dimensionality reduction: what a code is, from chosen pixels over PCA to deep networks."""

from __future__ import annotations

from ui.chapters.record import Chapter
from ui.links.url_state import Property, in_browser, number, one_of


def links() -> tuple[Property, ...]:
    """What a link to it may say."""
    from ui.chapters.reduction.comparison import DIMENSIONS, MEMORISED, TURNS

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
    icon=":material/compress:",
    order=10,
    question="How few numbers can stand for an image, and what is lost on the way?",
    blurb="How few numbers can stand for an image? Pixels, PCA, deep networks; one number that memorises everything and"
    " means nothing.",
    links=links,
    predictions=("best", "line"),
)
