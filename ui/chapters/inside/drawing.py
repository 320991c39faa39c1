"""A drawing as a link says it; ui/components/pad/strokes.js writes and reads it."""

from __future__ import annotations

import re

from ui.links.url_state import Property

LONGEST = 1_500  # characters, as in strokes.js
_FORM = re.compile(r"[abd](\.[pe]([A-Za-z0-9_-]{3})+)*", re.ASCII)


def drawing(name: str, meaning: str) -> Property:
    """A parameter that is a drawing by hand: what lies below it, then its strokes, each with its places."""

    def parse(text: str) -> str:
        if len(text) > LONGEST or not _FORM.fullmatch(text):
            raise ValueError(f"not a drawing: {text[:20]}")
        return text

    return Property(name, parse, str, meaning, "what the pad writes, best copied", "b.pIDgVjYPnP")
