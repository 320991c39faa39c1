"""The app's pages, and the guarantee that each of them runs through app.py."""

from __future__ import annotations

import base64
from copy import copy
from functools import lru_cache
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.navigation.page import StreamlitPage

PAGES: tuple[dict[str, Any], ...] = (
    {"page": "pages/home.py", "title": "Home", "icon": ":material/home:", "default": True},
    {"page": "pages/reduction.py", "title": "Dimensionality reduction", "icon": ":material/compress:"},
    {"page": "pages/regularity.py", "title": "Autoencoder or VAE", "icon": ":material/compare:"},
    {"page": "pages/inside.py", "title": "Inside the VAE", "icon": ":material/schema:"},
    {"page": "pages/beta.py", "title": "The β dial", "icon": ":material/tune:"},
    {"page": "pages/mathematics.py", "title": "The mathematics", "icon": ":material/function:"},
    {"page": "pages/train.py", "title": "Train your own", "icon": ":material/model_training:"},
    {"page": "pages/explorer.py", "title": "Latent explorer", "icon": ":material/explore:"},
)

ROOT = Path(__file__).resolve().parents[1]

# As text, once: a file would be read, and hashed, in every run of every visitor.
ICON = "data:image/png;base64," + base64.b64encode((Path(__file__).parent / "icon.png").read_bytes()).decode()

_declared = False


def page_file(page: str) -> str:
    """Where a page of `PAGES` is. Streamlit would look for "pages/home.py" beside the script that the server runs."""
    return str(ROOT / page)


@lru_cache(maxsize=1)
def _pages() -> list[StreamlitPage]:
    """Made once: making one asks the file system where it is."""
    return [st.Page(**{**entry, "page": page_file(entry["page"])}) for entry in PAGES]


def declare_pages(*, shown: bool = True) -> StreamlitPage:
    """Declare all pages; returns the one to run.

    Args:
        shown: whether the menu is.
    """
    global _declared
    # Copies: Streamlit notes on a page that this very run may show it.
    page = st.navigation([copy(page) for page in _pages()], position="top" if shown else "hidden")
    _declared = True
    return page


def require_app() -> None:
    """Call first in every page.

    Until some script in the process has called `st.navigation`, Streamlit runs a page file of ``pages/`` by itself,
    without app.py. A server's very first visitor may come by a deep link and would see just that. Declaring the
    pages switches it off for the process; then this visitor's run starts again, through app.py.
    """
    if not _declared:
        # No icons: outside app.py the page's icon becomes the tab's, and that one is fetched from the network.
        st.navigation([copy(page) for page in _pages()], position="hidden")
        st.rerun()
