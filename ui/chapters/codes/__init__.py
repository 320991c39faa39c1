"""Codes you can count: an image as a grid of whole numbers, each the number of an entry in a codebook."""

from __future__ import annotations

from ui.chapters.record import Chapter
from ui.links.url_state import Property, in_browser, number, one_of


def links() -> tuple[Property, ...]:
    """What a link to it may say."""
    from ui.chapters.codes.painted import painted
    from ui.chapters.codes.prior import PRIORS
    from ui.chapters.codes.runs import CELLS, CODEBOOKS, MOST_ENTRIES
    from ui.chapters.inside.drawing import drawing

    return (
        one_of("prior", PRIORS, "whether the prior is told the class"),
        one_of("codebook", CODEBOOKS, "the codebook: its number of entries, or FSQ"),
        *in_browser(
            number("digit", 0, 9, "the class of the held-out digit on the pad"),
            number("example", 1, 99, "which digit of its class"),
            drawing("drawing", "what was drawn by hand"),
            number("cell", 1, CELLS, "the chosen cell, row by row"),
            painted("codes", CELLS, MOST_ENTRIES, "the painted codes"),
            painted("written", CELLS, MOST_ENTRIES, "the codes that the prior has written"),
            number("temperature", 0.25, 4.0, "the temperature at which the prior writes", whole=False, example=0.5),
            number("class", 0, 9, "the class that the prior is told, where it is told one"),
        ),
    )


CHAPTER = Chapter(
    slug="codes",
    title="Codes you can count",
    in_menu="Whole numbers",
    icon=":material/grid_on:",
    order=55,  # after the mathematics
    question="What if a code were a few whole numbers, each from a short list?",
    blurb="Draw a digit and see the 49 whole numbers that stand for it. Paint numbers of your own, and a decoder "
    "answers with an image.",
    minutes=20,
    before="autoencoders; for the last step, the KL",
    learned="""
- A [[VQ-VAE]] turns an image into a grid of whole numbers. Each is the number of the nearest entry in a [[codebook]],
  so a code has a size that can be counted in [[bit]]s.
- The nearest entry has no derivative. The [[straight-through gradient]] hands the encoder what the decoder asks of the
  entry.
- [[perplexity|Perplexity]] says how much of a codebook is used. Entries that are never the nearest never learn: under a
  strong commitment a codebook that starts badly collapses.
- An [[autoregressive prior]] learns which grids of codes occur. It writes new images cell by cell, and says what an
  image costs in bits.
- Levels that do not learn ([[FSQ]]) are a simpler way to whole numbers.
""",
    links=links,
    predictions=("use", "collapse", "gradient", "bits"),
)
