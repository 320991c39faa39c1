"""A network that fails while a component's modules are loaded: it costs a moment, or a sentence says so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from ui.components.modules import digest
from vae_core.storage.manifest import shipped_run

from .test_canvas import wait_until
from .test_chapters import choice
from .test_links import settled

pytestmark = pytest.mark.browser

RUN = shipped_run(model="vae", dataset="mnist", latent_dim=2).key
NOT_LOADED = "This instrument could not be loaded. Check the connection and reload the page."


@pytest.fixture
def on_bad_network(browser: Browser) -> Iterator[Page]:
    """A page of its own: what fails is in the console, and must be."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    yield context.new_page()
    context.close()


def test_a_fault_that_passes_costs_a_moment(on_bad_network: Page, app_url: str) -> None:
    page, failed = on_bad_network, []
    # One module that another imports, at the first two addresses: the browser remembers both for as long as it is open.
    for name in (digest(), f"{digest()}-1"):
        page.route(f"**/modules/{name}/film/curves.js", lambda route: (failed.append(route.request.url), route.abort()))
    page.goto(f"{app_url}/train?run={RUN}&epoch=7")
    film = page.locator(".training-film")
    expect(film.locator("output")).to_have_text("epoch 7 of 150")  # by the link, which another component read
    assert len(set(failed)) == 2  # Chromium itself may ask for one of them again
    film.locator("input").press("ArrowRight")
    page.wait_for_url("**epoch=8**")  # and it goes on into the link
    expect(page.get_by_text(NOT_LOADED)).to_have_count(0)


def test_one_that_stays_is_said_where_the_component_would_be(on_bad_network: Page, app_url: str) -> None:
    page = on_bad_network
    page.route("**/modules/*/film/film.js", lambda route: route.abort())
    page.goto(f"{app_url}/train?run={RUN}")
    expect(page.get_by_role("alert").filter(has_text=NOT_LOADED)).to_be_visible()
    expect(page.locator(".training-film")).to_have_count(0)
    expect(page.get_by_role("button", name="Copy link")).to_be_visible()  # all else is there
    expect(page.get_by_text("Nats per image, pixels summed")).to_be_visible()
    page.unroute_all()
    page.reload()
    expect(page.locator(".training-film output")).to_have_text("epoch 150 of 150")
    expect(page.get_by_text(NOT_LOADED)).to_have_count(0)


def test_what_is_set_while_an_instrument_loads_does_not_cost_it(page: Page, app_url: str) -> None:
    """Streamlit calls a component for the page's first run and for the second, then ends the first call."""
    held: list[Route] = []
    page.route("**/modules/*/line/line.js", lambda route: held.append(route))
    page.goto(f"{app_url}/reduction?answers=line:1")
    wait_until(page, lambda: held)
    choice(page, "Numbers in the code, d", "2").click()
    page.wait_for_url("**d=2**")
    settled(page)
    for route in held:
        route.continue_()
    line = page.locator(".latent-line")
    expect(line).to_be_visible()
    page.wait_for_timeout(500)
    expect(line).to_be_visible()
