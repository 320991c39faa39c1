"""The β dial: what the weight of the KL term does to points, decoder, samples and both terms of the loss."""

from __future__ import annotations

import streamlit as st

from ui.chapters import links
from ui.chapters.beta import CHAPTER
from ui.chapters.beta.costs import (
    COLLAPSE,
    collapse,
    collapse_asked,
    formulas,
    price,
    rate_distortion,
    starts_differ,
    sweep_table,
)
from ui.chapters.beta.kept_class import kept_figure, loses_class
from ui.chapters.beta.no_kl import cheating_text, halves_text, ratio_figure, two_ways_table
from ui.chapters.beta.overfitting import overfitting_figure, overfitting_table, overfitting_text
from ui.chapters.beta.sampled import best_for_samples, distance_figure
from ui.chapters.beta.sweep import DATASET, DIMENSIONS, dial_of, labels_of, name_of, stops_of, usual_of
from ui.chapters.beta.switched_off import switched_off_figure, switched_off_text
from ui.chapters.beta.terms_alone import alone_sentence, terms_alone
from ui.chapters.beta.variance import learned_text, same_dial, twins, weighing_curve, weighing_figures, weighing_text
from ui.chapters.thumbnails import thumbnails_of
from ui.components.canvas import latent_canvas
from ui.components.dial import beta_dial
from ui.figures.markup import folded
from ui.figures.messages import errors_said
from ui.figures.plots import show
from ui.links import url_state
from ui.runs.resources import held_out
from ui.runs.selection import measured_on
from ui.stage import chapter
from ui.stage.steps import prose

LINK = links.properties(CHAPTER.url)
USUAL_D = 2


@st.fragment
@errors_said()
def dial_and_costs(dimensions: int) -> None:
    """The dial and the curve that follows it; a release reruns these two alone."""
    first = chapter.opening(
        CHAPTER,
        "A [[VAE]]'s loss has two terms. The [[reconstruction]] term asks for images that match. The [[KL]] term pulls "
        "every [[approximate posterior]] towards the [[prior]]. **β** multiplies the KL term: a [[β-VAE]].\n\n"
        "Each mark on the dial is a model of its own, trained with that β on the same images. **Drag** from 0 to the "
        f"right. Watch the dots, which are {len(held_out(DATASET)):,} [[held-out image|held-out]] digits "
        "at their mean codes, the samples, and the two bars. The numbers are of one random start each: small "
        "differences mean nothing.",
    )
    with first.words:
        # Inside of this fragment, because the words are; all of the page follows it.
        d = url_state.choose(LINK["d"], "Latent dimensions, d", DIMENSIONS, USUAL_D, key="beta-d")
        if d != dimensions:
            st.rerun()
        seen = chapter.ask(
            chapter.Prediction(
                f"collapse-{d}",
                collapse_asked(d),
                COLLAPSE,
                lambda: collapse(d),
            )
        )
    with first.instrument:
        label = dial(d)

    costs = chapter.step(
        "costs",
        "What it costs",
        "Each point is a trained model. To the right, the KL is larger: the [[rate]], which is the most that codes can "
        f"tell about their image. Near β = 0 they tell all of {measured_on(*stops_of(d))} apart already: what grows is "
        "mostly the scale of the codes. Further down, images are rebuilt better. β chooses the point; the ring is the "
        "model on the dial.",
        words_first=True,
    )
    with costs.words:
        if seen:
            prose(f"{price(d)}\n\n{starts_differ(d)}")
            st.html(folded("Every β in numbers", sweep_table(d)))
    with costs.instrument:
        if seen:
            show(rate_distortion(d, label), key=f"beta-curve-{d}")
        else:
            chapter.covered(300)


def dial(dimensions: int) -> str:
    """The dial, whose stop is in the link; the name of the stop that it stands on."""
    labels = labels_of(dimensions)
    usual = usual_of(labels)
    beta = url_state.narrowed(LINK["beta"], labels)
    place = f"beta-start-{dimensions}"
    if place not in st.session_state:  # where the dial starts stays fixed: only the visitor moves it
        linked = url_state.read(beta)
        st.session_state[place] = usual if linked is None else labels.index(linked)
    start = st.session_state[place]
    payload, stops = dial_of(dimensions, start, f"{DATASET}:validation")
    chosen = beta_dial(payload, stops, thumbnails_of(DATASET), key=f"beta-dial-{dimensions}")
    at = start if chosen is None else chosen
    url_state.write(beta, labels[at] if at != usual else None)
    return labels[at]


@st.fragment
@errors_said()
def best(dimensions: int) -> None:
    """Which β to choose, by one stated measure."""
    names = labels_of(dimensions)
    one = chapter.step(
        "best",
        "Which β is best?",
        "Best for what? To rebuild images, small. To sample new ones, the codes must match the prior and still say "
        "something. The [[Fréchet distance]] of samples from N(0, I) to real digits measures that.\n\n"
        "We choose β on [[held-out image|held-out]] digits and report the distance on test digits. The digits that one "
        "chooses on make the choice look better than it is.",
        words_first=True,
    )
    with one.words:
        seen = chapter.ask(
            chapter.Prediction(
                f"best-{dimensions}",
                "which β gives the samples that are nearest to real digits?",
                tuple(name_of(name) for name in names),
                lambda: best_for_samples(dimensions),
            )
        )
    with one.instrument:
        if seen:
            show(distance_figure(dimensions), key=f"beta-best-{dimensions}")
        else:
            chapter.covered(300)


def switched_off() -> None:
    """Posterior collapse, where there are dimensions to lose."""
    one = chapter.step(
        "off",
        "Too much: dimensions switch off",
        "A dimension is worth its KL only while it saves more than β nats of reconstruction for each nat. A larger β "
        "switches more of them off: [[posterior collapse]]. What is left are the [[active units]]. A dimension without "
        "KL does no harm, but it tells nothing.",
    )
    with one.words:
        prose(switched_off_text())
    with one.instrument:
        show(switched_off_figure(), key="beta-off")


def each_term_alone() -> None:
    """Three planes: reconstruction only, both terms, KL only."""
    one = chapter.step(
        "alone",
        "Each term alone",
        "Every dot is a held-out digit, at one z sampled from its [[approximate posterior]]. [[hole rate|Holes]] and "
        "[[coverage]] are of samples from the [[prior]], and from the model's own region, a box around its codes.",
        wide=True,
    )
    with one.instrument:
        for column, alone in zip(st.columns(3, gap="medium"), terms_alone(f"{DATASET}:validation"), strict=True):
            with column:
                latent_canvas(alone, thumbnails_of(DATASET), key=f"beta-alone-{alone.header['title']}")
        prose(alone_sentence())


def cheats(dimensions: int) -> None:
    """What becomes of the widths of the approximate posteriors without a KL term."""
    one = chapter.step(
        "cheats",
        "Two ways to cheat when there is no KL",
        "To encode an image as a distribution is not enough. Noise makes the reconstruction worse. Without a KL term "
        "nothing keeps it, and training makes it small beside the codes: by a smaller σ, or by means farther apart.",
    )
    with one.words:
        prose(cheating_text(dimensions))
        prose(halves_text(dimensions))
        st.html(folded("Both ways in numbers", two_ways_table(dimensions)))
    with one.instrument:
        show(ratio_figure(dimensions), key=f"beta-ratio-{dimensions}")


def fewer_digits() -> None:
    """Whether the KL term regularises in the usual sense."""
    one = chapter.step(
        "overfitting",
        "Does the KL term prevent overfitting?",
        "A VAE is often called an autoencoder that is [[regularisation|regularised]] against [[overfitting]]. Give "
        "models fewer digits to learn from, and measure on digits that they learned from and on new ones.",
    )
    with one.words:
        prose(overfitting_text())
        st.html(folded("Every model in numbers", overfitting_table()))
    with one.instrument:
        show(overfitting_figure(), key="beta-overfitting")


@st.fragment
@errors_said()
def kept_class(dimensions: int) -> None:
    """What a sampled z costs."""
    one = chapter.step(
        "kept",
        "Does a sample stay the same digit?",
        "At β = 1 an approximate posterior is no point: z may fall anywhere in it. Take an image, sample one z, decode "
        "it, and ask a classifier which digit it sees. Do the same with the mean code.",
        words_first=True,
    )
    with one.words:
        seen = chapter.ask(
            chapter.Prediction(
                f"kept-{dimensions}",
                "at β = 1, how many more of 100 images become a wrong digit if z is sampled?",
                ("Fewer than 5", "5 to 30", "More than 30"),
                lambda: loses_class(dimensions),
            )
        )
    with one.instrument:
        if seen:
            show(kept_figure(dimensions), key=f"beta-kept-{dimensions}")
        else:
            chapter.covered(300)


@st.fragment
@errors_said()
def variance() -> None:
    """The variance of a Gaussian likelihood beside β."""
    one = chapter.step("variance", "The variance c is the same dial", weighing_text(), words_first=True)
    by_c, by_beta = twins()
    with one.words:
        seen = chapter.ask(
            chapter.Prediction(
                "same-dial",
                f"which model has the smaller squared error: {by_c.name} or {by_beta.name}?",
                (f"With {by_c.name}", f"With {by_beta.name}", "They are the same"),
                same_dial,
            )
        )
        if seen:
            prose(learned_text())
    with one.instrument:
        if seen:
            show(weighing_curve(), key="beta-variance")
            st.html(folded("Every model in numbers, and the same digits by some of them", weighing_figures()))
        else:
            chapter.covered(300)


chosen_d = url_state.begin(LINK["d"], USUAL_D, key="beta-d") or USUAL_D
dial_and_costs(chosen_d)
best(chosen_d)
with errors_said():
    switched_off()
if chosen_d == USUAL_D:
    with errors_said():
        each_term_alone()
with errors_said():
    cheats(chosen_d)
with errors_said():
    fewer_digits()
kept_class(chosen_d)
variance()

mathematics: list[tuple[str, str]] = []
with errors_said():
    mathematics = formulas(chosen_d)
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
