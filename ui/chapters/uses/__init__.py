"""What codes are good for: five uses, each an experiment beside the method that a professional would try first."""

from __future__ import annotations

from ui.chapters.record import Chapter
from ui.chapters.uses.benches import BENCHES
from ui.links.url_state import Property, in_browser, number, one_of


def links() -> tuple[Property, ...]:
    """What a link to it may say."""
    from ui.chapters.inside.drawing import drawing

    return (
        one_of("bench", [bench.slug for bench in BENCHES], "the bench"),
        *in_browser(
            number("digit", 0, 9, "the class of the held-out digit on the pad"),
            number("example", 1, 99, "which digit of its class"),
            drawing("drawing", "what was drawn by hand"),
        ),
        *(own for bench in BENCHES for own in bench.links()),
    )


CHAPTER = Chapter(
    slug="uses",
    title="What codes are good for",
    in_menu="Uses",
    icon=":material/construction:",
    order=59,  # after faces
    question="Besides drawing images, what is a code good for?",
    blurb="Clean a noisy digit, find the one that does not belong, compress it to a few bits, learn from ten labels, "
    "cut it out of a texture: on your own drawing, each beside the classical method that a professional would try "
    "first.",
    minutes=30,
    before="autoencoder or VAE; for compression, whole numbers as codes",
    learned="\n".join(bench.learned.strip() for bench in BENCHES),
    links=links,
    predictions=tuple(name for bench in BENCHES for name in bench.predictions),
)
