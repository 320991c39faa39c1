"""The held-out images that planes show beside what they decode."""

from __future__ import annotations

from ui.figures.messages import errors_said
from ui.runs.resources import held_out, thumbnail_sheet
from vae_core.payloads.plane import Payload
from vae_core.run import Run


def thumbnails_of(dataset: str) -> Payload | None:
    """All held-out images of a dataset; None, and the page says why, if they are not on this machine."""
    with errors_said():
        return thumbnail_sheet(dataset)
    return None


def thumbnails_for(run: Run) -> Payload | None:
    """The same for a run; None also where its codes are of more or fewer images, as in a file from elsewhere."""
    found = thumbnails_of(run.spec.dataset)
    return found if found and len(held_out(run.spec.dataset).labels) == len(run.codes.labels) else None
