"""The β dial: what the weight of the KL term does to points, decoder, samples and both terms of the loss."""

from __future__ import annotations

import streamlit as st

from ui.chapters import links
from ui.chapters.beta import CHAPTER
from ui.chapters.beta.sweep import (
    DATASET,
    DIMENSIONS,
    USUAL,
    best_for_samples,
    collapse,
    dial_of,
    formulas,
    labels_of,
    rate_distortion,
    sweep_table,
)
from ui.chapters.beta.terms_alone import alone_sentence, terms_alone, two_ways_out
from ui.chapters.beta.variance import same_dial, twins, weighing_curve, weighing_figures, weighing_text
from ui.components.canvas import latent_canvas
from ui.components.canvas import thumbnails as plane_thumbnails
from ui.components.dial import beta_dial, thumbnails
from ui.figures.messages import errors_said
from ui.figures.plots import show
from ui.links import url_state
from ui.runs.resources import thumbnail_sheet
from ui.stage import chapter

LINK = links.properties(CHAPTER.url)


@st.fragment
@errors_said()
def instrument(dimensions: int) -> None:
    """The dial and what follows it once it is released; a release reruns this part alone."""
    labels = labels_of(dimensions)
    usual = labels.index(USUAL) if USUAL in labels else 0
    beta = url_state.narrowed(LINK["beta"], labels)
    place = f"beta-start-{dimensions}"
    if place not in st.session_state:  # where the dial starts stays fixed: only the visitor moves it
        linked = url_state.read(beta)
        st.session_state[place] = usual if linked is None else labels.index(linked)
    start = st.session_state[place]
    dial, stops = dial_of(dimensions, start, f"{DATASET}:validation")
    chosen = beta_dial(dial, stops, key=f"beta-dial-{dimensions}")
    at = start if chosen is None else chosen
    url_state.write(beta, labels[at] if at != usual else None)

    chapter.passage(
        "What it costs",
        "Every point is a trained model: to the right codes that tell more of their image, further down better "
        "reconstructions. β chooses where on the curve to stop. The ring is the stop on the dial.",
    )
    show(rate_distortion(dimensions, at), key=f"beta-curve-{dimensions}")
    st.html(sweep_table(dimensions))


chapter.opening(
    CHAPTER,
    "A VAE's loss has two terms: rebuild the image, and keep its posterior near N(0, I). β weighs the second one. At 0 "
    "nothing holds the codes together; at 1 the loss is the negative ELBO; far above, the code stops telling "
    "anything. Every stop below is a model of its own, trained on the same images with the same noise: drag.",
)
d = url_state.choose(LINK["d"], "Latent dimensions, d", DIMENSIONS, 2, key="beta-d")

with errors_said():
    chapter.predict(
        chapter.Prediction(
            f"collapse-{d}",
            "at the largest β, what is the loss made of?",
            ("Both terms, in balance", "Reconstruction alone: the code is not used", "KL alone"),
            lambda: collapse(d),
        )
    )
instrument(d)

with errors_said():
    names = labels_of(d)
    chapter.predict(
        chapter.Prediction(
            f"best-{d}",
            "which β gives the samples from N(0, I) that are nearest to real digits?",
            tuple(f"β = {name}" if name[0].isdigit() else name for name in names),
            lambda: best_for_samples(d),
        )
    )

with errors_said():
    if d == 2:
        chapter.passage("Each term alone", alone_sentence())
        for column, alone in zip(st.columns(3, gap="medium"), terms_alone(f"{DATASET}:validation"), strict=True):
            with column:
                latent_canvas(alone, key=f"beta-alone-{alone.header['title']}")
with errors_said():
    chapter.passage(
        "Two ways out of a loss without KL",
        "Encoding to a distribution is not enough. With β = 0 noise only does harm, so training makes it small beside "
        "the codes: by shrinking σ, or by driving the means apart. The two are the same thing in another unit of "
        "latent space, and the KL is what fixes the unit.",
    )
    st.html(two_ways_out(d))
with errors_said():
    chapter.passage("The variance c is the same dial", weighing_text())
    by_c, by_beta = twins()
    chapter.predict(
        chapter.Prediction(
            "same-dial",
            f"{by_c.name} or {by_beta.name}: which model has the smaller squared error?",
            (f"With {by_c.name}", f"With {by_beta.name}", "They are the same"),
            same_dial,
        )
    )
    show(weighing_curve(), key="beta-variance")
    st.html(weighing_figures())

mathematics: list[tuple[str, str]] = []
with errors_said():
    mathematics = formulas(d, labels_of(d).index(USUAL) if USUAL in labels_of(d) else 0)
chapter.foot(
    CHAPTER,
    mathematics=mathematics,
    code=(
        ("losses/terms.py", "weighted_sum"),
        ("losses/gaussian.py", "kl_to_standard_normal"),
        ("metrics/latent.py", "sigma_over_spread"),
        ("metrics/latent.py", "active_units"),
        ("lessons/latent_scale.py", "in_other_units"),
        ("losses/likelihoods.py", "LearnedGaussian"),
    ),
    sources=(
        chapter.Source("Higgins et al. 2017, beta-VAE", "https://openreview.net/forum?id=Sy2fzU9gl"),
        chapter.Source("Alemi et al. 2018, Fixing a broken ELBO", "https://arxiv.org/abs/1711.00464"),
        chapter.Source("Hoffman and Johnson 2016, ELBO surgery", "http://approximateinference.org/accepted/HoffmanJohnson2016.pdf"),
        chapter.Source("Burda et al. 2016, Importance weighted autoencoders", "https://arxiv.org/abs/1509.00519"),
        chapter.Source("Rybkin et al. 2021, Simple and effective VAE training with calibrated decoders", "https://arxiv.org/abs/2006.13202"),
    ),
)  # fmt: skip

with errors_said():
    thumbnails(thumbnail_sheet(DATASET), key="beta-thumbnails")
    if d == 2:
        plane_thumbnails(thumbnail_sheet(DATASET), key="beta-plane-thumbnails")
