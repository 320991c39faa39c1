"""The bench Compress as a visitor uses it: codes and bits under the pen are the coder's, and the server writes them."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from ui.chapters.uses.compress.methods import grid, setting

from .conftest import Standing

pytestmark = pytest.mark.browser


def ready(page: Page) -> Locator:
    # The first opening loads the store and the networks.
    page.get_by_role("button", name="Skip, show me").first.click(timeout=120_000)
    root = page.locator(".component.compress")
    expect(root).to_be_visible()
    root.scroll_into_view_if_needed()
    return root


def state(root: Locator) -> dict:
    return root.evaluate("root => root.compress.state()")


def board_of(page: Page) -> np.ndarray:
    image = page.locator(".component.board").evaluate("root => Array.from(root.board.image)")
    return np.asarray(image, np.float32)[None]


def test_codes_and_bits_are_the_coders_and_the_server_writes_as_many(standing: Standing, app_url: str) -> None:
    page = standing(f"{app_url}/uses?bench=compress", untouched=True)
    root = ready(page)
    shown, pixels = state(root), board_of(page)
    own = grid().compress(pixels, setting("grid", ""))
    assert shown["codes"] == own.codes[0].tolist()
    assert np.allclose(shown["bits"], own.bits[0], rtol=1e-3, atol=2e-3)
    assert np.allclose(shown["xhat"], grid().images(own.codes)[0], atol=1e-3)
    written = page.get_by_text(re.compile(rf"^The {8 * len(own.data)} bits of Codebook and prior"))
    expect(written).to_be_visible()
    expect(page.get_by_text("Nothing is damaged", exact=False)).to_be_visible()
    # Another digit: the hand rests, and the server writes anew.
    page.locator(".component.board").get_by_role("button", name="Another").click()
    expect(written).not_to_be_visible()
    other = grid().compress(board_of(page), setting("grid", ""))
    assert state(root)["codes"] == other.codes[0].tolist()
    expect(page.get_by_text(f"The {8 * len(other.data)} bits of Codebook and prior", exact=False)).to_be_visible()


def test_a_flipped_bit_by_keyboard_is_refused(standing: Standing, app_url: str) -> None:
    page = standing(f"{app_url}/uses?bench=compress", untouched=True)
    root = ready(page)
    root.locator(".grid.codes").get_by_role("gridcell").nth(24).focus()
    page.keyboard.press("ArrowRight")
    assert state(root)["cell"] == 25
    slider = page.get_by_role("slider", name="Flip bit (0: none)")
    slider.focus()
    for bit in (1, 2, 3):  # one by one: Streamlit's slider forgets a press that comes while its page runs
        page.keyboard.press("ArrowRight")
        expect(page).to_have_url(re.compile(f"flipped={bit}"))
    expect(page.get_by_text("The decoder refuses", exact=False)).to_be_visible()
