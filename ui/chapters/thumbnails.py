"""The held-out images that planes show beside what they decode."""

from __future__ import annotations

from ui.figures.messages import errors_said
from ui.runs.resources import thumbnail_sheet
from vae_core.payloads.plane import Payload


def thumbnails_of(dataset: str) -> Payload | None:
    """All held-out images of a dataset; None, and the page says why, if they are not on this machine."""
    with errors_said():
        return thumbnail_sheet(dataset)
    return None
