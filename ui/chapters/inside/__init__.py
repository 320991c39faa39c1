"""Inside the VAE: one image on its way through a trained network."""

from __future__ import annotations

from ui.chapters.record import Chapter
from ui.links.url_state import Property, in_browser, number, numbers, one_of


def links() -> tuple[Property, ...]:
    """What a link to it may say."""
    from ui.chapters.inside.drawing import drawing
    from ui.chapters.inside.instrument import CHOICES

    largest = max(choice.dimensions for choice in CHOICES.values())
    return (
        one_of("d", CHOICES, "the model to look into"),
        number("gradients", 0, 99, "the class of the digit whose gradients are measured"),
        *in_browser(
            number("digit", 0, 9, "the class of the held-out digit on the pad"),
            number("example", 1, 99, "which digit of its class"),
            drawing("drawing", "what was drawn by hand"),
            numbers("epsilon", largest, "the noise ε"),
            number("step", 1, 4, "the step that is lit"),
            number("dimension", 1, largest, "the latent dimension that is read"),
        ),
    )


CHAPTER = Chapter(
    slug="inside",
    title="Inside the VAE",
    icon=":material/schema:",
    order=30,
    question="What happens to one image on its way through a VAE?",
    blurb="Draw a digit and follow it through the network: its mean, its variance, its code, its reconstruction and "
    "both terms of its loss.",
    minutes=20,
    before="autoencoders, the normal distribution",
    learned="- The encoder gives each image a distribution, the [[approximate posterior]] N(μ, σ²). The decoder sees "
    "one sample of it.\n"
    "- The loss is [[reconstruction]] plus [[KL]]. The KL has a closed form, and its two parts hold the means together "
    "and the variances open.\n"
    "- Encoding distributions is not enough: without the KL the variances shrink until the noise does not matter.\n"
    "- The [[reparameterisation trick]] lets gradients pass through sampling, and learning the [[log-variance]] keeps "
    "σ positive.",
    links=links,
    predictions=("scrambled", "together", "escape"),
)
