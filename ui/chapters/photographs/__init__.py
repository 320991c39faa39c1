"""Your own photographs: the chapters' experiments on a visitor's own images."""

from __future__ import annotations

from ui.chapters.record import Chapter
from ui.links.url_state import Property, in_browser, number, one_of, plane, several_of, word


def links() -> tuple[Property, ...]:
    """What a link to it may say."""
    from ui.chapters.photographs.album import FARTHEST, TILES
    from ui.chapters.photographs.runs import BETAS, DIMENSIONS
    from vae_core.datasets.limits import MOST_CLASSES

    numbers = range(1, TILES + 1)  # as on screen
    return (
        word("dataset", r"[a-z0-9_-]+", "the photographs; the ones that are here can be chosen", "a name", "mnist"),
        one_of("d", DIMENSIONS, "the number of latent dimensions"),
        several_of("between", numbers, "the numbers of the two photographs to walk between"),
        number("class", 0, MOST_CLASSES - 1, "the class, counted from 0, that is the attribute"),
        several_of("with", numbers, "the numbers of the photographs that have the attribute"),
        several_of("without", numbers, "the numbers of those that do not have it"),
        number("onto", 1, TILES, "the number of the photograph that it is added to"),
        one_of("beta", BETAS, "β"),
        *in_browser(
            number("t", 0.0, 1.0, "the place between the two photographs", whole=False, example=0.25),
            number("alpha", -FARTHEST, FARTHEST, "how much of the attribute is added", whole=False, example=-1.5),
        ),
        *plane("ae-", "the autoencoder's plane"),
        *plane("vae-", "the VAE's plane"),
    )


CHAPTER = Chapter(
    slug="photographs",
    title="Your own photographs",
    icon=":material/photo_library:",
    order=65,  # after Train your own, where they are sent
    is_tool=True,
    question="What do an autoencoder and a VAE make of your own photographs?",
    blurb="The chapters' experiments on images that you have sent: both planes, a walk between two photographs, "
    "an attribute added to a third, β.",
    minutes=10,
    learned=(
        "- The planes, the walk and the dial work on any photographs: only the models are others.\n"
        "- A point between two [[code|codes]] decodes to something between two photographs, more or less well.\n"
        "- The difference of two mean codes is a direction. With few photographs it holds whatever else differs "
        "between the two groups.\n"
        "- A model rebuilds what is like its training images. The error per pixel tells how far a new one is from them."
    ),
    links=links,
)
