"""The registry of chapters, and a package for each: its record and what it computes.

Every package below this one is a chapter and has its record as ``CHAPTER``. Others are added by `register`, which a
plugin calls while it is imported (`vae_core.plugins`).
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import lru_cache

from ui.chapters.record import Chapter
from vae_core import plugins

__all__ = ["Chapter", "chapter_at", "chapters", "numbered", "register"]

_registered: dict[str, Chapter] = {}


@lru_cache(maxsize=1)
def _built_in() -> tuple[Chapter, ...]:
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.ispkg)
    return tuple(importlib.import_module(f"{__name__}.{name}").CHAPTER for name in names)


def register(chapter: Chapter) -> None:
    """Add a chapter from outside of this package; its page is an absolute path.

    Raises:
        ValueError: another chapter has its name, or it would be a second Home.
    """
    for known in (*_built_in(), *_registered.values()):
        if known == chapter:
            return
        if known.slug == chapter.slug:
            raise ValueError(f"there is a chapter {chapter.slug} already: {known.title}")
        if known.is_home and chapter.is_home:
            raise ValueError(f"{known.slug} is Home already, so {chapter.slug} cannot be")
    _registered[chapter.slug] = chapter


def chapters() -> tuple[Chapter, ...]:
    """All chapters, in the order of the navigation.

    Raises:
        PluginError: a plugin cannot be loaded.
    """
    plugins.load()
    return tuple(sorted((*_built_in(), *_registered.values()), key=lambda chapter: (chapter.order, chapter.slug)))


def numbered() -> tuple[Chapter, ...]:
    """The chapters of the story, in its order: neither Home nor the tools beside it."""
    return tuple(chapter for chapter in chapters() if not chapter.is_home and not chapter.is_tool)


def chapter_at(url: str) -> Chapter | None:
    """The chapter with this name in the URL; None where there is none."""
    return next((chapter for chapter in chapters() if chapter.url == url), None)
