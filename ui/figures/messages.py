"""Show errors with a message for the visitor on the page, which continues after them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from ui.figures.markup import in_a_line
from vae_core.errors import VaeCoreError


@contextmanager
def errors_said() -> Iterator[None]:
    """Show any error that has a message for the visitor; anything else is a bug and propagates.

    A fragment needs it as its own decorator, below ``@st.fragment``: Streamlit itself handles an error that leaves a
    fragment, even on the page's first run, and ends the page there.
    """
    try:
        yield
    except VaeCoreError as error:
        say_error(str(error))


def say_error(sentence: str) -> None:
    """A sentence, which may have names from outside in it, as an error."""
    st.error(in_a_line(sentence[:1].upper() + sentence[1:]), icon=":material/error:")
