"""The benches of What codes are good for, in a row: each leads to the first step of the next."""

from __future__ import annotations

import pytest

from ui.chapters.uses.benches import BENCHES

from .helpers import open_page

PAGE = "pages/uses.py"
PAIRS = list(zip(BENCHES, [*BENCHES[1:], None], strict=True))


@pytest.mark.parametrize(("bench", "after"), PAIRS, ids=[bench.slug for bench in BENCHES])
def test_each_bench_leads_to_the_next_and_the_last_to_none(bench, after):
    at = open_page(PAGE, bench=bench.slug)
    leads = [button for button in at.button if button.label.startswith("Next bench")]
    if after is None:
        assert not leads
        return
    (button,) = leads
    assert after.title in button.label and button.help == after.question
    button.click().run()
    assert not at.exception, at.exception
    assert at.segmented_control(key="uses-bench").value == after.slug
    assert at.query_params["bench"] == after.slug
