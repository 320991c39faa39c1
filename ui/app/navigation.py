"""The app's pages, as Streamlit's navigation."""

from __future__ import annotations

import base64
from copy import copy
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from ui.chapters import Chapter, chapters

if TYPE_CHECKING:
    from ui.streamlit_private import StreamlitPage

# As text, once: a file would be read and hashed in every rerun of every visitor.
ICON = "data:image/png;base64," + base64.b64encode((Path(__file__).parents[1] / "icon.png").read_bytes()).decode()


STORY, TOOLS = "", "Tools"  # sections of the menu: the story's pages stand in the bar, the tools in a menu beside them


@lru_cache(maxsize=1)
def _pages(entries: tuple[Chapter, ...]) -> dict[str, list[StreamlitPage]]:
    """By section; created once, because each creation accesses the file system."""
    sections: dict[str, list[StreamlitPage]] = {STORY: [], TOOLS: []}
    for entry in entries:
        page = st.Page(
            entry.file,
            title=entry.in_menu or entry.title,
            icon=entry.icon,
            url_path=entry.url or None,
            default=entry.is_home,
        )
        sections[TOOLS if entry.is_tool else STORY].append(page)
    return sections


def declare_pages(*, shown: bool = True) -> StreamlitPage:
    """Declare all pages; returns the one to run.

    Args:
        shown: whether the menu is shown.
    """
    # Copies: Streamlit marks a page as allowed in this rerun.
    sections = {name: [copy(page) for page in pages] for name, pages in _pages(chapters()).items()}
    return st.navigation(sections, position="top" if shown else "hidden")
