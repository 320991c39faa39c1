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
    question="How much should the KL term count?",
    blurb="Turn the weight of the KL term from nothing to everything, and see what each model makes of its codes.",
    minutes=12,
    before="what a VAE's loss is made of",
    learned=(
        "- **β** weighs the [[KL]] term. More of it gives codes that match the [[prior]], and pays with "
        "[[reconstruction]].\n"
        "- Without a KL term an encoder that outputs distributions makes them as good as points.\n"
        "- With too much of it, dimensions switch off one by one: [[posterior collapse]].\n"
        "- The variance c of a Gaussian [[likelihood]] is the same dial as β."
    ),
    links=links,
    predictions=("collapse", "best", "kept", "same-dial"),
)
