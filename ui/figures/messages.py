"""Errors with a message for the visitor become a sentence on the page; the page goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from vae_core.errors import VaeCoreError


@contextmanager
def errors_said() -> Iterator[None]:
    """Show any error that is meant to be read; anything else is a bug and passes through.

    A fragment needs it as its own decorator, below ``@st.fragment``: Streamlit deals with what leaves a fragment
    itself, on the page's first run too, and ends the page there.
    """
    try:
        yield
    except VaeCoreError as error:
        sentence = str(error)
        st.error(sentence[:1].upper() + sentence[1:], icon=":material/error:")
