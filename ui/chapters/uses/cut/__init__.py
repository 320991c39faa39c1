"""Cut out: an autoencoder that is asked for a mask instead of the picture, beside thresholds that learn nothing."""

from __future__ import annotations

from ui.chapters.uses.bench import Bench
from ui.links.url_state import Property, in_browser, number, one_of

QUESTIONS = ("cut-skips", "cut-masks")


def links() -> tuple[Property, ...]:
    """What a link may say of it."""
    from ui.chapters.uses.cut.bench import NUMBERS
    from vae_core.datasets.textured import TEXTURES

    return in_browser(
        one_of("texture", TEXTURES, "what the figure lies on"),
        number("crop", 1, NUMBERS, "which part of the texture", example=2),
        one_of("figure", ("bright", "dark"), "whether the figure is brighter than its ground"),
    )


BENCH = Bench(
    slug="cut",
    title="Cut out",
    question="Which pixels are the figure? Can a network learn it from a few hundred masks?",
    learned="- An [[autoencoder]] is trained with pairs of an image and a target. The target need not be the image: "
    "with a mask as the target the same network learns [[segmentation]].\n"
    "- [[skip connection|Skip connections]] hand the encoder's maps on to the decoder. Without them, every edge must "
    "pass through the code.\n"
    "- How alike two masks are is said by the [[intersection over union]]. A few hundred masks can be enough, and a "
    "handful is not: then a method that learns nothing is the better one.",
    links=links,
    predictions=QUESTIONS,
    code=(
        ("models/unet.py", "UNet"),
        ("losses/objectives.py", "_target"),
        ("datasets/textured.py", "picture"),
        ("metrics/overlap.py", "intersection_over_union"),
        ("evaluation/masks.py", "tuned"),
    ),
    sources=(
        (
            "Ronneberger, Fischer and Brox 2015, U-Net: convolutional networks for biomedical image segmentation",
            "https://arxiv.org/abs/1505.04597",
        ),
        ("Otsu 1979, A threshold selection method from gray-level histograms", "https://doi.org/10.1109/TSMC.1979.4310076"),
        ("Chan and Vese 2001, Active contours without edges", "https://doi.org/10.1109/83.902291"),
        ("scikit-image: filters and segmentation", "https://scikit-image.org/docs/stable/api/skimage.filters.html"),
        (
            "Textures: scikit-image's brick, grass and gravel, CC0, from CC0Textures and Poly Haven",
            "https://scikit-image.org/docs/stable/api/skimage.data.html",
        ),
    ),
)  # fmt: skip
