"""Latent explorer: any trained run in full."""

from __future__ import annotations

from dataclasses import replace

from ui.chapters.record import Chapter
from ui.links.url_state import Property, in_browser, key, number, plane


def links() -> tuple[Property, ...]:
    """What a link to it may say."""
    from ui.chapters.codes.painted import MOST_CELLS, painted
    from ui.runs.resources import MOST_HELD_OUT
    from vae_core.models.quantised_options import MOST_ENTRIES
    from vae_core.spec import MAX_EPOCHS

    z, seen, *rest = plane("", "the plane")
    return (
        key("run", "the run to show"),
        *(replace(one, in_browser=False) for one in (z, seen)),  # pins and view are told to the page, which tables them
        *rest,
        *in_browser(
            number("image", 1, MOST_HELD_OUT, "of a run with a codebook, the held-out image shown"),
            number("cell", 1, MOST_CELLS, "its chosen cell, row by row"),
            painted("codes", None, MOST_ENTRIES, "the painted codes"),
            painted("written", None, MOST_ENTRIES, "the codes that a prior has written"),
            number("temperature", 0.25, 4.0, "the temperature at which it writes", whole=False, example=0.5),
            number("class", 0, MOST_CLASSES, "the class that it is told, where it is told one"),
            number("epoch", 0, MAX_EPOCHS, "the epoch that its film shows"),
        ),
    )


# Of any run; the browser leaves out what the one on screen does not have.
MOST_CLASSES = 255
OF_CODES = ("image", "cell", "codes", "written", "temperature", "class", "epoch")


CHAPTER = Chapter(
    slug="explorer",
    title="Latent explorer",
    icon=":material/explore:",
    order=70,
    is_tool=True,
    question="What does this model make of its latent space?",
    blurb="Any trained run with the full instrument: pin points, draw paths, move every dimension, compare two runs.",
    minutes=5,
    learned="- What a model makes of its [[latent space]] shows in three things: where images are encoded, what lies "
    "between them, and what a place without images decodes to.\n"
    "- Two runs are compared on the same held-out images.",
    links=links,
)
