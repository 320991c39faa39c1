"""The glossary: every term of the field that the chapters use."""

from __future__ import annotations

from ui.chapters.record import Chapter

CHAPTER = Chapter(
    slug="glossary",
    title="Glossary",
    icon=":material/menu_book:",
    order=900,
    blurb="Every term of the field in a sentence or two, and the chapter that shows it.",
    is_tool=True,
)
