"""Six numbers for a face: which number of a code found which known factor of rendered heads."""

from __future__ import annotations

from ui.chapters.record import Chapter
from ui.links.url_state import Property, in_browser, number, numbers, one_of


def links() -> tuple[Property, ...]:
    """What a link to it may say."""
    from ui.chapters.faces.family import DIMENSIONS, KINDS  # here, because they are needed only when a link comes

    return (
        one_of("model", KINDS, "the model that the page shows"),
        one_of("d", DIMENSIONS, "how many numbers its code has"),
        *in_browser(numbers("z", max(DIMENSIONS), "the six numbers on the sliders")),
    )


CHAPTER = Chapter(
    slug="faces",
    title="Six numbers for a face",
    icon=":material/face:",
    order=58,  # the last of the story: it needs β, and whole numbers as codes
    question="A face goes in, six numbers come out. Does each of them mean something, such as the smile?",
    blurb="Heads that were rendered with six known features. Move six sliders and the face follows; move a true feature "
    "and see which of the numbers follow. Then ask whether a model found them, and whether it was luck.",
    minutes=20,
    before="VAE; what β does",
    learned="",
    links=links,
    predictions=("found",),
)
