"""Two runs on the same images beside each other: where the one's nearest image is, the other shows it too."""

from __future__ import annotations

import streamlit as st

from ui.chapters.thumbnails import thumbnails_of
from ui.components.canvas import latent_canvas
from ui.runs.resources import image_set, plane
from vae_core.models import model_kind
from vae_core.run import Run


def planes_beside(run: Run, other: Run, *, group: str) -> None:
    """Both planes, the second follows the first.

    Args:
        run, other: of one dataset.
        group: their own on the page, see `latent_canvas`.
    """
    for column, one in zip(st.columns(2, gap="medium"), (run, other), strict=True):
        with column:
            options = {"group": group, "compact": True, "images": image_set(one)}
            shown = plane(one.key).with_header(
                title=model_kind(one.spec.model).title, subtitle=f"…{one.key[-10:]}", options=options
            )
            latent_canvas(shown, thumbnails_of(one.spec.dataset), key=f"{group}-{one.key}")
