"""Inside the VAE: one drawing on its way through encoder, sample and decoder, and both terms of its loss."""

from __future__ import annotations

import streamlit as st

from ui.chapters import links
from ui.chapters.inside import CHAPTER
from ui.chapters.inside.aggregate import LEFT_OVER, left_over, together
from ui.chapters.inside.gradients import gradient_table, labels, sigma_table
from ui.chapters.inside.instrument import CHOICES, START, formulas, not_a_digit, payload_of, which_term_rises
from ui.components.pad import inside_vae
from ui.figures.messages import errors_said
from ui.links import url_state
from ui.stage import chapter

LINK = links.properties(CHAPTER.url)

MEASURED = "inside-gradients"


@st.fragment
@errors_said()
def gradients(choice: str) -> None:
    """Estimators of the gradient for a held-out digit, measured once they are asked for."""
    names = labels()
    if "inside-digit" not in st.session_state:
        linked = url_state.read(url_state.narrowed(LINK["gradients"], range(len(names))))
        st.session_state[MEASURED] = linked is not None or st.session_state.get(MEASURED, False)
        st.session_state["inside-digit"] = names[START if linked is None else linked]
    chosen = st.segmented_control("Held-out digit", names, key="inside-digit") or names[START]
    if st.button("Measure the gradients", key="inside-measure"):
        st.session_state[MEASURED] = True
    url_state.write(LINK["gradients"], names.index(chosen) if st.session_state[MEASURED] else None)
    if st.session_state[MEASURED]:
        st.html(gradient_table(choice, names.index(chosen)))


chapter.opening(
    CHAPTER,
    "Draw. Encoder and decoder below are trained networks, and at every move of your pen all of their numbers "
    "follow: μ and σ of the posterior, the noise ε, the code z, the image x̂, and what both terms of the loss charge "
    "for it, pixel by pixel and dimension by dimension.",
)
d = url_state.choose(
    LINK["d"], "Model", tuple(CHOICES), "2", key="inside-d", format_func=lambda name: CHOICES[name].title
)

with errors_said():
    inside_vae(payload_of(d), key="inside-vae")

with errors_said():
    chapter.passage("What is not a digit", not_a_digit(d))
    chapter.predict(
        chapter.Prediction(
            f"scrambled-{d}",
            "shuffle the pixels of held-out digits, so that they are digits no more. Which term rises by more nats?",
            ("Reconstruction", "KL"),
            lambda: which_term_rises(d),
        )
    )

with errors_said():
    chapter.passage(
        "All posteriors together",
        "The KL of one image pulls its posterior towards N(0, I), but each stays narrow and in its own place: only all "
        "of them together come near N(0, I), means to 0 and covariance to I. Without the KL they do not.",
    )
    chapter.predict(
        chapter.Prediction(
            f"together-{d}",
            "put the posteriors of all test digits together. How much of the KL term is left as their distance from "
            "N(0, I)?",
            LEFT_OVER,
            lambda: left_over(d),
        )
    )
    st.html(together(d))

with errors_said():
    chapter.passage(
        "The derivative of a draw",
        "z is drawn, and a draw has no derivative. Written as z = μ + σ · ε it has one: the chance comes from outside. "
        "The other way asks only for the loss of each draw and the slope of log q, and is right on average as well. "
        "What they differ in is how far one draw is off.",
    )
    gradients(d)

with errors_said():
    chapter.passage(
        "Why the head gives log σ²",
        "σ must be above 0, and it must become small. On σ itself a step that is too long ends below 0, where the KL "
        "has no value. On log σ² every number is a σ, and near σ = 0 the steps shrink with it.",
    )
    st.html(sigma_table(d))

mathematics: list[tuple[str, str]] = []
with errors_said():
    mathematics = formulas(d)
chapter.foot(
    CHAPTER,
    mathematics=mathematics,
    code=(
        ("models/vae.py", "VAE"),
        ("models/bottleneck.py", "Posterior"),
        ("losses/gaussian.py", "kl_to_standard_normal"),
        ("losses/objectives.py", "elbo"),
        ("lessons/gradient_estimators.py", "reparameterised"),
        ("lessons/gradient_estimators.py", "score_function"),
        ("losses/likelihoods.py", "bernoulli_floor"),
        ("metrics/aggregate.py", "aggregate_posterior"),
    ),
    sources=(
        chapter.Source("Kingma and Welling 2014, Auto-encoding variational Bayes", "https://arxiv.org/abs/1312.6114"),
        chapter.Source("Rezende et al. 2014, Stochastic backpropagation", "https://arxiv.org/abs/1401.4082"),
        chapter.Source("Williams 1992, REINFORCE", "https://link.springer.com/article/10.1007/BF00992696"),
        chapter.Source("LeCun et al. 1998, MNIST and how its digits were centred", "http://yann.lecun.com/exdb/publis/pdf/lecun-98.pdf"),
        chapter.Source("Hoffman and Johnson 2016, ELBO surgery", "http://approximateinference.org/accepted/HoffmanJohnson2016.pdf"),
    ),
)  # fmt: skip
