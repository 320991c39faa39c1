"""The box in which a visitor sends images of their own, looks at what was read, and keeps it."""

from __future__ import annotations

import streamlit as st

from ui.markup import Html
from ui.messages import errors_said
from ui.own_images import keep, left_out, preview, read_upload, summary
from ui.pictures import side_by_side
from ui.visitor import visitor
from vae_core.datasets.pictures import SIZES, SUFFIXES
from vae_core.datasets.reading import OwnImages

COLOURS = {"auto": "As they are", "grey": "Grey", "colour": "Colour"}
TYPES = ["zip", "npz", *(suffix.removeprefix(".") for suffix in SUFFIXES)]
_READ = "train-own-read"  # in the session's state: (what was read of, what was read)
_USED = "train-own-used"  # what the images in the form were read of


@st.fragment
@errors_said()
def upload_box() -> None:
    """Send, look, keep; kept images are then chosen in the form."""
    with st.expander("Your own images", icon=":material/add_photo_alternate:"):
        st.markdown(
            "A zip of pictures (its folders become the classes), several pictures (PNG, JPEG, WebP), or an `.npz` with "
            "`images` (N, H, W[, 3]) and perhaps `labels`. Each picture's middle square is scaled to the size you "
            "choose. Runs trained on them can be seen by everybody who uses this app."
        )
        files = st.file_uploader("Pictures, a zip or an npz", TYPES, accept_multiple_files=True, key="train-own-files")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            size = st.segmented_control(
                "Size", SIZES, default=SIZES[0], key="train-own-size", format_func=lambda side: f"{side} × {side}"
            )
            colour = st.segmented_control(
                "Colour", tuple(COLOURS), default="auto", key="train-own-colour", format_func=COLOURS.__getitem__
            )
        if not files:
            st.session_state.pop(_READ, None)
            return
        asked = tuple(file.file_id for file in files), size or SIZES[0], colour or "auto"
        if st.session_state.get(_USED) == asked:
            st.markdown("These images are chosen in the form below.")
            return
        before = st.session_state.get(_READ)
        if before is None or before[0] != asked:
            st.session_state.pop(_READ, None)
            with st.spinner("Reading your images …"):
                contents = [(file.name, file.getvalue()) for file in files]
                st.session_state[_READ] = asked, read_upload(contents, asked[1], asked[2])
        show_read(*st.session_state[_READ])


def show_read(asked: tuple[object, ...], images: OwnImages) -> None:
    """What was read, what was left out, and the button that keeps it."""
    st.html(Html(side_by_side([(images.title, summary(images), preview(images))])))
    if missing := left_out(images):
        st.markdown(f"{images.left_out_count:,} left out:\n\n{missing}")
    if st.button("Use these images", key="train-own-use", icon=":material/check:", type="primary"):
        name = keep(images, visitor())
        st.session_state["train-own-chosen"] = name
        st.session_state[_USED] = asked
        del st.session_state[_READ]  # they are on disk now
        st.rerun()
