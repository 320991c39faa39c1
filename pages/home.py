"""Home: an autoencoder's plane and a VAE's, side by side on the same digits, and the path of chapters."""

import streamlit as st

from ui.chapters import numbered
from ui.chapters.classroom import CHAPTER as CLASSROOM
from ui.chapters.glossary import CHAPTER as GLOSSARY
from ui.chapters.home.path import on_the_path, path_of_chapters
from ui.chapters.home.planes import PLANES, plane_of
from ui.chapters.thumbnails import thumbnails_of
from ui.components.canvas import latent_canvas
from ui.figures.messages import errors_said
from ui.lessons.worksheet import WORKSHEET, file_of
from ui.stage.steps import begin, step

first = begin(
    "home",
    "# Touch a latent space",
    "A **variational autoencoder** ([[VAE]]) learns to turn images into a few numbers and back, and to keep those "
    "numbers close to a distribution that we know, so that we can sample new images from it.\n\n"
    "Both networks here squeeze a 28 × 28 digit into **two numbers**, its [[code]], and rebuild it from them. The "
    "plane of all codes is the [[latent space]], and every dot is the code of a digit that they never saw. **Move over "
    "a plane**: it decodes the point below your pointer, and the other plane marks where it keeps the nearest "
    "digit.\n\n"
    "The yellow crosses are 40 samples of the [[standard normal distribution]], the same on both planes; the dashed "
    "rings are 1, 2 and 3 standard deviations around 0. The VAE was trained to expect samples there, and they decode "
    "to digits of many kinds. On the autoencoder's plane they all land in one small spot, almost nothing of the region "
    "that its digits take up: its codes have a scale and a shape that nothing tells you in advance. Hatching marks "
    "places that are far from every digit.",
)
with first.words:
    beginning = numbered()[0]
    st.page_link(
        beginning.file, label=f"**Begin with chapter 1: {beginning.title}**", icon=":material/arrow_forward:",
        icon_position="right",
    )  # fmt: skip
with first.instrument:
    sheet = thumbnails_of("mnist")
    for column, (model, title) in zip(st.columns(2, gap="medium"), PLANES, strict=True):
        with column, errors_said():
            latent_canvas(plane_of(model, title), sheet, key=f"home-{model}")

with step(
    "path",
    "The path",
    "Read the chapters in order, or jump. Each one is a question and an instrument that answers it.",
    wide=True,
).instrument:
    path_of_chapters(on_the_path())
    st.page_link(CLASSROOM.file, label=f"**{CLASSROOM.title}**: {CLASSROOM.blurb}", icon=CLASSROOM.icon)
    st.page_link(GLOSSARY.file, label=f"**{GLOSSARY.title}**: {GLOSSARY.blurb}", icon=GLOSSARY.icon)
    st.markdown(
        f"For a class: a [worksheet]({WORKSHEET}/{file_of('ninety')}) for a lesson of 90 minutes, to print, and its "
        f"[solutions]({WORKSHEET}/{file_of('ninety', solved=True)}). Two more lessons are on the page "
        f"**{CLASSROOM.title}**."
    )
