"""A class: a teacher starts it, students join, and predictions are answered together."""

from __future__ import annotations

from ui.chapters.record import Chapter

CHAPTER = Chapter(
    slug="classroom",
    title="A class",
    icon=":material/groups:",
    order=67,  # before the latent explorer
    blurb="Start a class: students join from their phones, predict, and see what all of them have said.",
    is_tool=True,
)
