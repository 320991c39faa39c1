"""Inside the VAE: one drawing on its way through encoder, sample and decoder, and both terms of its loss."""

from __future__ import annotations

import streamlit as st

from ui.chapters import links
from ui.chapters.inside import CHAPTER
from ui.chapters.inside.aggregate import LEFT_OVER, left_over, split_figure, together
from ui.chapters.inside.escape import ALIKE, NARROWER, WIDER, both_planes, two_ways, what_becomes_of_sigma
from ui.chapters.inside.gradients import fails_in_two_ways, gradient_table, labels, sigma_table
from ui.chapters.inside.instrument import CHOICES, START, formulas, halves_of, layers_table, payload_of, run_of
from ui.chapters.inside.no_digits import no_digits, no_test_for_digits, which_term_rises
from ui.components.ellipses import posterior_ellipses
from ui.components.pad import divergence_of_drawing, inside_vae, place_of_drawing
from ui.figures.markup import folded
from ui.figures.messages import errors_said
from ui.figures.plots import show
from ui.links import url_state
from ui.stage import chapter

LINK = links.properties(CHAPTER.url)

MEASURED = "inside-gradients"


@st.fragment
@errors_said()
def step_of_no_digits(choice: str) -> None:
    """Which term notices an image that is no digit."""
    step = chapter.step(
        "no-digits",
        "What if it is not a digit?",
        "Draw a face, or scribble. The encoder answers to any image. Which term of the loss notices?",
        words_first=True,
    )
    with step.words:
        answered = chapter.ask(
            chapter.Prediction(
                f"scrambled-{choice}",
                "we shuffle the pixels of held-out digits, so that they are digits no more. Which term rises by more "
                "nats?",
                ("Reconstruction", "KL"),
                lambda: which_term_rises(choice),
            )
        )
        if answered:
            chapter.prose(no_test_for_digits(choice))
    with step.instrument:
        if answered:
            st.html(no_digits(choice))
        else:
            chapter.covered(260)


@st.fragment
@errors_said()
def step_of_escape() -> None:
    """Why encoding a distribution is not enough."""
    step = chapter.step(
        "escape",
        "Is it enough to encode a distribution?",
        "Suppose that the encoder gives a distribution, but that we leave the KL out of the loss. Then only the "
        "reconstruction counts.",
        words_first=True,
    )
    with step.words:
        answered = chapter.ask(
            chapter.Prediction(
                "escape",
                "we train the same VAE without the KL (β = 0). What happens to σ, compared with the spread of the "
                "means μ?",
                (WIDER, ALIKE, NARROWER),
                what_becomes_of_sigma,
            )
        )
        if answered:
            chapter.prose(
                "There are two ways to cheat when there is no KL: make the variances tiny, or move the means far "
                f"apart. {two_ways()}\n\nThen each image has a code that no other image shares, as in a plain "
                "autoencoder. With the KL the ellipses overlap. While the decoder learns, it gets samples from all of "
                "an ellipse, about one σ to each side: points that near are trained to decode alike. Beyond that "
                "nothing asks for it."
            )
    with step.instrument:
        if answered:
            posterior_ellipses(both_planes(), key="inside-ellipses")
        else:
            chapter.covered(300)


@st.fragment
@errors_said()
def step_of_together(choice: str) -> None:
    """The aggregate posterior against the prior."""
    step = chapter.step(
        "together",
        "All approximate posteriors together",
        "The KL pulls each approximate posterior towards N(0, I). Yet each one stays narrow and in its own place, in "
        "every dimension that is used; in one that is switched off it is N(0, 1) for all images. Take all images "
        "together: their [[aggregate posterior]] is what the decoder sees in training.",
        wide=True,
    )
    with step.words:
        answered = chapter.ask(
            chapter.Prediction(
                f"together-{choice}",
                "put the approximate posteriors of all digits together. How much of the KL is left, as the "
                "divergence of the aggregate posterior from N(0, I)?",
                LEFT_OVER,
                lambda: left_over(choice),
            )
        )
        if answered:
            chapter.prose(
                "The larger β is, the nearer the mean of the aggregate posterior is to 0 and its covariance to I; "
                "without the KL (β = 0) they are far away. See the models of the sweep. What is left of the KL is "
                "I(x; z): how much the code says about its image. Between the two parts, hatched, is what so many "
                "images cannot decide: of N images, no I(x; z) passes the dashed line at ln N."
            )
    with step.instrument:
        if answered:
            show(split_figure(choice), key=f"inside-split-{choice}")
            st.html(together(choice))
        else:
            chapter.covered(420)


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


first = chapter.opening(
    CHAPTER,
    "Draw a digit, or take one from the row.\n\n"
    "The [[encoder]] turns the image **x** into a mean **μ** and a standard deviation **σ**: a Gaussian over codes, "
    "the [[approximate posterior]] q(z|x). We sample a [[code]] **z = μ + σ · ε** from it, with noise ε from the "
    "[[standard normal distribution]]. The [[decoder]] turns z into the image **x̂**. Press **One step** to take it "
    "slowly.\n\n"
    "At first ε = 0, so x̂ is the [[reconstruction]] at the mean. In training, ε is sampled: press **Sample ε**.\n\n"
    "The loss, in [[nat]]s, has two terms: the reconstruction by pixel and the [[KL]] by dimension. With ε sampled, "
    "their sum estimates the negative [[ELBO]].",
)
with first.words:
    d = url_state.choose(
        LINK["d"], "Model", tuple(CHOICES), "2", key="inside-d", format_func=lambda name: CHOICES[name].title
    )
    with errors_said():
        st.html(folded("The network, layer by layer", layers_table(d)))
with first.instrument, errors_said():
    inside_vae(payload_of(d), key="inside-vae")

sampling = chapter.step(
    "sampling",
    "Your drawing is a region, not a point",
    "An [[autoencoder]] gives an image one point of [[latent space]]. A VAE gives it a small Gaussian. Every sample of "
    "it must decode to nearly the same image, because any of them can be the z that the decoder gets.\n\n"
    "Look at the samples below the plane: they look alike, and the region is small. Draw something unclear, half a 4 "
    "and half a 9. Does the region grow?",
)
with sampling.instrument:
    place_of_drawing(key="inside-place")

with errors_said():
    halves = halves_of(run_of(d))
    divergence = chapter.step(
        "kl",
        "What the KL asks for",
        "The KL compares the approximate posterior of your drawing with the [[prior]] N(0, I). It has two parts.\n\n"
        "The **part of the means**, ½ Σ μ², pulls all means to 0, so that the codes of all images share one place "
        "without large gaps: this is global [[regularity]]. The **part of the variances**, ½ Σ (σ² − 1 − log σ²), "
        "keeps σ from shrinking to 0, so that each code must share its surroundings with its neighbours: this is local "
        "regularity.\n\n"
        f"Over {halves.n:,} held-out digits they are **{halves.mean:.1f}** and **{halves.variance:.1f} nats** on "
        "average. The KL does not win: μ = 0 and σ = 1 for every image would mean that z says nothing about x.\n\n"
        "We know the KL in [[closed form]]. [[Monte Carlo|Sampling]] gives the same, within its error.",
    )
    with divergence.instrument:
        divergence_of_drawing(key="inside-kl")

step_of_no_digits(d)
step_of_escape()
step_of_together(d)

derivative = chapter.step(
    "gradient",
    "How does a gradient pass through sampling?",
    "We cannot differentiate through random sampling. So write z = μ + σ · ε: the randomness is in ε, and z is "
    "differentiable in μ and σ. This is the [[reparameterisation trick]].\n\n"
    "Another way, the score function, needs only the loss of each sample and the gradient of log q. Both are right on "
    "average. The difference is how far one sample is off: its variance.",
)
with derivative.instrument:
    gradients(d)

with errors_said():
    logarithm = chapter.step(
        "log-variance",
        "Why learn log σ²?",
        f"σ must become small. {fails_in_two_ways(d)}\n\n"
        "Below 0 the loss still has a value, because it depends on σ² only, but a program that takes log σ gets no "
        "number.\n\n"
        "The [[log-variance]] may be any number, and σ stays above 0. At its best the curvature is ½, whatever s is. "
        "Where σ is too small the slope is at most ½: a step that went too far is walked back. So it converges with "
        "large steps and is slow with small ones. σ = log(1 + exp ρ), called *softplus*, is used as well.",
    )
    with logarithm.instrument:
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
