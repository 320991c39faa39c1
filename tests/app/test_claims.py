"""docs/claims.md names steps that are on the pages."""

from __future__ import annotations

import re

import pytest

from ui.chapters import numbered
from ui.chapters.uses.benches import BENCHES

from .helpers import ROOT, seen, subheaders, texts

ROWS = re.findall(
    r"^\| ([A-Z]\d+) \|[^|]+\| ([^|:]+): ([^|]+) \|", (ROOT / "docs" / "claims.md").read_text("utf-8"), re.M
)


def test_every_claim_of_the_story_has_its_place():
    names = [f"D{n}" for n in range(1, 6)] + [f"A{n}" for n in range(1, 4)] + [f"V{n}" for n in range(1, 12)]
    further = ["B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B9", *(f"B{n}" for n in range(10, 17))]
    assert [row[0] for row in ROWS] == [*names, *(f"M{n}" for n in range(1, 10)), *further]


@pytest.mark.parametrize("chapter", numbered(), ids=lambda one: one.slug)
def test_the_steps_that_it_names_are_there(chapter):
    wanted = [step for _, title, step in ROWS if title == chapter.title]
    benches = [{"bench": bench.slug} for bench in BENCHES] if chapter.slug == "uses" else [{}]
    there = []
    for link in benches:  # of which one is on the page at a time
        at = seen(chapter.page, **link)
        there += subheaders(at)
        there += [line.strip("# ") for text in texts(at) for line in text.splitlines() if "## " in line]
    assert wanted and not [step for step in wanted if step not in there], there
