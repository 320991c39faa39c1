"""Home: an autoencoder's plane and a VAE's, side by side on the same digits, and where to go from here."""

import streamlit as st

from ui.chapters import chapters
from ui.chapters.home.planes import plane_of
from ui.components.canvas import latent_canvas, thumbnails
from ui.figures.messages import errors_said
from ui.runs.resources import thumbnail_sheet

IN_A_ROW = 4
PLANES = (("ae", "Autoencoder"), ("vae", "Variational autoencoder"))

st.markdown(
    "# Touch a latent space\n\n"
    "Both networks squeeze a 28 by 28 digit into **two numbers** and paint it back from them; every dot is a digit "
    "they never saw in training. The autoencoder puts its codes wherever it likes: their scale and shape are accidents "
    "of training, and nothing says where to look for a new digit. The variational autoencoder is trained to fill the "
    "dashed circles of a standard normal distribution, so you know in advance where to draw from.",
    width=720,
)

for column, (model, title) in zip(st.columns(2, gap="large"), PLANES, strict=True):
    with column, errors_said():
        latent_canvas(plane_of(model, title), key=f"home-{model}")

st.markdown("## Chapters")
entries = [entry for entry in chapters() if not entry.is_home]
for first in range(0, len(entries), IN_A_ROW):
    row = zip(
        st.columns(IN_A_ROW, gap="large"), entries[first : first + IN_A_ROW], strict=False
    )  # the last may be short
    for column, entry in row:
        with column.container(border=True, height="stretch"):
            st.page_link(entry.file, label=f"**{entry.title}**", icon=entry.icon)
            st.markdown(entry.blurb)

with errors_said():
    thumbnails(thumbnail_sheet("mnist"), key="home-thumbnails")
