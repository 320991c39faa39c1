"""Six numbers for a face: which number of a code found which known factor of rendered heads."""

from __future__ import annotations

from ui.chapters.record import Chapter
from ui.links.url_state import Property, in_browser, number, numbers, one_of, word


def links() -> tuple[Property, ...]:
    """What a link to it may say."""
    from ui.chapters.faces.attribute import FARTHEST, METHODS  # here: needed only when a link comes
    from ui.chapters.faces.family import DATASET, DIMENSIONS, KINDS
    from ui.chapters.faces.found import MEASURES
    from ui.chapters.faces.instrument import HEADS
    from ui.chapters.faces.over_seeds import FIGURES
    from vae_core.datasets.limits import MOST_FACTORS

    return (
        word("dataset", r"[a-z0-9_-]+", "the images; the ones that are here can be chosen", "a name", DATASET),
        one_of("model", KINDS, "the model that the page shows"),
        one_of("d", DIMENSIONS, "how many numbers its code has"),
        one_of("measure", MEASURES, "what the table of numbers and features shows"),
        one_of("score", FIGURES, "which score is shown over seeds"),
        number("feature", 1, MOST_FACTORS, "the feature that is added, counted from 1"),
        one_of("by", METHODS, "how the direction is found"),
        number("onto", 1, HEADS, "the held-out image that it is added to"),
        *in_browser(
            number("alpha", -FARTHEST, FARTHEST, "how much of it is added", whole=False, example=-0.5),
            numbers("z", max(DIMENSIONS), "the numbers on the sliders"),
            number("head", 1, HEADS, "the held-out image that they start from"),
            one_of("order", ("size", "number"), "whether they are sorted by size, or as they are in the code"),
            numbers("factors", MOST_FACTORS, "the true features"),
            word("walk", r"[1-9]\d?-[1-9]\d?", "the held-out images between which one walks", "first-second", "3-7"),
            number("t", 0, 1, "how far one has walked, from 0 to 1", whole=False, example=0.25),
            word(
                "analogy",
                r"[1-9]\d?-[1-9]\d?-[1-9]\d?",
                "the analogy: its feature, and the held-out images A and C; or A, B and C where no features are known",
                "feature-A-C or A-B-C",
                "2-1-5",
            ),
            number(
                "more",
                -1,
                1,
                "by how much the feature changes from A to B, in shares of its range",
                whole=False,
                example=0.25,
            ),
            word(
                "cell", r"[1-9]\d?-[1-9]\d?", "the number and the feature of the table's cell", "number-feature", "2-1"
            ),
        ),
    )


CHAPTER = Chapter(
    slug="faces",
    title="Six numbers for a face",
    in_menu="A face",
    icon=":material/face:",
    order=58,  # the last of the story: it needs β, and whole numbers as codes
    question="A face goes in, six numbers come out. Does each of them mean something, such as the smile?",
    blurb="Heads that were rendered with six known features. Move six sliders and the face follows; move a true "
    "feature and see which of the numbers follow. Then ask whether a model found them, and whether it was luck.",
    minutes=20,
    before="VAE; what β does",
    learned="""
- A VAE's code has a few numbers, and a face follows each of them. What a number means, training does not ask.
- Whether a number found a feature can be measured only where the features are known: [[MIG]], [[DCI]] and the like.
- A number that the decoder does not need stays at the prior and says nothing: [[posterior collapse]].
- How much of such a score is the method, and how much is luck, only several random starts tell.
- A feature can be added without a number of its own, along an [[attribute vector]]. What else moves along can be
  measured, and so can how near a walk or an analogy comes to the true head.
""",
    links=links,
    predictions=("found",),
)
