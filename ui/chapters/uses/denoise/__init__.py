"""Denoise: a network that learned to undo damage, beside the filters that one would try first."""

from __future__ import annotations

from ui.chapters.uses.bench import Bench
from ui.links.url_state import Property, in_browser, number, one_of

QUESTIONS = ("denoise-half", "denoise-little")


def links() -> tuple[Property, ...]:
    """What a link may say of it."""
    from vae_core.corruption import CORRUPTIONS

    return in_browser(
        one_of("damage", CORRUPTIONS, "how the digit is damaged"),
        number("level", 0.0, 10.0, "how strongly; beyond its slider's end, the end is shown", whole=False, example=0.3),
        number("noise", 1, 999, "which random numbers damage it"),
    )


BENCH = Bench(
    slug="denoise",
    title="Denoise",
    question="Which gets a digit back from noise: a filter, or a network that has learned what digits are?",
    learned="- A [[denoising autoencoder]] sees a damaged image and learns to give the undamaged one: it knows digits, "
    "a filter only smoothness.\n"
    "- It wins where much is lost, and loses where little is: its code never lets an image through exactly.\n"
    "- An [[autoencoder]] that was never shown noise does not remove it by itself.",
    links=links,
    predictions=QUESTIONS,
    code=(
        ("corruption.py", "corrupt"),
        ("losses/objectives.py", "elbo"),
        ("evaluation/filters.py", "tuned"),
        ("metrics/restoration.py", "fidelity"),
    ),
    sources=(
        (
            "Vincent et al. 2008, Extracting and composing robust features with denoising autoencoders",
            "https://dl.acm.org/doi/10.1145/1390156.1390294",
        ),
        ("Im et al. 2017, Denoising criterion for variational auto-encoding framework", "https://arxiv.org/abs/1511.06406"),
        ("Buades, Coll and Morel 2005, A non-local algorithm for image denoising", "https://doi.org/10.1109/CVPR.2005.38"),
        ("Chambolle 2004, An algorithm for total variation minimization and applications",
         "https://doi.org/10.1023/B:JMIV.0000011325.36760.1e"),
        ("Wang et al. 2004, Image quality assessment: from error visibility to structural similarity",
         "https://doi.org/10.1109/TIP.2003.819861"),
        ("scikit-image: restoration and metrics", "https://scikit-image.org/docs/stable/api/skimage.restoration.html"),
    ),
)  # fmt: skip
