"""Home: an autoencoder's plane and a VAE's, side by side on the same digits, and where to go from here."""

import streamlit as st

from ui.components.canvas import latent_canvas, thumbnails
from ui.home import plane_of
from ui.messages import errors_said
from ui.navigation import PAGES, page_file, require_app
from ui.resources import thumbnail_sheet

CHAPTERS = {
    "pages/reduction.py": "How few numbers can stand for an image? Pixels, PCA, deep networks; one number that "
    "memorises everything and means nothing.",
    "pages/regularity.py": "Why can one draw new images from a VAE and not from an autoencoder? Samples, paths and "
    "the numbers that tell.",
    "pages/inside.py": "What happens to one image? Draw it: μ, σ, ε, z, the reconstruction and both terms of the loss "
    "follow the pen.",
    "pages/beta.py": "What does the weight of the KL term do? Drag it: points, decoder and samples of trained models "
    "follow.",
    "pages/mathematics.py": "Where does the loss come from? From Bayes' rule to the ELBO in seven steps, each with an "
    "experiment whose exact answer is known.",
    "pages/train.py": "What does yours learn? Choose images, also your own, and a model; watch it, stop it, go on, go "
    "back through its epochs.",
    "pages/explorer.py": "Any trained run in full: pin and compare points, draw paths, see posteriors, export.",
}
IN_A_ROW = 4
PLANES = (("ae", "Autoencoder"), ("vae", "Variational autoencoder"))

require_app()

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
entries = list(CHAPTERS.items())
for first in range(0, len(entries), IN_A_ROW):
    row = zip(
        st.columns(IN_A_ROW, gap="large"), entries[first : first + IN_A_ROW], strict=False
    )  # the last may be short
    for column, (entry, text) in row:
        page = next(page for page in PAGES if page["page"] == entry)
        with column.container(border=True, height="stretch"):
            st.page_link(page_file(entry), label=f"**{page['title']}**", icon=page["icon"])
            st.markdown(text)

with errors_said():
    thumbnails(thumbnail_sheet("mnist"), key="home-thumbnails")
