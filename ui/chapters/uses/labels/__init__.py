"""Few labels: what a code that was learned without labels is worth when few images have one."""

from __future__ import annotations

from ui.chapters.uses.bench import Bench
from ui.links.url_state import Property, number, one_of

QUESTIONS = ("labels-hundred", "labels-units", "labels-unlabelled")


def links() -> tuple[Property, ...]:
    """What a link may say of it."""
    from ui.chapters.uses.labels.draws import DRAWS, LEVELS

    return (
        one_of("labels", LEVELS, "how many digits of each class have a label"),
        number("draw", 1, DRAWS, "which of the draws of labelled digits is shown", example=2),
        number("ten", 1, DRAWS, "which ten digits are to be labelled by hand", example=3),
    )


BENCH = Bench(
    slug="labels",
    title="Few labels",
    question="If only ten digits of each class have a label, what is all the unlabelled rest good for?",
    learned="- A code learned from images alone makes a few labels go further: the classifier, a [[support vector "
    "machine]], is the same, its input is not.\n"
    "- Not every code does. Which layer is read, and whether [[posterior collapse|collapsed units]] are left in, can "
    "matter more than the kind of model.\n"
    "- A class-conditional [[VAE]] can learn from both at once: of an image without a label it sums over all classes "
    "([[M2]]). It then draws every class in one's own handwriting.",
    links=links,
    predictions=QUESTIONS,
    code=(
        ("evaluation/few_labels.py", "Machine"),
        ("datasets/few_labels.py", "labelled"),
        ("models/semi_supervised.py", "ByClass"),
        ("training/semi_supervised.py", "M2Step"),
    ),
    sources=(
        (
            "Kingma, Rezende, Mohamed and Welling 2014, Semi-supervised learning with deep generative models",
            "https://arxiv.org/abs/1406.5298",
        ),
        ("Cortes and Vapnik 1995, Support-vector networks", "https://doi.org/10.1007/BF00994018"),
        ("Hinton and Salakhutdinov 2006, Reducing the dimensionality of data with neural networks",
         "https://doi.org/10.1126/science.1127647"),
        ("Oliver et al. 2018, Realistic evaluation of deep semi-supervised learning algorithms",
         "https://arxiv.org/abs/1804.09170"),
        ("scikit-learn: support vector machines", "https://scikit-learn.org/stable/modules/svm.html"),
        ("scikit-learn: optical recognition of handwritten digits",
         "https://scikit-learn.org/stable/datasets/toy_dataset.html#optical-recognition-of-handwritten-digits-dataset"),
    ),
)  # fmt: skip
