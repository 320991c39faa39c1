"""Read what a visitor has sent: once, in turn with others, and again where it could not be read at the moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import streamlit as st

from ui.figures.markup import in_a_line
from ui.training.turns import Busy
from vae_core.errors import VaeCoreError

Found = TypeVar("Found")


def read_once(place: str, asked: object, read: Callable[[Callable[[int], None]], Found], doing: str) -> Found:
    """What was read, or the error that says why it cannot be used: both are kept until something else is asked for.

    Args:
        place: in the session's state.
        asked: what is to be read, and how.
        read: reads it; its argument takes how many come before, see `Turns.turn`.
        doing: what the visitor sees meanwhile.

    Raises:
        VaeCoreError: it cannot be used.
        Busy: it cannot be read now. That is not kept: the next run of the page tries again.
    """
    if st.session_state.get(place, (None,))[0] != asked:
        st.session_state.pop(place, None)
        before_it = st.empty()

        def say(count: int) -> None:
            uploads = "1 upload is" if count == 1 else f"{count} uploads are"
            before_it.caption(f"{uploads} read before yours.")

        found: Found | VaeCoreError
        try:
            with st.spinner(doing):
                found = read(say)
        except Busy:
            before_it.empty()
            raise
        except VaeCoreError as error:
            found = error
        before_it.empty()
        st.session_state[place] = asked, found
    kept: Found | VaeCoreError = st.session_state[place][1]
    if isinstance(kept, VaeCoreError):
        raise kept
    return kept


@contextmanager
def offer_again(key: str) -> Iterator[None]:
    """Where something cannot be read now, say so, and offer to try again."""
    try:
        yield
    except Busy as busy:
        st.warning(in_a_line(str(busy)), icon=":material/hourglass_empty:")
        st.button("Try again", key=key, icon=":material/refresh:")  # runs this part of the page, which reads
