"""Latent explorer: any trained run in full."""

from __future__ import annotations

from dataclasses import replace

from ui.chapters.record import Chapter
from ui.links.url_state import Property, key, plane


def links() -> tuple[Property, ...]:
    """What a link to it may say."""
    z, seen, *rest = plane("", "the plane")
    # Pins and view are told to the page, which tables them.
    return (key("run", "the run to show"), *(replace(one, in_browser=False) for one in (z, seen)), *rest)


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
