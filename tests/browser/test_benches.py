"""From bench to bench with the digit that one has drawn."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from ui.chapters.uses.benches import BENCHES

pytestmark = pytest.mark.browser

IMAGE = "root => root.board.state().image"
NEAR_THE_TOP = """selector => {
    const step = document.querySelector(selector);
    return step && step.getBoundingClientRect().top < 0.4 * innerHeight;
}"""


def test_the_end_of_a_bench_leads_to_the_next_ones_first_step_and_the_drawing_goes_along(page: Page, app_url: str):
    page.goto(f"{app_url}/uses?digit=8&example=3")
    expect(page.locator(".board .pad").first).to_be_visible()
    board = page.locator(".component.board")
    drawn = np.array(board.evaluate(IMAGE))
    assert drawn.any()
    for after in BENCHES[1:]:
        button = page.get_by_role("button", name=f"Next bench: {after.title}")
        button.focus()
        page.keyboard.press("Enter")
        step = f":is(.st-key-step-{after.slug}, .st-key-widestep-{after.slug})"
        expect(page.locator(step)).to_be_in_viewport()
        page.wait_for_function(NEAR_THE_TOP, arg=step)
        assert np.array_equal(np.array(board.evaluate(IMAGE)), drawn)
    expect(page.get_by_role("button", name="Next bench")).to_have_count(0)
