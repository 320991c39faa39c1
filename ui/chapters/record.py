"""What a chapter says of itself: navigation, Home, links, benchmarks and docs/links.md are made from it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ui.links.url_state import Property

_ROOT = Path(__file__).resolve().parents[2]
_SLUG = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)


def no_links() -> tuple[Property, ...]:
    """A chapter whose links say nothing of its own."""
    return ()


@dataclass(frozen=True)
class Chapter:
    """A page of the app. Cheap to make: what its links may say is asked for when a link comes.

    Attributes:
        slug: its name in the URL, and of its package in `ui.chapters`; small letters, digits and `_`.
        title: for all but Home, above the page.
        icon: in the navigation, ``:material/name:``.
        order: where it stands among the others, the smallest first.
        question: the one question that it opens with; empty for a page that asks none.
        blurb: a sentence or two on Home.
        minutes: how long a newcomer takes for it; 0 where it cannot be said.
        before: what to know first, in a few words; empty if nothing.
        learned: what a reader knows at its end: markdown, with terms of the glossary in double brackets.
        is_tool: whether it stands beside the story: it has no number among the chapters.
        links: makes the properties that its links may say besides those of every page.
        predictions: names of its questions to predict, by the beginning of their keys; see `question_name` in
            `ui.chapters.links`.
        in_menu: what it is called in the navigation, where its title would leave no room for the others; empty for
            the title.
        is_home: whether it is what the app opens with; then it has no name in the URL.
        page: the file; relative to app.py's folder, or absolute. Usually ``pages/<slug>.py``.

    Raises:
        ValueError: the slug cannot be one, or a page outside of ``pages/`` is not an absolute path.
    """

    slug: str
    title: str
    icon: str
    order: float
    question: str = ""
    blurb: str = ""
    minutes: int = 0
    before: str = ""
    learned: str = ""
    is_tool: bool = False
    links: Callable[[], tuple[Property, ...]] = no_links
    predictions: tuple[str, ...] = ()
    in_menu: str = ""
    is_home: bool = False
    page: str = ""

    def __post_init__(self) -> None:
        if not _SLUG.fullmatch(self.slug):
            raise ValueError(f"a chapter's slug has small letters, digits and _, not {self.slug!r}")
        usual = f"pages/{self.slug}.py"
        object.__setattr__(self, "page", self.page or usual)
        if self.page != usual and not Path(self.page).is_absolute():
            raise ValueError(f"the page of {self.slug} must be {usual} or an absolute path, not {self.page!r}")

    @property
    def file(self) -> str:
        """Its page as an absolute path: a relative one is looked for beside the script that the server runs."""
        return str(_ROOT / self.page)

    @property
    def url(self) -> str:
        """Its name in the URL."""
        return "" if self.is_home else self.slug
