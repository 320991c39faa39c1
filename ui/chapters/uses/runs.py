"""What all benches share: the digits, and the shipped runs that they look for."""

from __future__ import annotations

from collections.abc import Callable

from ui.runs.resources import held_out, shelf
from ui.runs.selection import per_shelf
from vae_core.errors import RunNotFound
from vae_core.payloads.board import board_payload
from vae_core.payloads.plane import Payload
from vae_core.spec import RunSpec
from vae_core.storage.manifest import read_manifest
from vae_core.storage.store import Listed

DATASET = "mnist"
START = 3  # the class of the held-out digit shown first


def shipped(what: str, fits: Callable[[RunSpec], bool], *, seed: int = 0, dataset: str = DATASET) -> Listed:
    """The first run of the manifest that fits and is in the store.

    Args:
        what: for the message.
        fits: whether a specification is one.
        seed: of the run.
        dataset: of the run; by default these digits.

    Raises:
        RunNotFound: there is none.
    """
    lines = {line.key: line for line in shelf().lines}
    for spec in read_manifest():
        if spec.dataset == dataset and spec.seed == seed and spec.key in lines and fits(spec):
            return lines[spec.key]
    raise RunNotFound(f"{what} is not in the store; run 'python -m vae_core rebuild'.")


@per_shelf
def board_of_digits() -> Payload:
    """The board's payload."""
    return board_payload(held_out(DATASET), options={"start": START})
