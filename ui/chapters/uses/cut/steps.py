"""The bench's steps."""

from __future__ import annotations

import streamlit as st

from ui.chapters.uses.cut import BENCH, QUESTIONS
from ui.chapters.uses.cut.bench import payloads
from ui.chapters.uses.cut.measured import FEW
from ui.chapters.uses.cut.verdicts import FROM, SKIPS, masks, masks_figure, skips, targets_table
from ui.components.cut import cut
from ui.figures.messages import errors_said
from ui.figures.plots import show
from ui.stage import chapter


def steps() -> None:
    """All of them."""
    step_live()
    step_masks()
    step_targets()


@st.fragment
@errors_said()
def step_live() -> None:
    """The figure on the board, on a texture, and what each takes for the figure."""
    step = chapter.step(
        "cut",
        BENCH.question,
        "A digit lies on brick, grass or gravel; half of all pictures are inverted, so neither the bright nor the dark "
        "is always the figure. [[segmentation|Segmentation]] says of every pixel whether it is the figure. **Otsu's "
        "threshold** splits the picture's histogram in two, and takes the smaller part.\n\n"
        "An autoencoder is trained with pairs (X, X): the image is its own target. Nothing asks for that. Trained with "
        "pairs (X, Y), Y the mask, the same network learns to cut out. A U-Net adds [[skip connection|skip "
        "connections]]: each of the encoder's maps is handed on to the decoder's map of the same size.",
        words_first=True,
    )
    with step.words:
        answered = chapter.ask(
            chapter.Prediction(
                QUESTIONS[0], f"with {FEW} masks, how much is the network worth without skip connections?", SKIPS, skips
            )
        )
        if answered:
            chapter.prose(
                "Paint on the board, a digit or anything else: the picture is made of what you paint, and everything "
                "here answers in your browser: masks under the pen, the second row once it is up. The [[intersection "
                "over union]], IoU, counts the pixels in both masks, of those in either: 1 where they are equal. The "
                "networks have seen digits alone, in the middle of the picture: a border or a dot shows what they "
                "took for granted."
            )
    with step.instrument:
        if answered:
            cut(*payloads(), key="uses-cut")
        else:
            chapter.covered(620)


@st.fragment
@errors_said()
def step_masks() -> None:
    """How many masks it takes."""
    step = chapter.step(
        "cut-masks",
        "How many masks does it take?",
        "Somebody has to draw each mask by hand. A threshold needs none. **Chan and Vese** (2001) go further without "
        "learning: two parts of nearly one level each, and a short border between them.\n\n"
        "The networks here see each picture mirrored and inverted at random, so that a few masks teach more.",
        words_first=True,
    )
    with step.words:
        answered = chapter.ask(
            chapter.Prediction(
                QUESTIONS[1],
                "from how many masks on does the network cut better than Otsu's threshold, which needs none?",
                FROM,
                masks,
            )
        )
    with step.instrument:
        if answered:
            show(masks_figure(), key="uses-cut-figure")
        else:
            chapter.covered(480)


@st.fragment
@errors_said()
def step_targets() -> None:
    """The same network, asked for three things."""
    step = chapter.step(
        "cut-targets",
        "One network, three targets",
        "The same layers and the same pictures. Only what stands on the other side of the loss differs: the picture "
        "itself, the digit without its ground, or the mask. Asked for the picture, it has nothing to leave out, and "
        "with skip connections the picture passes by the code; asked for the clean digit or the mask, it must find out "
        "what is figure. What a network learns to see is decided by what it is asked for.",
    )
    with step.instrument:
        st.html(targets_table())
