"""Home: an autoencoder's plane and a VAE's, and where to go from there."""

from __future__ import annotations

from ui.chapters.record import Chapter
from ui.links.url_state import Property, plane


def links() -> tuple[Property, ...]:
    """What a link to it may say."""
    return (*plane("ae-", "the autoencoder's plane"), *plane("vae-", "the VAE's plane"))


CHAPTER = Chapter(
    slug="home",
    title="Home",
    icon=":material/home:",
    order=0,
    links=links,
    is_home=True,
)
