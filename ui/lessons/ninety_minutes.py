"""The lesson of docs/teaching.md as records: its stops, and what to predict at each, answered from the runs.

Answers are those of the pages themselves, so that a solution is what the page says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from ui.chapters.beta.costs import collapse
from ui.chapters.home.planes import PLANES
from ui.chapters.inside.no_digits import which_term_rises
from ui.chapters.mathematics.experiments import where_q_settles
from ui.chapters.reduction.comparison import best_of_three
from ui.chapters.reduction.memoriser import between_numbers
from ui.chapters.regularity.comparison import closer_to_real
from ui.chapters.regularity.fitted import closed_by_fitting
from ui.runs.resources import load_run
from ui.runs.selection import compared_spec
from vae_core.spec import RunSpec
from vae_core.storage.manifest import shipped_run


@dataclass(frozen=True)
class Question:
    """A question to answer on paper before the page shows it.

    Attributes:
        text: one sentence.
        options: possible answers.
        answer: gives the index of the right option and why, as markdown: computed from the runs.
    """

    text: str
    options: tuple[str, ...]
    answer: Callable[[], tuple[int, str]]


@dataclass(frozen=True)
class Stop:
    """A stop of a lesson.

    Attributes:
        title: a few words.
        begin, end: minutes from the beginning of the lesson.
        link: page and query, as a link to the app has them after its address.
        do: what everybody does there, after predicting.
        questions: what to predict; none where everybody's answer is another.
        note: what to write down.
    """

    title: str
    begin: int
    end: int
    link: str
    do: str
    questions: tuple[Question, ...] = ()
    note: str = "What I saw, with its numbers"


def _pair(dimensions: int) -> tuple[RunSpec, RunSpec]:
    return compared_spec("ae", "mnist", dimensions), compared_spec("vae", "mnist", dimensions)


def where_samples_fall() -> tuple[int, str]:
    """On which plane N(0, I) lies where the codes are, and the spreads that say so."""
    codes = {
        title: load_run(shipped_run(model=model, dataset="mnist", latent_dim=2).key).codes for model, title in PLANES
    }
    spreads = [each.mean.std(axis=0) for each in codes.values()]
    count = len(next(iter(codes.values())).labels)
    told = "; ".join(
        f"{title}: {' and '.join(f'{deviation:.2g}' for deviation in spread)}"
        for title, spread in zip(codes, spreads, strict=True)
    )
    away = [float(abs(spread - 1.0).max()) for spread in spreads]
    right = away.index(min(away)) if min(away) < 0.5 * max(away) else 2
    return right, (
        f"N(0, I) has a standard deviation of 1 in each dimension; the codes of {count:,} held-out digits have, by "
        f"dimension: {told}. Training asked the VAE's codes to lie where N(0, I) is; nothing asked the autoencoder's."
    )


LESSON = (
    Stop(
        "Touch",
        0,
        10,
        "",
        "Move over both planes for two minutes. Point at the gaps between the clusters, then far outside.",
        (
            Question(
                "A sample of N(0, I) is drawn. On which plane does it fall among the digits?",
                ("The autoencoder's", "The VAE's", "Both alike"),
                where_samples_fall,
            ),
        ),
    ),
    Stop(
        "How few numbers stand for an image?",
        10,
        25,
        "reduction?d=16&ask=best",
        "Turn the code: does the error change? Then walk along the line of a network that has memorised ten digits: "
        "reduction?n=10&z=3.5&ask=line",
        (
            Question(
                "Which keeps most of a digit in 16 numbers?",
                ("Well-chosen pixels", "The best linear map (PCA)", "A deep autoencoder"),
                partial(best_of_three, 16),
            ),
            Question(
                "A network gives ten digits the codes 0, 1, 2 and so on. What lies halfway between two codes?",
                (
                    "Digits about as good as those at the whole numbers",
                    "More than twice as often something unlike any training digit",
                ),
                lambda: between_numbers(shipped_run(model="memoriser", images=10).key),
            ),
        ),
    ),
    Stop(
        "Why can we not sample from an autoencoder?",
        25,
        40,
        "regularity?ask=prior",
        "First take small steps: how often does the digit change? Then sample, from N(0, I) and from a fitted mixture.",
        (
            Question(
                "We sample codes from N(0, I). Whose images are closer to real ones?",
                ("The autoencoder's", "The VAE's", "About the same"),
                lambda: closer_to_real(_pair(16), "prior"),
            ),
            Question(
                "How much of the autoencoder's gap to the VAE does a fitted mixture close?",
                ("Less than a third", "About half", "More than two thirds"),
                lambda: closed_by_fitting(_pair(16)),
            ),
        ),
    ),
    Stop(
        "Inside",
        40,
        60,
        "inside?d=2&ask=scrambled",
        "Draw your own 4 and sample ε. Switch Freeze ε off and draw on. Then draw something that is no digit.",
        (
            Question(
                "We shuffle the pixels of held-out digits. Which term of the loss rises by more nats?",
                ("Reconstruction", "KL"),
                partial(which_term_rises, "2"),
            ),
        ),
    ),
    Stop(
        "β",
        60,
        75,
        "beta?d=16&ask=collapse",
        "Drag β from 0 to the KL alone. Follow one digit; watch the dimensions switch off.",
        (
            Question(
                "At the largest β, what is the loss made of?",
                ("Both terms, in balance", "Reconstruction alone: the code is not used", "KL alone"),
                partial(collapse, 16),
            ),
        ),
    ),
    Stop(
        "Where the loss comes from",
        75,
        85,
        "mathematics?decoder=folded&ask=humps",
        "Drag q to a start and let it go. At every step log p(x) = ELBO + KL: read all three.",
        (
            Question(
                "The posterior has two modes, and q is a single Gaussian. Where will q settle?",
                ("Between the modes", "On one of the modes", "Over both, as wide as the posterior"),
                where_q_settles,
            ),
        ),
    ),
    Stop(
        "One of your own",
        85,
        90,
        "train?dataset=digits&model=vae&d=2&beta=1&epochs=30",
        "Train it, and watch its plane from the untrained network on. Then another β or seed.",
        note="β, seed, held-out loss in nats per image, and what the plane looked like",
    ),
)
