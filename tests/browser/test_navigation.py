"""The first visitor of a new server may come by any link."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import pytest
from playwright.sync_api import expect

from benchmarks.serving import serve
from ui.chapters import chapters

from .test_chapters import choice

pytestmark = pytest.mark.browser

PAGES = sorted(path.stem for path in (Path(__file__).parents[2] / "pages").glob("*.py"))


@pytest.mark.parametrize("name, place", [("reduction", "z=0.5"), ("explorer", "z=0.5,0.5")])
def test_a_deep_link_on_a_fresh_server_runs_through_the_app(page, name, place):
    with serve() as server:
        page.goto(f"{server.url}/{name}?{place}")
        # The app's own navigation at the top, not the list that Streamlit makes of the files in pages/.
        expect(page.get_by_test_id("stTopNavLinkContainer")).not_to_have_count(0, timeout=60_000)
        expect(page.get_by_role("link", name="app", exact=True)).to_have_count(0)
        expect(page.locator("[data-testid=stSidebarNav]")).to_have_count(0)
        assert place in unquote(page.url)
        assert name in page.url
        page.goto("about:blank")  # before the server goes


def test_back_leads_to_the_page_before_however_many_settings_were_changed(page, app_url):
    page.goto(app_url)
    page.get_by_test_id("stMain").get_by_role("link", name="Dimensionality reduction", exact=True).click()
    for d in (16, 32):
        choice(page, "Numbers in the code, d", str(d)).click()
        page.wait_for_url(f"**/reduction?d={d}")
    page.go_back()
    expect(page.get_by_role("heading", name="Touch a latent space")).to_be_visible()
    page.go_forward()
    expect(page.get_by_role("heading", name="Dimensionality reduction")).to_be_visible()
    expect(choice(page, "Numbers in the code, d", "32")).to_be_checked()


def test_every_page_is_in_the_navigation():
    assert {chapter.page for chapter in chapters()} == {f"pages/{name}.py" for name in PAGES}
