"""The app's pages, and the guarantee that each of them runs through app.py."""

from __future__ import annotations

import base64
from copy import copy
from functools import lru_cache
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from ui.chapters import Chapter, chapters

# As text, once: a file would be read, and hashed, in every run of every visitor.
ICON = "data:image/png;base64," + base64.b64encode((Path(__file__).parents[1] / "icon.png").read_bytes()).decode()

_declared = False


@lru_cache(maxsize=1)
def _pages(entries: tuple[Chapter, ...]) -> list[StreamlitPage]:
    """Made once: making one asks the file system where it is."""
    return [_page(entry, icon=entry.icon) for entry in entries]


def _page(entry: Chapter, *, icon: str | None) -> StreamlitPage:
    return st.Page(entry.page, title=entry.title, icon=icon, url_path=entry.url or None, default=entry.is_home)


def declare_pages(*, shown: bool = True) -> StreamlitPage:
    """Declare all pages; returns the one to run.

    Args:
        shown: whether the menu is.
    """
    global _declared
    # Copies: Streamlit notes on a page that this very run may show it.
    page = st.navigation([copy(page) for page in _pages(chapters())], position="top" if shown else "hidden")
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
        st.navigation([_page(entry, icon=None) for entry in chapters()], position="hidden")
        st.rerun()
