"""Sharper images: a GAN and a VAE on the same points, live, and on the same digits."""

from __future__ import annotations

from functools import partial

import streamlit as st

from ui.chapters.sharper import CHAPTER
from ui.chapters.sharper.blur import COUNT, NEARER, averaging, blur_payload, nearer_to_the_mean
from ui.chapters.sharper.cases import STEPS
from ui.chapters.sharper.family import DATASET, learned_from
from ui.chapters.sharper.nearest import memorised
from ui.chapters.sharper.outcomes import (
    HOW_MANY,
    MORE_OR_LESS,
    failures_table,
    families_table,
    slow_discriminator,
    strays,
    words_on_failing,
    words_on_the_vae,
)
from ui.chapters.sharper.pictures import planes, rebuilt, search_payload, sheets
from ui.chapters.sharper.purposes import PURPOSES, answer, options, purposes_table, result
from ui.chapters.sharper.slopes import WHICH_LOSS, slopes_figure, stronger_loss
from ui.chapters.sharper.struggle import failures, struggle
from ui.chapters.sharper.table import numbers
from ui.chapters.sharper.toy import toy_payload
from ui.chapters.sharper.verdicts import WHOSE, how_good_guesses_are, what_it_costs, whose_are_sharp
from ui.chapters.thumbnails import thumbnails_for
from ui.components.adversarial import adversarial_toy
from ui.components.blur import likely_images
from ui.components.inversion import code_search
from ui.figures.messages import errors_said
from ui.figures.plots import show
from ui.runs.shown import stored
from ui.stage import chapter
from ui.stage.beside import planes_beside
from vae_core.datasets import is_here
from vae_core.lessons.adversarial_rules import R1


@st.fragment
@errors_said()
def step_of_wants() -> None:
    """What each network wants, and which loss says it best."""
    step = chapter.step(
        "wants",
        "Two networks, opposite aims",
        "The [[discriminator]] D is a classifier: real points should get D(x) = 1, samples D(x) = 0. Its loss is that "
        "of any classifier, −ln D(x) − ln(1 − D(G(z))). If data and samples are spread alike, it can only guess: "
        "D = ½ everywhere, and a loss of ln 4 = 1.39 nats, the dashed line in the toy.\n\n"
        "The [[generator]] G wants the opposite for its samples. It could lower ln(1 − D(G(z))), what D wants high, or "
        "lower −ln D(G(z)). Both are best at D = 1.",
        words_first=True,
    )
    with step.words:
        answered = chapter.ask(
            chapter.Prediction(
                "loss",
                "at first D sees through every sample, D(G(z)) = 0.01. Which loss asks G to change more?",
                WHICH_LOSS,
                stronger_loss,
            )
        )
    with step.instrument:
        if answered:
            show(slopes_figure(), key="sharper-slopes")
        else:
            chapter.covered(320)


@st.fragment
@errors_said()
def step_of_failing() -> None:
    """Mode collapse, and what helps."""
    step = chapter.step(
        "failing",
        "Why it can fail",
        "No loss measures how far G is from the data. G only follows what D says now, and D only tells today's samples "
        "from data. Choose *D learns too slowly* in the toy's menu, and watch.",
        words_first=True,
    )
    with step.words:
        answered = chapter.ask(
            chapter.Prediction(
                "collapse",
                f"D learns at a quarter of G's rate. How many of the 8 modes does G hold after {STEPS:,} steps?",
                HOW_MANY,
                slow_discriminator,
            )
        )
        if answered:
            chapter.prose(words_on_failing())
    with step.instrument:
        if answered:
            st.html(failures_table())
        else:
            chapter.covered(420)


@st.fragment
@errors_said()
def step_of_the_vae() -> None:
    """What a VAE does instead."""
    step = chapter.step(
        "instead",
        "What a VAE does instead",
        "A VAE has no opponent. Its loss asks that **every** point of the data is rebuilt from its code: a mode that "
        "is left out costs many nats. But nothing in the loss looks at what lies between.",
        words_first=True,
    )
    with step.words:
        answered = chapter.ask(
            chapter.Prediction(
                "stray",
                "how many of the VAE's samples lie at no mode?",
                MORE_OR_LESS,
                strays,
            )
        )
        if answered:
            chapter.prose(words_on_the_vae())
    with step.instrument:
        if answered:
            st.html(families_table())
        else:
            chapter.covered(420)


@st.fragment
@errors_said()
def step_of_blur() -> None:
    """One code, what it may stand for, and the mean of that."""
    step = chapter.step(
        "blur",
        "Why a VAE blurs",
        "Now a VAE of handwritten digits, whose z is two numbers. Many digits x have nearly the same z, and it does "
        "not say which of them is meant. Yet the [[decoder]] must answer with one image. Its loss, pixel by pixel, is "
        "least for the **mean** of all that z may stand for, by the squared error and by Bernoulli pixels alike. And "
        "a mean of sharp images that differ is blurred.\n\n"
        "The digits whose codes are nearest to z show what it may stand for. Slide from one of them to the mean of "
        "many.",
        words_first=True,
    )
    with step.words:
        answered = chapter.ask(
            chapter.Prediction(
                "blur",
                "we decode the codes of held-out digits. For how many is the image nearer, by squared error, to the "
                f"mean of the {COUNT} nearest digits than to the nearest one?",
                NEARER,
                nearer_to_the_mean,
            )
        )
    with step.instrument, errors_said():
        if answered:
            payload = blur_payload()
            if digits := thumbnails_for(averaging().run):
                likely_images(payload, digits, key="sharper-blur")
        else:
            chapter.covered(610)


@st.fragment
@errors_said()
def step_of_digits() -> None:
    """The same decoder on digits, taught in different ways."""
    step = chapter.step(
        "digits",
        "The same on digits",
        "Here are decoders of digits, with the same layers and the same number of weights. They differ in what they "
        f"learned from: {learned_from()}. They also took steps of different sizes, and not equally many (below the "
        "table): this is each model as it is usually trained, not a race.",
        words_first=True,
    )
    with step.words:
        answered = chapter.ask(
            chapter.Prediction(
                "sharp",
                "we decode draws from N(0, I). Whose edges are about as sharp as real digits', the VAE's or the GAN's?",
                WHOSE,
                whose_are_sharp,
            )
        )
        if answered:
            chapter.prose(what_it_costs())
    with step.instrument, errors_said():
        if answered:
            if st.button("Draw again", icon=":material/casino:", key="sharper-again"):
                st.session_state["sharper-draw"] = st.session_state.get("sharper-draw", 0) + 1
            st.html(sheets(st.session_state.get("sharper-draw", 0)))
            st.html(numbers())
        else:
            chapter.covered(420)


@st.fragment
@errors_said()
def step_of_planes() -> None:
    """A GAN's plane beside a VAE's."""
    step = chapter.step(
        "plane",
        "A GAN has a plane, too",
        "With two numbers as z, a GAN's [[latent space]] is a plane like a VAE's: move over either, and it decodes. "
        "No encoder made a GAN's plane. The points are held-out digits at the codes that a second network guesses for "
        "them; it learned from the GAN's own images, and the GAN learned nothing from it.",
    )
    with step.words, errors_said():
        chapter.prose(how_good_guesses_are())
    with step.instrument, errors_said():
        planes_beside(*(stored(spec.key) for spec in planes()), group="sharper-planes")


@st.fragment
@errors_said()
def step_of_the_code() -> None:
    """The code of an image, searched for."""
    step = chapter.step(
        "code",
        "Which code makes this digit?",
        "A VAE's encoder answers at once. For a GAN one has to search: begin somewhere, step downhill on the squared "
        "error, and stop where it is flat. Each step decodes again, here in your browser.\n\n"
        "Begin with a random code, too. Does the search end at the same image? And does it look like the digit?",
    )
    with step.instrument, errors_said():
        code_search(search_payload(), key="sharper-search")
        st.html(rebuilt())


@st.fragment
@errors_said()
def step_of_memory() -> None:
    """Samples beside the training images nearest to them."""
    step = chapter.step(
        "memory",
        "Did it memorise?",
        "A generator that had learned its training images by heart would draw sharp ones, too. So we look for the "
        "training image that is nearest to each sample, in all of the training set.\n\n"
        "Near is not the same: new digits that people wrote lie near to training images as well. Only samples that are "
        "nearer than those would be copies.",
    )
    with step.instrument, errors_said():
        here = is_here(DATASET)
        too = here and st.toggle("Show these training images", key="sharper-training")
        if told := memorised(too):
            st.html(told)
        if not here:
            st.caption(
                "The training images themselves are not on this machine. Train a model on MNIST on Train your own, and "
                "they can be shown."
            )


@st.fragment
@errors_said()
def step_of_the_struggle() -> None:
    """Both losses while it trains."""
    step = chapter.step(
        "struggle",
        "What the losses tell",
        "A VAE's loss falls as it learns. A GAN's two losses do not: each network's success is the other's loss. While "
        "both improve, the curves stand almost still. They do not say whether the samples are good. A discriminator "
        "that is far ahead shows: its loss is then near 0, and the generator learns from its mistakes alone.",
    )
    with step.instrument, errors_said():
        show(struggle(), key="sharper-struggle")
        if told := failures():
            st.html(told)


@st.fragment
@errors_said()
def step_of_the_vote() -> None:
    """Which of the models for which purpose: votes, then figures."""
    step = chapter.step(
        "vote",
        "Are you more GANs or VAEs?",
        "That depends on what for. Vote for each purpose; then see how these very models do. One is called best only "
        "if it is so by every measure named, and by more than random starts of one model differ.",
        words_first=True,
    )
    votes, shown = {}, []
    with step.words, errors_said():
        choices = options()
        for purpose in PURPOSES:
            asked = chapter.Prediction(
                purpose.key, f"{purpose.title}: which is best?", choices, partial(answer, purpose)
            )
            if chapter.ask(asked):
                shown.append(purpose.key)
            if (chosen := st.session_state.get(f"predict-{purpose.key}")) in choices:
                votes[purpose.key] = choices.index(chosen)
    with step.instrument, errors_said():
        if shown:
            st.html(purposes_table(tuple(shown)))
            if votes:
                chapter.prose(result(votes))
        else:
            chapter.covered(420)


first = chapter.opening(
    CHAPTER,
    "Both models learn to make points like the white ones. Both turn random numbers z into points; what differs is who "
    "tells them how good these are.\n\n"
    "The first is a [[GAN]]. A [[generator]] G makes the yellow samples; a [[discriminator]] D colours the plane, blue "
    "where it believes points are real. Each arrow is what a sample learns: where to go to look more real.\n\n"
    "The second is a VAE: codes, a decoder, noise. The colour shows p(x), how probable it finds a "
    "point, smoothed from 256 samples.\n\n"
    "The violet net is a grid of z as each network lays it out; all its cells hold equally many samples. How do the "
    "two cross from mode to mode?\n\n"
    "Try other data, or **draw** your own. Then move a switch while it trains: settings that fail are in the menu.",
)
with first.instrument, errors_said():
    adversarial_toy(toy_payload(), key="sharper-toy")

step_of_wants()
step_of_failing()
step_of_the_vae()
step_of_blur()
step_of_digits()
step_of_planes()
step_of_the_code()
step_of_memory()
step_of_the_struggle()
step_of_the_vote()

chapter.foot(
    CHAPTER,
    mathematics=(
        (
            "The game of both networks, with its value at the best D for a G whose samples have the density g. "
            "The Jensen–Shannon divergence is 0 only if g = p.",
            r"\min_G \max_D \; \mathbb{E}_{x \sim p}[\ln D(x)] + \mathbb{E}_{z}[\ln(1 - D(G(z)))], \qquad "
            r"D^*(x) = \frac{p(x)}{p(x) + g(x)}, \qquad \max_D = 2\,\mathrm{JS}(p, g) - \ln 4",
        ),
        (
            "What a decoder draws best for a code z, by the squared error and by Bernoulli pixels: the mean of all x "
            "that z may stand for. The first sum is the one below the plane: the mean m of k images, and how far they "
            "lie around it.",
            r"\frac{1}{k} \sum_{i} \lVert \hat{x} - x_i \rVert^2 = \lVert \hat{x} - m \rVert^2 + "
            r"\frac{1}{k} \sum_i \lVert x_i - m \rVert^2, \qquad "
            r"\operatorname*{arg\,min}_{\hat{x}} \; \mathbb{E}[-x \ln \hat{x} - (1 - x) \ln(1 - \hat{x}) \mid z] "
            r"= \mathbb{E}[x \mid z]",
        ),
        (
            f"The R1 penalty, added to D's loss; s is its logit. Here γ = {R1:g}.",
            r"\tfrac{\gamma}{2}\, \mathbb{E}_{x \sim p}\, \lVert \nabla_x s(x) \rVert^2",
        ),
    ),
    code=(
        ("losses/adversarial.py", "discriminator_loss"),
        ("losses/adversarial.py", "non_saturating"),
        ("losses/adversarial.py", "squared_slope"),
        ("training/adversarial.py", "GANStep"),
        ("lessons/adversarial_toy.py", "Gan"),
        ("lessons/adversarial_toy.py", "Vae"),
    ),
    sources=(
        chapter.Source("Goodfellow et al. 2014, Generative adversarial nets", "https://arxiv.org/abs/1406.2661"),
        chapter.Source("Heusel et al. 2017, Two time-scales: GANs converge", "https://arxiv.org/abs/1706.08500"),
        chapter.Source("Mescheder et al. 2018, Which training methods for GANs do converge?", "https://arxiv.org/abs/1801.04406"),
        chapter.Source("Srivastava et al. 2017, VEEGAN: counting modes", "https://arxiv.org/abs/1705.07761"),
        chapter.Source("Lin et al. 2018, PacGAN: a ring of 8 and a grid of 25", "https://arxiv.org/abs/1712.04086"),
        chapter.Source("Yazıcı et al. 2019, Averaging the generator's weights", "https://arxiv.org/abs/1806.04498"),
        chapter.Source("Karras et al. 2018, the minibatch standard deviation", "https://arxiv.org/abs/1710.10196"),
        chapter.Source("Karras et al. 2020, R1 every 16 steps", "https://arxiv.org/abs/1912.04958"),
        chapter.Source("Larsen et al. 2016, VAE-GAN: a learned similarity", "https://arxiv.org/abs/1512.09300"),
        chapter.Source("Hou et al. 2017, Deep feature consistent VAE", "https://arxiv.org/abs/1610.00291"),
        chapter.Source("Kynkäänniemi et al. 2019, precision and recall", "https://arxiv.org/abs/1904.06991"),
        chapter.Source("Naeem et al. 2020, coverage and density", "https://arxiv.org/abs/2002.09797"),
        chapter.Source("Donahue et al. 2017, a network that guesses codes", "https://arxiv.org/abs/1605.09782"),
        chapter.Source("Pech-Pacheco et al. 2000, the variance of the Laplacian", "https://doi.org/10.1109/ICPR.2000.903548"),
        chapter.Source("Kahng et al. 2019, GAN Lab", "https://arxiv.org/abs/1809.01587"),
    ),
)  # fmt: skip
