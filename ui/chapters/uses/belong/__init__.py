"""Does it belong? Which images a model finds odd that never saw one digit, beside the nearest training image."""

from __future__ import annotations

from ui.chapters.uses.bench import Bench
from ui.links.url_state import Property, in_browser, number, one_of

LEFT_OUT = 4  # at first


def links() -> tuple[Property, ...]:
    """What a link adds of this bench."""
    from ui.chapters.uses.belong.recipe import DIGITS, LIVE

    return (
        one_of("missing", DIGITS, "the digit that the model never saw"),
        *in_browser(
            one_of("score", [score.slug for score in LIVE.values()], "by what an image is judged"),
            number(
                "threshold", 0, 100, "where the threshold is, in hundredths of the histogram's width", whole=False,
                example=40.0,
            ),
            number("base", 0.1, 50, "the share of odd images among all, in per cent", whole=False, example=1.0),
        ),
    )  # fmt: skip


BENCH = Bench(
    slug="belong",
    title="Does it belong?",
    question="A model has seen nine digits. Does it notice the tenth?",
    learned="""
- An [[anomaly score]] says how odd an image is: how badly a model rebuilds it, how unlikely it finds it, how far its
  code or its pixels lie from all others.
- [[AUROC]] says how well a score ranks; how many alarms are right depends on the [[base rate]] too.
- An [[autoencoder]] also rebuilds what it has never seen, and the fewer strokes, the better: little ink, little loss.
- The nearest training image is the method to beat.
- A likelihood can be highest where there is no digit at all: nothing is easier to predict than black.
""",
    links=links,
    predictions=("belong-hardest", "belong-winner", "belong-fooled"),
    code=(
        ("evaluation/left_out.py", "scores"),
        ("metrics/ranking.py", "auroc"),
        ("metrics/anomaly.py", "mahalanobis"),
    ),
    sources=(
        ("An and Cho 2015: reconstruction probability of a VAE, a digit left out at a time", "http://dm.snu.ac.kr/static/docs/TR/SNUDM-TR-2015-03.pdf"),
        ("Ruff et al. 2018: Deep one-class classification (Deep SVDD)", "https://proceedings.mlr.press/v80/ruff18a.html"),
        ("Nalisnick et al. 2019: Do deep generative models know what they don't know?", "https://arxiv.org/abs/1810.09136"),
        ("Serrà et al. 2020: Input complexity and out-of-distribution detection", "https://arxiv.org/abs/1909.11480"),
        ("Burda et al. 2016: Importance weighted autoencoders", "https://arxiv.org/abs/1509.00519"),
        ("DeLong et al. 1988: the standard error of an area under the ROC curve", "https://doi.org/10.2307/2531595"),
    ),
)  # fmt: skip
