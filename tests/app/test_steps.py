"""In which order a step's words and its instrument come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ui.chapters import chapters
from ui.chapters.uses.benches import BENCHES

from .helpers import seen

COVER = "Answer the question, or skip it, to see the result here."
ASKING = {
    **{chapter.slug: (chapter.file, {}) for chapter in chapters() if chapter.predictions and chapter.slug != "uses"},
    **{bench.slug: ("pages/uses.py", {"bench": bench.slug}) for bench in BENCHES},
}


def halves(block: Any) -> Iterator[tuple[str, str, bool]]:
    """Of the containers below a block, in the page's order: which half of which step, and whether it is covered."""
    for child in getattr(block, "children", {}).values():
        key = getattr(getattr(child, "proto", None), "id", "")
        for half in ("words", "instrument"):
            if (name := key.rpartition(f"-{half}-")[2]) != key:
                yield half, name, any(caption.value == COVER for caption in child.caption)
        yield from halves(child)


@pytest.mark.parametrize("page", ASKING)
def test_where_a_question_hides_the_evidence_the_question_comes_first(page):
    """On a narrow screen a step is one column in this order, and an empty box would push the question out of sight."""
    file, link = ASKING[page]
    found = list(halves(seen(file, **link).main))
    places = {(half, name): place for place, (half, name, _) in enumerate(found)}
    covered = [name for half, name, is_covered in found if half == "instrument" and is_covered]
    assert [name for name in covered if places["words", name] > places["instrument", name]] == []
    assert covered
