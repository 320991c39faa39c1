"""A run with its plane, as pages show it: from the store, or from a file that the visitor was sent."""

from __future__ import annotations

from dataclasses import dataclass

from ui.runs.resources import load_run, plane
from vae_core.payloads.plane import Payload
from vae_core.run import Run


@dataclass(frozen=True, eq=False)
class Shown:
    """A run on a page.

    Attributes:
        name: of it on the page: its key, or what stands for the file.
        run: itself.
        plane: its latent plane, or of a grid of codes its codebook's, without a page's own titles and options.
        sent: whether it is the visitor's alone, and in no store.
    """

    name: str
    run: Run
    plane: Payload
    sent: bool = False


def stored(key: str) -> Shown:
    """A run of the store.

    Raises:
        StoreError: missing, damaged or of an unknown model, with a sentence to show.
    """
    return Shown(key, load_run(key), plane(key))
