"""What a bench of the chapter says of itself. Cheap to make: its steps are imported when it is shown."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass

from ui.chapters.record import no_links
from ui.links.url_state import Property


@dataclass(frozen=True)
class Bench:
    """One use of codes, with an experiment of its own.

    Attributes:
        slug: its name in links, of its first step, and of its package in `ui.chapters.uses`.
        title: in the menu of benches.
        question: the one that it opens with.
        learned: what a reader knows at its end: markdown list, with terms of the glossary in double brackets.
        links: makes the properties of links that it adds to the page's.
        predictions: names of its questions to predict.
        code: see `ui.stage.chapter.foot`.
        sources: (text, address) of papers and pages.
    """

    slug: str
    title: str
    question: str
    learned: str
    links: Callable[[], tuple[Property, ...]] = no_links
    predictions: tuple[str, ...] = ()
    code: tuple[tuple[str, str], ...] = ()
    sources: tuple[tuple[str, str], ...] = ()

    def show(self) -> None:
        """Its steps on the page: function ``steps`` of the module ``steps`` in its package."""
        importlib.import_module(f"{__package__}.{self.slug}.steps").steps()
