"""The β dial: models that differ in the weight of the KL term."""

from __future__ import annotations

from ui.chapters.record import Chapter
from ui.links.url_state import Property, one_of, word


def links() -> tuple[Property, ...]:
    """What a link to it may say."""
    from ui.chapters.beta.sweep import DIMENSIONS

    return (
        one_of("d", DIMENSIONS, "the number of latent dimensions"),
        word("beta", r"[0-9.]{1,8}|KL only", "β", "a stop of the dial, as it is written there", "4"),
    )


CHAPTER = Chapter(
    slug="beta",
    title="The β dial",
    icon=":material/tune:",
    order=40,
    question="What happens between an autoencoder and a prior that nothing can be read from?",
    blurb="What does the weight of the KL term do? Drag it: points, decoder and samples of trained models follow.",
    links=links,
    predictions=("collapse", "best", "same-dial"),
)
