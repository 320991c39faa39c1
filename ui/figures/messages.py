"""Show errors with a message for the visitor on the page, which continues after them."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import streamlit as st

from ui.figures.markup import in_a_line
from vae_core import datasets
from vae_core.clone import PROJECT
from vae_core.errors import VaeCoreError
from vae_core.storage.manifest import SHIPPED


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
    st.error(in_a_line(without_places(_begun(sentence))), icon=":material/error:")


def _begun(sentence: str) -> str:
    """With a capital letter, but for the name of a file or of a run, which stays as it is."""
    first = sentence.split(" ", 1)[0].rstrip(",:")
    return sentence[:1].upper() + sentence[1:] if first.replace("'", "").isalpha() else sentence


def without_places(sentence: str) -> str:
    """A sentence in which the server's folders have no names: they are nobody's concern who only visits it."""
    folders = {
        "the folder of images": datasets.data_root(),
        "the folder of runs": Path(os.environ.get("VAE_STORE") or SHIPPED),
        "the app's folder": PROJECT,
        "the folder for temporary files": Path(tempfile.gettempdir()),
    }
    places = {str(place): name for name, folder in folders.items() for place in (folder, folder.resolve())}
    for place in sorted(places, key=len, reverse=True):  # the inner ones first
        if len(place) > 1:
            sentence = re.sub(rf"{re.escape(place)}(?:/[\w.\-]*)*", places[place], sentence)
    return sentence
