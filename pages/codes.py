"""Codes you can count: an image as a grid of whole numbers, seen, written, learned."""

from __future__ import annotations

import streamlit as st

from ui.chapters import links
from ui.chapters.codes import CHAPTER
from ui.chapters.codes.collapse import HOW_MUCH_LEFT, collapse_figure, how_much_left
from ui.chapters.codes.formulas import formulas
from ui.chapters.codes.gradient import WHAT_CHANGES, what_changes
from ui.chapters.codes.prior import (
    HOW_LITTLE,
    NAMES,
    PRIORS,
    USUAL_PRIOR,
    against_gaussians,
    bits_table,
    how_little,
    sheets_payload,
    written_payload,
)
from ui.chapters.codes.rates import rate_figure, rate_text
from ui.chapters.codes.runs import CODEBOOKS, USUAL, payload_of
from ui.chapters.codes.use import HOW_MUCH, how_much, levels, use_figure, use_table
from ui.components.codes import (
    codebook_plane,
    codes_of_drawing,
    drawn_sheets,
    nearest_entry,
    painted_codes,
    straight_through,
    written_image,
)
from ui.figures.messages import errors_said
from ui.figures.plots import show
from ui.links import url_state
from ui.stage import chapter

LINK = links.properties(CHAPTER.url)


@st.fragment
@errors_said()
def step_of_gradient(codebook: str) -> None:
    """How a gradient passes a choice."""
    step = chapter.step(
        "gradient",
        "How does a gradient pass a choice?",
        "Training needs to know how the loss changes as the encoder's vectors change. But between vector and "
        "decoder stands a choice: the nearest entry.",
        words_first=True,
    )
    with step.words:
        answered = chapter.ask(
            chapter.Prediction(
                f"gradient-{codebook}",
                "we move every vector of the encoder by a tiny step. How do the codes change?",
                WHAT_CHANGES,
                lambda: what_changes(codebook),
            )
        )
        if answered:
            chapter.prose(
                "A derivative of 0 teaches nothing. So training cheats: the [[straight-through gradient]] computes "
                "what the reconstruction asks of the **entry**, ∂L/∂e, and hands the encoder exactly that, as if "
                "vector and entry were one.\n\n"
                "That is right only if both are close. In a VQ-VAE the **commitment** term keeps the vector near its "
                "entry; the **codebook** term, or a moving average, keeps the entry near its vectors. FSQ has neither: "
                "its levels stay where they are, and no vector is farther from the nearest than half a step."
            )
    with step.instrument:
        if answered:
            straight_through(key="codes-through")
        else:
            chapter.covered(320)


@st.fragment
@errors_said()
def step_of_use() -> None:
    """Entries against perplexity."""
    step = chapter.step(
        "use",
        "How many entries are used?",
        "More entries mean finer codes, if they are used. [[perplexity|Perplexity]] counts the use: 1 if one entry "
        "stands in every cell, K if all K stand equally often.",
        words_first=True,
    )
    with step.words:
        answered = chapter.ask(
            chapter.Prediction(
                "use",
                "of a codebook with 256 entries, what is the perplexity?",
                HOW_MUCH,
                how_much,
            )
        )
        if answered:
            chapter.prose(levels())
    with step.instrument:
        if answered:
            show(use_figure(), key="codes-use")
            st.html(use_table())
        else:
            chapter.covered(480)


@st.fragment
@errors_said()
def step_of_collapse() -> None:
    """Collapse on purpose."""
    step = chapter.step(
        "collapse",
        "A codebook that collapses",
        "An entry learns only from vectors to which it is the nearest. What if entries begin at random, and unused "
        "ones are never moved? And what if the commitment term, which pulls vectors to entries, weighs 20 times as "
        "much?",
        words_first=True,
    )
    with step.words:
        answered = chapter.ask(
            chapter.Prediction(
                "collapse",
                "both switches at once, with 64 entries. How much is left of the perplexity?",
                HOW_MUCH_LEFT,
                how_much_left,
            )
        )
        if answered:
            chapter.prose(
                "This is [[codebook collapse]]. A strong commitment term pulls all vectors to the few entries that "
                "were nearest at first, and the others never learn. To a codebook that begins at vectors of the data, "
                "and whose unused entries are moved there after every epoch, the same strong term does no harm here."
            )
    with step.instrument:
        if answered:
            show(collapse_figure(), key="codes-collapse")
        else:
            chapter.covered(340)


@st.fragment
@errors_said()
def step_of_bits() -> None:
    """What a prior knows of the codes, and what it draws."""
    step = chapter.step(
        "bits",
        "What does it know?",
        "Without any knowledge each cell costs log₂ 64 = 6 [[bit]]s. A prior that expects what comes spends fewer: an "
        "entry of probability p costs −log₂ p.",
        wide=True,
    )
    with step.words:
        answered = chapter.ask(
            chapter.Prediction(
                "bits",
                "49 cells of 6 bits each are 294 bits an image. How many of them are left under the prior?",
                HOW_LITTLE,
                how_little,
            )
        )
        if answered:
            chapter.prose(
                "The three sheets say the same in pictures. Uniform codes make tangles, codes each drawn on its own, "
                "by frequency, make scraps. A prior that knows how cells go together writes what looks like digits. "
                f"{against_gaussians()}"
            )
    with step.instrument:
        if answered:
            drawn_sheets(sheets_payload(USUAL_PRIOR), key="codes-sheets")
            st.html(bits_table())
        else:
            chapter.covered(520)


first = chapter.opening(
    CHAPTER,
    "Draw a digit, or take one from the row.\n\n"
    "The [[encoder]] of a [[VQ-VAE]] turns the image into 7 × 7 vectors. Each vector is replaced by the nearest of "
    "a few **entries** in a [[codebook]]. What is left of the image are 49 whole numbers: the entries' numbers, in "
    "the grid. The [[decoder]] makes the image from them alone.\n\n"
    "Similar entries have similar colours. Draw one more stroke: which cells change?",
)
with first.words:
    codebook = url_state.choose(
        LINK["codebook"], "Entries, K", tuple(CODEBOOKS), USUAL, key="codes-codebook",
        format_func=lambda name: "FSQ" if name == "fsq" else name,
    )  # fmt: skip
with first.instrument, errors_said():
    codes_of_drawing(payload_of(codebook), key="codes-board")

nearest = chapter.step(
    "nearest",
    "Which entry stands for a cell?",
    "The one nearest to the cell's vector. The bars are the distances to all entries; the mark is on the shortest.\n\n"
    "Click other cells. Is the choice clear, or is a second entry nearly as near?",
)
with nearest.instrument:
    nearest_entry(key="codes-nearest")

seen = chapter.step(
    "codebook",
    "The codebook, seen in a plane",
    "Each dot is an entry; a larger one is used more often. White lines lead from the 49 vectors of your image to "
    "their entries: what a line spans is lost.\n\n"
    "Point at an entry: which cells have it, and what would it make of the chosen cell? Do neighbours in the plane "
    "make similar strokes?",
)
with seen.instrument:
    codebook_plane(key="codes-plane")

paint = chapter.step(
    "paint",
    "Write codes yourself",
    "Choose an entry from the palette, and drag over cells. The decoder answers at once.\n\n"
    "One cell changes more than its own 4 × 4 pixels: the decoder looks at neighbours too. An entry is no picture of a "
    "patch; what it means depends on what stands around it.\n\n"
    "Can you write a digit from nothing? It is hard: most grids of numbers are no digits.",
)
with paint.instrument:
    painted_codes(key="codes-paint")

step_of_gradient(codebook)
step_of_use()
step_of_collapse()

writes = chapter.step(
    "writes",
    "A prior that writes images",
    "Most grids of numbers are no digits. An [[autoregressive prior]] has learned which are: it reads the codes so "
    "far, row by row, and gives every entry a probability for the next cell. Drawn one after the other, they make an "
    "image that nobody drew.\n\n"
    "Press **Play**, or **Step**. Below are the entries that it expects next: choose one yourself, and it goes on from "
    "there. Give it the upper half of a real digit.\n\n"
    "[[temperature|Temperature]] below 1 makes likely entries likelier: tidier digits, and more alike. What happens "
    "above 1?",
)
with writes.words:
    prior = url_state.choose(
        LINK["prior"], "The prior is", tuple(PRIORS), USUAL_PRIOR, key="codes-prior", format_func=NAMES.__getitem__
    )
with writes.instrument, errors_said():
    written_image(written_payload(prior), key="codes-writer")

step_of_bits()

rate = chapter.step(
    "rate",
    "Whole numbers against Gaussians",
    "A code of whole numbers has a size that one can count: its [[bit]]s. Uniform bits know nothing; bits by "
    "frequency give frequent entries shorter names. A VAE's [[KL]], divided by ln 2, is in bits too, but is the "
    "size of a file only with a trick, *bits-back coding*.",
)
with rate.words, errors_said():
    chapter.prose(rate_text())
with rate.instrument, errors_said():
    show(rate_figure(), key="codes-rate")

mathematics: list[tuple[str, str]] = []
with errors_said():
    mathematics = formulas(codebook)
chapter.foot(
    CHAPTER,
    mathematics=mathematics,
    code=(
        ("models/quantised.py", "Quantised"),
        ("training/quantising.py", "nearest"),
        ("training/quantising.py", "straight_through"),
        ("training/quantising.py", "VQStep"),
        ("models/quantised.py", "FSQ"),
        ("metrics/codebook.py", "usage"),
        ("models/prior.py", "VQPrior"),
        ("program/modules.py", "CausalAttention"),
    ),
    sources=(
        chapter.Source("van den Oord et al. 2017, Neural discrete representations", "https://arxiv.org/abs/1711.00937"),
        chapter.Source("van den Oord et al. 2016, Pixel recurrent networks", "https://arxiv.org/abs/1601.06759"),
        chapter.Source("Vaswani et al. 2017, Attention is all you need", "https://arxiv.org/abs/1706.03762"),
        chapter.Source("Mentzer et al. 2023, Finite scalar quantization", "https://arxiv.org/abs/2309.15505"),
        chapter.Source("Bengio et al. 2013, Gradients through stochastic neurons", "https://arxiv.org/abs/1308.3432"),
        chapter.Source("Dhariwal et al. 2020, Jukebox: restarting unused entries", "https://arxiv.org/abs/2005.00341"),
        chapter.Source("Townsend et al. 2019, Bits back coding", "https://arxiv.org/abs/1901.04866"),
    ),
)  # fmt: skip
