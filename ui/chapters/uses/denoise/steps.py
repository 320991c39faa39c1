"""The bench's steps."""

from __future__ import annotations

import streamlit as st

from ui.chapters.uses.denoise import BENCH, QUESTIONS
from ui.chapters.uses.denoise.answers import answers
from ui.chapters.uses.denoise.bench import payloads
from ui.chapters.uses.denoise.methods import KIND, LEVEL
from ui.chapters.uses.denoise.verdicts import (
    AT_HALF,
    AT_LITTLE,
    LITTLE,
    at_half,
    at_little,
    table,
    where,
)
from ui.components.denoise import denoise, rests
from ui.figures.markup import folded
from ui.figures.messages import errors_said
from ui.stage import chapter
from vae_core.corruption import CORRUPTIONS

LIVE = "uses-denoise"  # the component's key


def steps() -> None:
    """All of them."""
    step_live()
    step_where()


@st.fragment
@errors_said()
def step_live() -> None:
    """The digit on the board, damaged, and what each method makes of it."""
    step = chapter.step(
        "denoise",
        BENCH.question,
        "A filter cleans an image by what holds of nearly all images: neighbouring pixels are alike "
        "(**Gaussian blur**, **median**, **[[total variation]]**), or one place looks like another (**non-local "
        "means**). **PCA** keeps what digits have in common, as far as a flat map can.\n\n"
        "An autoencoder's code has learned digits. Trained to rebuild what it sees, it rebuilds noise, too, as well as "
        "it can. So Vincent et al. (2008) damage its input and ask for the undamaged image: a [[denoising "
        f"autoencoder]]. This one, convolutional and with a code of 32 numbers, saw Gaussian noise of σ = {LEVEL:g} "
        "only; everything else here is new to it.",
        words_first=True,
    )
    with step.words:
        answered = chapter.ask(
            chapter.Prediction(
                QUESTIONS[0],
                f"with Gaussian noise of σ = {LEVEL:g}, where white is 1, what brings a digit back best?",
                AT_HALF,
                at_half,
            )
        )
        if answered:
            chapter.prose(
                "Draw while the noise is on; move the slider; take other random numbers. Networks and PCA answer in "
                "your browser, filters on the server when your hand rests. [[PSNR]] counts the squared error on a "
                "logarithmic scale: 3 dB are half of it. [[SSIM]] compares small windows by contrast and structure."
            )
            with_vae = st.checkbox("Also a VAE, never shown noise (0.4 MB more)", key="uses-denoise-vae")
    with step.instrument:
        if answered:
            first, later = payloads(with_vae, answers(rests(LIVE)))
            denoise(first, later, key=LIVE)
        else:
            chapter.covered(640)


@st.fragment
@errors_said()
def step_where() -> None:
    """The levels and kinds at which it loses."""
    step = chapter.step(
        "denoise-where",
        "Where it loses",
        "A code is a bottleneck: whatever comes out is a digit that 32 numbers can say. That removes noise. It also "
        "removes whatever these numbers cannot say.",
        words_first=True,
    )
    with step.words:
        answered = chapter.ask(
            chapter.Prediction(
                QUESTIONS[1], f"with little noise, σ = {LITTLE:g}, what is nearest to the digit?", AT_LITTLE, at_little
            )
        )
        if answered:
            chapter.prose(
                f"Against the best that is no network, on test digits, the denoising autoencoder\n\n{where()}\n\n"
                "**Clipped or not?** Noise on a screen or from a camera is clipped to what can be shown. On black "
                "paper that leaves only its brighter half, which no filter removes by averaging; so every filter here "
                "also gets a gain and an offset, as one would set the black point by hand. Not clipped, the noise has "
                "mean 0, and averaging removes it: see its table."
            )
    with step.instrument:
        if answered:
            st.html(table(KIND))
            others = (kind for kind in CORRUPTIONS if kind != KIND)
            st.html("".join(folded(CORRUPTIONS[kind].title, table(kind)) for kind in others))
        else:
            chapter.covered(420)
