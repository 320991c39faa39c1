"""The bench "Does it belong?": a threshold under the hand, ten left-out digits, and likelihoods that are fooled."""

from __future__ import annotations

from typing import Any

import streamlit as st

from ui.chapters import links
from ui.chapters.uses.belong import LEFT_OUT, figures, fooled
from ui.chapters.uses.belong.nearest import distance_of, training_is_here
from ui.chapters.uses.belong.recipe import DIGITS, title_of
from ui.chapters.uses.belong.shown import payload_of
from ui.components.belong import belonging
from ui.figures.messages import errors_said
from ui.figures.plots import show
from ui.links import url_state
from ui.stage import chapter

KEY = "uses-belong"


def steps() -> None:
    """The steps, one after the other."""
    step_of_threshold()
    step_of_digits()
    step_of_likelihood()


@st.fragment
@errors_said()
def step_of_threshold() -> None:
    """One model, one score, one threshold."""
    step = chapter.step(
        "belong",
        "A model has seen nine digits. Does it notice the tenth?",
        "Each of ten [[VAE|VAEs]] was trained without one digit. To it, that digit is something new. "
        "An [[anomaly score]] says how odd an image is; what lies above a threshold is called odd.\n\n"
        "Most scores ask how badly the model rebuilds an image, or how unlikely it finds it. Two need no network: the "
        "error of PCA, and the distance to the nearest digit that is known.",
        wide=True,
    )
    with step.words:
        answered = chapter.ask(
            chapter.Prediction(
                "belong-hardest",
                "which left-out digit is the hardest to find by how badly the model rebuilds it?",
                tuple(map(str, DIGITS)),
                figures.hardest,
            )
        )
    with step.instrument:
        if not answered:
            chapter.covered(320)
            return
        left_out = url_state.choose(
            links.properties("uses")["missing"], "Digit that the model never saw", DIGITS, LEFT_OUT, key="uses-missing"
        )
        belonging(payload_of(left_out).with_header(nearest=_answer(left_out)), key=KEY)
        chapter.prose(
            "Drag the threshold, or move it with the arrow keys. It trades **recall**, the share of the odd ones that "
            "are found, for **false alarms**. How many of the alarms are right, the **precision**, depends on the "
            "[[base rate]] too: lower it, and most alarms are false, though nothing about the score has changed. "
            "[[AUROC]] does not see that; average precision does."
        )


def _answer(left_out: int) -> dict[str, Any] | None:
    """The distance of the drawing that the browser has asked for, if it has."""
    committed = st.session_state.get(KEY) or {}
    asked = committed.get("resting")
    if not isinstance(asked, str):
        return None
    distance = distance_of(asked, left_out, training_is_here())
    return None if distance is None else {"of": asked, "distance": distance}


@st.fragment
@errors_said()
def step_of_digits() -> None:
    """All ten left-out digits."""
    step = chapter.step(
        "belong-digits",
        "Ten digits, one left out at a time",
        "The same for every digit, on test digits that decided nothing: how well does each score rank the left-out "
        "digit above the usual ones?",
        wide=True,
    )
    with step.words:
        answered = chapter.ask(
            chapter.Prediction(
                "belong-winner",
                "which score finds left-out digits best, in the mean of ten?",
                tuple(title_of(name) for name in figures.RIVALS),
                figures.who_wins,
            )
        )
    with step.instrument:
        if not answered:
            chapter.covered(320)
            return
        chapter.prose(f"{figures.verdict()}\n\n{figures.range_text()}")
        show(figures.digits_figure(), key="belong-digits")
        st.html(figures.ranking_table())
        chapter.prose(
            "An autoencoder is trained to rebuild what it sees, and nothing keeps it from rebuilding more. The "
            "nearest digit cannot do so: it is what it has seen. It pays by keeping all of it, and by a search for "
            "each new image. With images in which what matters moves about or changes its light, distances of pixels "
            "fail; there one measures distances of features instead."
        )


@st.fragment
@errors_said()
def step_of_likelihood() -> None:
    """Images that are no digits at all."""
    step = chapter.step(
        "belong-fooled",
        "Can the likelihood be fooled?",
        "A VAE bounds log p(x), so it seems to be made for this: what is unlikely does not belong. Nalisnick et al. "
        "(2019) found models that give other, simpler images a higher likelihood than those that they learned from. "
        "Here a VAE has seen all ten digits, and the images are not digits.",
        wide=True,
    )
    with step.words:
        answered = chapter.ask(
            chapter.Prediction(
                "belong-fooled",
                "which of these does a VAE of digits find most likely?",
                ("A test digit", "The upper half of a digit", "An image that is all black", "Brick, grass, gravel"),
                fooled.most_likely,
            )
        )
    with step.instrument:
        if not answered:
            chapter.covered(320)
            return
        chapter.prose(fooled.verdict())
        st.html(fooled.pictures())
        st.html(fooled.likelihood_table())
        chapter.prose(
            "The likelihood of an image is high where each of its pixels can be foretold. Black is the easiest "
            "to foretell: most pixels of every digit are black, so the decoder is sure of them whatever the code says. "
            "A digit costs more, because its strokes have to be placed. Little ink, high likelihood: it is what makes "
            "the 1 hard to find, taken to its end."
        )
