"""Checkpoints that visitors were sent and open in the explorer: for themselves alone, never stored.

In the store a forged file could stand in the place of a run that others ask for. Here it is found only by whoever has
its bytes, which Streamlit keeps as long as the page is open and the file in its box.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import streamlit as st

from ui.runs.own_codes import of_validation_images
from ui.runs.resources import plane_of
from ui.runs.shown import Shown
from ui.training.in_child import Refused, TookTooLong, TookTooMuch, read_in_child
from ui.training.turns import Busy, Turns
from vae_core.errors import UnreadableRun
from vae_core.payloads.film import film_of_run
from vae_core.payloads.plane import Payload
from vae_core.storage.received import parse_sent

MOST_OPENED = 30_000_000  # bytes; the largest shipped run has 2.4 million
SUFFIX = "safetensors"
_LONGEST = 30.0  # seconds for its reader, on a machine that is busy
_COMPUTING = 6  # seconds of the processor for it, imports among them; for a shipped run half a second
_KEPT = 8  # runs in memory, of all visitors; others are read again

_turns = Turns(lambda: 1)


def check_sent(
    name: str, content: bytes, *, visitor: str, address: str, on_wait: Callable[[int], None] | None = None
) -> str:
    """Have a file read by a process of its own, which may end; returns the digest by which it is shown.

    Args:
        name, content: of the file.
        visitor, address, on_wait: see `Turns.turn`.

    Raises:
        UnreadableRun: it cannot be shown, with a sentence for the visitor.
        Busy: it cannot be read now.
    """
    file = f"the file {name}"  # a sentence that begins with it is no longer the name itself
    if len(content) > MOST_OPENED:
        raise UnreadableRun(
            f"{file} has {len(content) / 1e6:.0f} MB; a checkpoint opened here has at most {MOST_OPENED / 1e6:.0f}. "
            "On a machine of your own, `python -m vae_core receive` takes larger ones."
        )
    with _turns.turn(visitor, address, on_wait):
        try:
            read_in_child("vae_core.storage.sent_reader", [str(_COMPUTING)], [(file, content)], limit=_LONGEST)
        except Refused as error:
            raise UnreadableRun(str(error)) from error
        except TookTooLong as error:
            raise Busy("The machine is busy: reading your file took too long. Try again later.") from error
        except TookTooMuch as error:
            raise UnreadableRun(f"{file} took {error} to read: no run of this program does.") from error
    return hashlib.sha256(content).hexdigest()


def course_of(shown: Shown) -> Payload:
    """How the codes of a run in a file changed while it was trained: its film.

    Raises:
        UnreadableRun: the file has other codes than its model makes.
    """
    try:
        return film_of_run(shown.run, sent=True)
    except ValueError as error:
        raise UnreadableRun(f"how this run was trained cannot be shown: {error}.") from error


@st.cache_resource(show_spinner=False, max_entries=_KEPT)
def sent(digest: str, _name: str, _content: bytes) -> Shown:
    """The run in a file that `check_sent` has let pass; the digest stands for the content.

    Its tensors are kept apart from those of all, see `tensors.sent_tensors`.
    """
    run = of_validation_images(parse_sent(_name, _content, run_programs=False))  # the reader has run its programs
    return Shown(f"sent-{digest[:16]}", run, plane_of(run).with_header(sent=True), sent=True)
