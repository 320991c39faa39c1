"""Train your own: images, settings, the run that comes of them."""

from __future__ import annotations

from ui.chapters.record import Chapter
from ui.links.url_state import Property, in_browser, key, number, one_of, word


def links() -> tuple[Property, ...]:
    """What a link to it may say."""
    from ui.chapters.train.form import BATCHES, DEPTHS, LARGEST, LEAST_C, LEAST_RATE
    from ui.chapters.train.own_fields import properties
    from vae_core.losses.likelihoods import LIKELIHOODS
    from vae_core.models import OFFERED

    return (
        word("dataset", r"[a-z0-9_-]+", "the images; the ones that are here can be chosen", "a name", "digits"),
        one_of("model", OFFERED, "the model"),
        one_of("depth", [name for depths in DEPTHS.values() for name in depths], "the hidden layers"),
        number("d", 1, LARGEST["d"], "the number of latent dimensions"),
        number(
            "beta",
            0.0,
            LARGEST["beta"],
            "the weight of the KL term, or of its total correlation",
            whole=False,
            example=4.0,
        ),
        one_of("likelihood", LIKELIHOODS, "the likelihood of a pixel"),
        number("c", LEAST_C, LARGEST["c"], "the variance of the Gaussian likelihood", whole=False, example=0.1),
        *properties(),
        number("epochs", 1, LARGEST["epochs"], "how often all images are seen"),
        one_of("batch", BATCHES, "images per step"),
        number("rate", LEAST_RATE, LARGEST["rate"], "the peak of the learning rate", whole=False, example=0.001),
        number("seed", 0, LARGEST["seed"], "the seed"),
        key("run", "the run to show"),
        key("with", "the run to compare with"),
        *in_browser(number("epoch", 0, LARGEST["epochs"], "the epoch that the film shows")),
    )


CHAPTER = Chapter(
    slug="train",
    title="Train your own",
    icon=":material/model_training:",
    order=60,
    is_tool=True,
    question="What does a model learn from these images, with these settings?",
    blurb="Choose images, also your own, and a model. Watch it learn, stop it, go back through its epochs.",
    minutes=10,
    links=links,
)
