"""The lessons: a demonstration, the lesson of docs/teaching.md, and a second one. All else reads them here.

Answers are those of the pages themselves, so that a solution is what the page says.
"""

from __future__ import annotations

from functools import lru_cache, partial

from ui.chapters import Chapter, chapters
from ui.chapters.beta.costs import COLLAPSE, collapse, collapse_asked, largest_named
from ui.chapters.beta.first import what_comes_first
from ui.chapters.beta.sweep import KL_ONLY
from ui.chapters.faces.family import DATASET, DIMENSIONS, Shown, usual
from ui.chapters.faces.found import how_many, how_many_options
from ui.chapters.home.planes import PLANES
from ui.chapters.inside.no_digits import which_term_rises
from ui.chapters.mathematics.experiments import where_q_settles
from ui.chapters.reduction.comparison import best_of_three
from ui.chapters.reduction.memoriser import between_numbers
from ui.chapters.regularity.comparison import closer_to_real
from ui.chapters.regularity.fitted import closed_by_fitting
from ui.chapters.uses.benches import BENCHES
from ui.lessons.record import Lesson, Question, Step, Stop
from ui.runs.resources import load_run
from ui.runs.selection import compared_spec
from vae_core import datasets
from vae_core.spec import RunSpec
from vae_core.storage.manifest import shipped_run


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


# ---- what is asked ---------------------------------------------------------------------------------------------------

TOUCH = Question(
    "A sample of N(0, I) is drawn. On which plane does it fall among the digits?",
    ("The autoencoder's", "The VAE's", "Both alike"),
    where_samples_fall,
)
BEST = Question(
    "Which keeps most of a digit in 16 numbers?",
    ("Well-chosen pixels", "The best linear map (PCA)", "A deep autoencoder"),
    partial(best_of_three, 16),
)
BETWEEN = Question(
    "A network gives ten digits the codes 0, 1, 2 and so on. What lies halfway between two codes?",
    (
        "Digits about as good as those at the whole numbers",
        "At least twice as often something unlike any training digit",
    ),
    lambda: between_numbers(shipped_run(model="memoriser", images=10).key),
)
CLOSER = Question(
    "We sample codes from N(0, I). Whose images are closer to real ones?",
    ("The autoencoder's", "The VAE's", "About the same"),
    lambda: closer_to_real(_pair(16), "prior"),
)
FITTED = Question(
    "How much of the autoencoder's gap to the VAE does a fitted mixture close?",
    ("Less than a third", "About half", "More than two thirds"),
    lambda: closed_by_fitting(_pair(16)),
)
SCRAMBLED = Question(
    "We shuffle the pixels of held-out digits. Which term of the loss rises by more nats?",
    ("Reconstruction", "KL"),
    partial(which_term_rises, "2"),
)
FIRST = Question(
    "As β grows from 0, what comes first: the codes move to where N(0, I) is, or the digits are lost?",
    ("The codes move to where N(0, I) is", "The digits are lost"),
    partial(what_comes_first, 2),
)
HUMPS = Question(
    "The posterior has two modes, and q is a single Gaussian. Where will q settle?",
    ("Between the modes", "On one of the modes", "Over both, as wide as the posterior"),
    where_q_settles,
)


def _found() -> Question:
    d, features = DIMENSIONS[0], len(datasets.info(DATASET).factors)
    return Question(
        f"How many of the {features} features of a head did the model find, each by one number?",
        tuple(how_many_options(features)),
        lambda: how_many(Shown(DATASET, usual(DATASET, d), d)),
    )


# ---- the lessons -----------------------------------------------------------------------------------------------------

DEMONSTRATION = Lesson(
    "demonstration",
    "A demonstration",
    "For a guest hour, an open day, or the end of a lecture on something else: one idea, and a model that shows it.",
    (
        Stop(
            "Touch",
            (Step(4, "", "Move over both planes, and into the gaps between the clusters.", question=TOUCH),),
        ),
        Stop(
            "Sample",
            (
                Step(
                    5, "regularity?ask=prior",
                    "Sample from N(0, I), then from a fitted mixture: whose images are digits?",
                    question=CLOSER,
                ),
            ),
        ),
        Stop(
            "Inside",
            (
                Step(
                    5, "inside?d=2&digit=7&step=2",
                    "Draw a digit. Sample ε a few times. Then draw something that is no digit.",
                    ask="Which two numbers would you keep of a digit, to draw it again?",
                ),
            ),
        ),
        Stop(
            "β",
            (
                Step(
                    6, "beta?d=2&beta=1",
                    f"β says how strongly training pulls the codes to N(0, I). Drag it from 0 to {KL_ONLY}, and follow "
                    "one digit.",
                    question=FIRST,
                ),
            ),
        ),
    ),
)  # fmt: skip


def _ninety() -> Lesson:
    return Lesson(
        "ninety",
        "Variational autoencoders",
        "For a class that knows what a network and a loss are, and has not met a VAE.",
        (
            Stop(
                "Touch",
                (
                    Step(
                        10, "",
                        "Move over both planes for two minutes. Point at the gaps between the clusters, then far "
                        "outside.",
                        question=TOUCH,
                    ),
                ),
            ),
            Stop(
                "How few numbers stand for an image?",
                (
                    Step(10, "reduction?d=16&ask=best", "Turn the code: does the error change?", question=BEST),
                    Step(
                        5, "reduction?n=10&z=3.5&ask=line",
                        "Walk along the line of a network that has memorised ten digits.",
                        question=BETWEEN,
                    ),
                ),
            ),
            Stop(
                "Why can we not sample from an autoencoder?",
                (
                    Step(
                        4, "regularity?begin=continuity", "Take small steps around a code, in both models.",
                        ask="You move a code by a fifth of a standard deviation. Will the digit change?",
                    ),
                    Step(6, "regularity?ask=prior", "Sample from N(0, I), again and again.", question=CLOSER),
                    Step(
                        5, "regularity?ask=mixture", "Sample from a mixture that was fitted afterwards.",
                        question=FITTED,
                    ),
                ),
            ),
            Stop(
                "Inside",
                (
                    Step(
                        12, "inside?d=2&digit=7&step=2",
                        "Draw your own 4 and sample ε. Switch Freeze ε off and draw on.",
                        ask="You draw a 4. Which of μ, σ, ε and z will change, and which will not?",
                    ),
                    Step(8, "inside?d=2&ask=scrambled", "Draw something that is no digit.", question=SCRAMBLED),
                ),
            ),
            Stop(
                "β",
                (
                    Step(5, "beta?d=2&beta=1", f"Drag β from 0 to {KL_ONLY}, and follow one digit.", question=FIRST),
                    Step(
                        10, "beta?d=16&ask=collapse",
                        f"Answer first. Then drag the dial from 0 to {largest_named(16)}, and watch the dimensions "
                        "switch off.",
                        question=Question(collapse_asked(16), COLLAPSE, partial(collapse, 16)),
                    ),
                ),
            ),
            Stop(
                "Where the loss comes from",
                (
                    Step(
                        10, "mathematics?decoder=folded&ask=humps",
                        "Drag q to a start and let it go. At every step log p(x) = ELBO + KL: read all three.",
                        question=HUMPS,
                    ),
                ),
            ),
            Stop(
                "One of your own",
                (
                    Step(
                        5, "train?dataset=digits&model=vae&d=2&beta=1&epochs=30",
                        "Train it, and watch its plane from the untrained network on. Then another β or seed.",
                        ask="What will the plane look like before the first epoch?",
                    ),
                ),
                note="β, seed, held-out loss in nats per image, and what the plane looked like",
            ),
        ),
    )  # fmt: skip


# What a teacher asks before each bench of the chapter `uses` is opened.
_USES = {
    "denoise": "A digit drowns in noise. What could a network that knows digits do, and a filter that knows none?",
    "belong": "Ten kinds of digits, and the model has seen nine. How would it notice the tenth?",
    "compress": "How many bits does a digit need, if sender and receiver have the same model?",
    "labels": "You may label ten digits, out of thousands. Which ten, and what would help?",
    "cut": "A digit lies on bricks. How would you tell a computer which pixels are the digit?",
}


def _uses() -> Stop:
    """A step for each bench of the chapter on uses."""
    do = "Answer what the page asks, then try it with a digit of your own."
    steps = tuple(
        Step(8, f"uses?bench={bench.slug}&ask={bench.predictions[0]}", do, ask=_USES[bench.slug]) for bench in BENCHES
    )
    return Stop("What codes are good for", steps, note="Which method won, and where it loses")


def _second() -> Lesson:
    found = Step(10, "faces?ask=found", "Click on a cell: what does its number draw?", question=_found())
    return Lesson(
        "second",
        "What codes know, and what they are good for",
        "For a class that has had the lesson before, or knows what a VAE and β are.",
        (
            Stop(
                "Six numbers for a face",
                (
                    Step(
                        8, "faces", "Move each slider from end to end, and write down what it does.",
                        ask="Training saw faces alone. Will one of its numbers be the smile?",
                    ),
                    Step(
                        7, "faces?begin=causes", "Move one true feature, and look for lines that stay flat.",
                        ask="If one number had found the smile, which lines would move with it?",
                    ),
                    found,
                ),
            ),
            Stop(
                "Method, or luck?",
                (
                    Step(
                        8, "faces?begin=seeds", "Compare the rows with the spread within a row.",
                        ask="The same model from another random start: will it find the same features?",
                    ),
                    Step(
                        12, "faces?begin=smile&feature=1",
                        "Add the smile to several heads, then to a picture of yours.",
                        ask="No number is the smile. Can we add one all the same, and what will move along?",
                    ),
                ),
            ),
            _uses(),
        ),
    )  # fmt: skip


def lessons() -> tuple[Lesson, ...]:
    """All lessons, the shortest first: of the chapters that are here, with what the runs say in their questions."""
    return _lessons(chapters(), largest_named(16))


@lru_cache(maxsize=1)
def _lessons(_here: tuple[Chapter, ...], _largest: str) -> tuple[Lesson, ...]:
    return DEMONSTRATION, _ninety(), _second()


def lesson_named(slug: str) -> Lesson | None:
    """The lesson with this name; None where there is none."""
    return next((one for one in lessons() if one.slug == slug), None)
