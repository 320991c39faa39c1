"""The mathematics: from Bayes' rule to the ELBO."""

from __future__ import annotations

from ui.chapters.record import Chapter
from ui.links.url_state import Property, flag, in_browser, number, one_of


def links() -> tuple[Property, ...]:
    """What a link to it may say."""
    from ui.chapters.mathematics.experiments import (
        COUNTS,
        DECODERS,
        DESCENT,
        ESTIMATE_DEVIATIONS,
        LARGEST_CORRELATION,
        OBSERVATIONS,
        RATES,
        START_DEVIATIONS,
        START_MEANS,
        VARIANCES,
        WIDTHS,
    )
    from ui.chapters.mathematics.importance import DIMENSIONS, HELD_OUT
    from ui.chapters.mathematics.linear import LINEAR_VARIANCES
    from ui.chapters.mathematics.one_dial import VARIANCES as TRAINED_VARIANCES
    from ui.chapters.mathematics.samples_per_step import SAMPLES

    return (
        one_of("d", DIMENSIONS, "the number of latent dimensions"),
        number("digit", 0, HELD_OUT - 1, "the held-out digit"),
        flag("refine", "q is fitted to the digit of step 5 alone"),
        one_of("per-step", SAMPLES, "the number of samples L in step 6"),
        one_of("trained-c", TRAINED_VARIANCES, "the variance c in step 7"),
        one_of("linear-c", LINEAR_VARIANCES, "the variance c in step 8"),
        *in_browser(
            one_of("decoder", DECODERS, "the decoder f of steps 1 and 2"),
            number("x", *OBSERVATIONS, "the observation x", whole=False),
            one_of("c", VARIANCES, "the variance c of steps 1 and 2"),
            number("start", *START_MEANS, "where μ of q starts", whole=False, example=-1.5),
            one_of("spread", START_DEVIATIONS, "where σ of q starts"),
            one_of("rate", RATES, "the learning rate of step 2"),
            number("step", 0, int(DESCENT["steps"]), "the step of the descent"),
            number("rho", -LARGEST_CORRELATION, LARGEST_CORRELATION, "the correlation ρ", whole=False, example=0.6),
            number("width", *WIDTHS, "σ of q in step 3", whole=False, example=0.55),
            flag("best", "q has its best width"),
            number("mu", *START_MEANS, "μ in step 4", whole=False, example=0.5),
            one_of("sigma", ESTIMATE_DEVIATIONS, "σ in step 4"),
            one_of("samples", COUNTS, "the number of samples n in step 4"),
            number("draw", 1, 10_000, "which sample of the noise in step 4"),
        ),
    )


CHAPTER = Chapter(
    slug="mathematics",
    title="The mathematics",
    icon=":material/function:",
    order=50,
    question="Where does the loss of a VAE come from, and what does it leave out?",
    blurb="From Bayes' rule to the loss of a VAE in eight steps. Each has an experiment, and in the first four and "
    "in the last the exact answer is known.",
    minutes=45,
    before="Bayes' rule, Inside the VAE",
    learned="""
- The loss of a VAE is the negative [[ELBO]]. It follows from a [[prior]], a [[likelihood]] and Bayes' rule.
- Raising the ELBO moves the [[approximate posterior]] towards the [[posterior]]. What it leaves out is the KL between
  the two: one Gaussian cannot cover two modes, nor a diagonal one correlations, and an encoder misses the best one.
- The KL term has a closed form; for the rest, one sample of $z$ per image and step was enough here.
- The variance $c$ and β are one dial: only their product counts.
- With a linear decoder the optimum is PCA's, and a dimension along which images vary less than the noise collapses.
""",
    links=links,
    predictions=("humps", "diagonal"),
)
