"""Runs on the same images beside each other: where the one's nearest image is, the others show it too."""

from __future__ import annotations

import streamlit as st

from ui.chapters.thumbnails import thumbnails_for
from ui.components.canvas import latent_canvas
from ui.runs.resources import image_set
from ui.runs.shown import Shown
from vae_core.models import model_kind


def planes_beside(*runs: Shown, group: str) -> None:
    """The planes of some runs of one dataset, which follow each other.

    Args:
        runs: at most as many as fit beside one another.
        group: their own on the page, see `latent_canvas`.
    """
    for column, shown in zip(st.columns(len(runs), gap="medium"), runs, strict=True):
        with column:
            run = shown.run
            options = {"group": group, "compact": True, "images": image_set(run)}
            payload = shown.plane.with_header(
                title=model_kind(run.spec.model).title, subtitle=f"…{run.key[-10:]}", options=options
            )
            latent_canvas(payload, thumbnails_for(run), key=f"{group}-{shown.name}")
