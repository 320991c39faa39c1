"""The bench's steps."""

from __future__ import annotations

import streamlit as st

from ui.chapters.codes.runs import colours_in
from ui.chapters.uses.compress import BENCH, QUESTIONS, damage, figures
from ui.chapters.uses.compress.live import Coded, chained, compressed, image_of
from ui.chapters.uses.compress.methods import grid, setting
from ui.chapters.uses.runs import DATASET
from ui.components.compress import counted_bits
from ui.figures.markup import Html
from ui.figures.messages import errors_said
from ui.figures.pictures import Picture, side_by_side, tiles
from ui.figures.plots import show
from ui.runs.resources import held_out
from ui.runs.selection import per_shelf
from ui.stage import chapter
from vae_core.errors import MeasureError
from vae_core.payloads.codes import codes_payload
from vae_core.payloads.plane import Payload

KEY = "uses-compress"
NARROW, PICTURES, SINGLE = 720, 440, 200  # pixels


def steps() -> None:
    """All of them."""
    step_of_codes()
    step_of_files()
    step_of_bits_back()


@per_shelf
def payload() -> Payload:
    """What the component is sent."""
    run = grid().run
    return codes_payload(
        run,
        held_out(DATASET),
        per_class=1,
        title=f"{run.spec.latent_dim} codes of {grid().entries} entries, and a prior",
        subtitle="Both run in your browser; the server writes the bits when your hand rests.",
        colours=colours_in(run),
        noun="digit",
        penalty=setting("grid", ""),
    )


@st.fragment
@errors_said()
def step_of_codes() -> None:
    """The digit of the board in bits, and what damage does to them."""
    step = chapter.step(
        "compress",
        BENCH.question,
        "If both sides know what digits look like, little is left to say. The encoder of a [[VQ-VAE]] names an entry "
        "of "
        "its [[codebook]] for each of 7 × 7 cells; a [[autoregressive prior|prior]] that has learned which entries "
        "follow "
        "which gives each a probability p; and an [[entropy coder]] writes it in −log₂ p [[bit]]s (Shannon 1948).\n\n"
        "A cell may also take an entry that is nearly as near, if it saves bits: λ says how much error a bit is worth.",
        wide=True,
    )
    with step.words:
        png = figures.of("PNG, alone").figures["bits"]
        answered = chapter.ask(
            chapter.Prediction(
                QUESTIONS[0],
                f"a digit's PNG has about {png:,.0f} bits. How many do its codes take under their prior, in the mean?",
                figures.HOW_FEW,
                figures.how_few,
            )
        )
    with step.instrument:
        if not answered:
            chapter.covered(640)
            return
        asked = counted_bits(payload(), key=KEY)
        _written(asked)


def _written(asked: object) -> None:
    """What the server wrote for the digit on the board."""
    try:
        raw = image_of(asked)
    except MeasureError as error:
        st.info(str(error))
        return
    if raw is None:
        return
    found = compressed(raw)
    st.html(_results(found))
    with st.container(width=SINGLE):
        st.html(_results((chained(raw),)))
    chapter.prose(
        "Each image above is decoded from the bits that are counted below it. Now damage them: every bit says how the "
        "next ones are to be read."
    )
    with st.container(width=NARROW):
        coded, flip, keep = damage.controls(found)
        reading, harmed = damage.outcome(coded, flip, keep)
        st.html(damage.string(coded, flip, keep))
        st.markdown(damage.said(coded, reading, harmed))
    with st.container(width=PICTURES):
        st.html(damage.pictures(coded, reading))


def _results(found: tuple[Coded, ...]) -> Html:
    cells = []
    for one in found:
        error = f"squared error {one.mse:.4f}" if one.mse else "exact"
        text = f"{one.bits:,.0f} bits, {error}" + (f". {one.note[0].upper()}{one.note[1:]}." if one.note else "")
        picture = tiles(one.image.reshape(1, -1) / 255, (1, *one.image.shape), columns=1)
        cells.append(Picture(one.name, text, picture, "the digit, decoded"))
    return side_by_side(cells, least="7.5rem")


@st.fragment
@errors_said()
def step_of_files() -> None:
    """All ways on all test digits."""
    step = chapter.step(
        "compress-files",
        "Against PNG, JPEG and WebP",
        "One digit is no fair test: a file begins with a head that says how to read it, and nobody sends one digit. "
        "So every "
        "way is also measured with all test digits in one stream, or side by side in one picture, a **mosaic**.\n\n"
        "PCA stands for coding without a network: coefficients, rounded, each written by how often it occurs.",
        wide=True,
    )
    together = figures.of("JPEG, mosaic").figures["n"]
    with step.words:
        answered = chapter.ask(
            chapter.Prediction(
                QUESTIONS[1],
                f"{together:,} digits side by side in one JPEG, instead of a JPEG for each, at the same quality. How "
                "many bits are that for each digit?",
                figures.IN_MOSAIC,
                figures.in_mosaic,
            )
        )
    with step.instrument:
        if not answered:
            chapter.covered(520)
            return
        chapter.prose(figures.verdict())
        show(figures.rate_figure(), key="uses-compress-rate")
        st.html(figures.comparison_table())
        chapter.prose(
            "Nothing here is free. The network knows digits and nothing else: a letter costs it more, a photograph "
            "it cannot "
            "say at all, and its weights must be sent once. JPEG and WebP know what all pictures have in common. "
            "And a mosaic helps only who has many digits at the same time; a stream of codes, too, shares only its "
            "head."
        )


@st.fragment
@errors_said()
def step_of_bits_back() -> None:
    """Where a KL is a rate."""
    step = chapter.step(
        "compress-bits-back",
        "When is the KL a rate?",
        "A VAE's code z is a real number: written exactly it would take endless bits. But any z from q(z|x) will do, "
        "and "
        "which one it is can itself carry bits. [[bits-back coding|Bits-back coding]] (Townsend et al. 2019) "
        "*decodes* z "
        "from bits that are already in the stream. Whoever reads the image knows q(z|x) too, and puts them back.\n\n"
        "Without that, one pays −log₂ p(z) − log₂ p(x|z); with it, log₂ q(z|x) is returned, and what is left is the "
        "negative [[ELBO]].",
        wide=True,
    )
    with step.words:
        paid = figures.measured()["bits_back"]["paid"]["bits"]
        answered = chapter.ask(
            chapter.Prediction(
                QUESTIONS[2],
                f"for each black-and-white digit, about {paid:.0f} bits are written. How many does it cost in a chain "
                "of 1,000, once the borrowed bits are back?",
                figures.WITH_BITS_BACK,
                figures.with_bits_back,
            )
        )
    with step.instrument:
        if not answered:
            chapter.covered(420)
            return
        show(figures.bits_back_figure(), key="uses-compress-bits-back")
        chapter.prose(figures.bits_back_text())
        chapter.prose(
            "**Why it must agree to the bit.** Encoder and decoder must find exactly the same probabilities, or "
            "everything "
            "behind the first difference is noise. So both run the network on one image at a time, in the same "
            "arithmetic, "
            "and the coder turns probabilities into whole multiples of 2⁻²⁴. On another kind of processor a last "
            "digit may "
            "still differ; a checksum, of what was decoded, notices."
        )
