"""Sharper images: why a VAE's images are blurred, and the family of models that learn from each other."""

from __future__ import annotations

from ui.chapters.record import Chapter
from ui.links.url_state import Property, in_browser


def links() -> tuple[Property, ...]:
    """What a link to it may say."""
    from ui.chapters.sharper.blur import blur_links
    from ui.chapters.sharper.toy import toy_links

    return in_browser(*toy_links(), *blur_links())


CHAPTER = Chapter(
    slug="sharper",
    title="Sharper images",
    icon=":material/compare:",
    order=57,  # after whole numbers as codes
    question="Why are a VAE's images blurred, and what do two competing networks do about it?",
    blurb="A GAN and a VAE learn the same points in the plane, live in your browser. Watch one lose modes and the "
    "other blur them, and find the switch that cures it. Then both on digits, in planes that decode under your finger.",
    minutes=20,
    before="autoencoder or VAE; the two terms of a VAE's loss",
    learned="""
- In a [[GAN]] a [[generator]] learns only from a [[discriminator]], which learns to tell its samples from data.
- Nothing measures how far it is from the data, so training can fail: in [[mode collapse]] it makes a few kinds of
  samples only. How fast both learn decides, and the [[R1 penalty]] helps.
- A VAE covers all data, because each point must be rebuilt; but it also fills what lies between.
- A VAE's image is blurred because it is about the mean of all that its code may stand for: no single guess costs less,
  pixel by pixel.
- Which model is better depends on what for: a GAN draws well and knows no likelihood; a VAE encodes, and trains with
  one loss.
- On digits a GAN's samples have edges as sharp as real ones. It has no encoder: the code of an image
  must be searched for.
""",
    links=links,
    predictions=(
        *("loss", "collapse", "stray", "blur", "sharp"),
        *("draw", "rebuild", "between", "odd", "likely", "steady"),  # the vote's purposes
    ),
)
