"""The box in which a visitor uploads their own images, checks what was read, and accepts it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from ui.figures.markup import Html, as_written
from ui.figures.messages import errors_said
from ui.figures.pictures import Picture, side_by_side
from ui.streamlit_private import drop_own_uploads
from ui.training.own_images import Read, left_out, read_upload, summary
from ui.training.quota import had_to_go, keep
from ui.training.read_once import offer_again, read_once
from ui.training.visitor import address, visitor
from vae_core.datasets.limits import MOST_SENT, SIZES
from vae_core.datasets.pictures import SUFFIXES, Preparation

COLOURS = {"auto": "As they are", "grey": "Grey", "colour": "Colour"}
FITS = {"crop": "Crop", "pad": "Pad"}
TONES = {"stretch": "Stretch", "invert": "Invert"}
TYPES = ["zip", "npz", "npy", *(suffix.removeprefix(".") for suffix in SUFFIXES)]
_READ = "train-own-read"  # in the session's state: (the request, the result or the error)
_KEPT = "train-own-kept"  # number of kept sets: each resets the uploader, which frees the memory of its files


@st.fragment
@errors_said()
def upload_box() -> None:
    """Upload, check, accept; accepted images are then selected in the form."""
    if gone := had_to_go(visitor()):
        titles = ", ".join(f"“{as_written(title)}”" for title in gone)
        st.info(f"Of your images, {titles} had to make room for those of others. Runs trained on them are still here.")
    with st.expander("Your own images", icon=":material/add_photo_alternate:"):
        st.markdown(
            "A zip of pictures (its folders become the classes), several pictures (PNG, JPEG, WebP, GIF, BMP, TIFF, "
            "AVIF), or an `.npz` with `images` (N, H, W[, 3]) and perhaps `labels`. Each picture's middle square is "
            "scaled to the size you choose. Runs trained on them can be seen by everybody who uses this app."
        )
        kept = st.session_state.get(_KEPT, 0)
        files = st.file_uploader(
            "Pictures, a zip or an npz", TYPES, accept_multiple_files=True, key=f"train-own-files-{kept}",
            max_upload_size=MOST_SENT // 1_000_000,
        )  # fmt: skip
        with st.container(horizontal=True, vertical_alignment="bottom"):
            size = st.segmented_control(
                "Size", SIZES, default=SIZES[0], key="train-own-size", format_func=lambda side: f"{side} × {side}"
            )
            colour = st.segmented_control(
                "Colour", tuple(COLOURS), default="auto", key="train-own-colour", format_func=COLOURS.__getitem__
            )
            fit = st.segmented_control(
                "Shape",
                tuple(FITS),
                default="crop",
                key="train-own-fit",
                format_func=FITS.__getitem__,
                help="Crop to the middle square, or pad to a square with the colour of the picture's edge.",
            )
            tones = st.segmented_control(
                "Tones",
                tuple(TONES),
                selection_mode="multi",
                key="train-own-tones",
                format_func=TONES.__getitem__,
                help="Make each picture's darkest value black and its brightest white; exchange black and white.",
            )
        if not files:
            st.session_state.pop(_READ, None)
            if kept:
                st.markdown("Your images are chosen in the form below.")
            return
        prepared = Preparation(size or SIZES[0], colour or "auto", fit or "crop", "stretch" in tones, "invert" in tones)
        asked = tuple(file.file_id for file in files), prepared

        def read(on_wait: Callable[[int], None]) -> Read:
            contents = [(file.name, file.getvalue()) for file in files]
            return read_upload(contents, prepared, visitor=visitor(), address=address(), on_wait=on_wait)

        with offer_again("train-own-again"):
            show_read(read_once(_READ, asked, read, "Reading your images …"))


def show_read(read: Read) -> None:
    """Show what was read and what was left out, and the button that accepts it."""
    st.html(Html(side_by_side([Picture(read.title, summary(read), read.preview, "some of the images")])))
    for note in read.notes:
        st.warning(as_written(note), icon=":material/image_search:")
    if missing := left_out(read):
        st.markdown(f"{read.left_out_count:,} left out:\n\n{missing}")
    if st.button("Use these images", key="train-own-use", icon=":material/check:", type="primary"):
        del st.session_state[_READ]  # if it cannot be kept, it is read again
        keep(read.name, visitor(), address())
        drop_own_uploads()  # they are on the disk now
        st.session_state["train-own-chosen"] = read.name
        st.session_state[_KEPT] = st.session_state.get(_KEPT, 0) + 1
        st.rerun()
