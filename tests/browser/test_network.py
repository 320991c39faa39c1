"""Networks as they are: the app below a path, a browser that was there before, connections that end in the middle."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.narrow import Link, narrow
from benchmarks.serving import serve
from vae_core.storage.manifest import shipped_run

from .conftest import watch
from .test_beta import opened as opened_dial
from .test_canvas import plane_of, state, wait_until

pytestmark = pytest.mark.browser

BASE = "/lab"
AE = shipped_run(model="ae", dataset="mnist", latent_dim=2).key
VAE = shipped_run(model="vae", dataset="mnist", latent_dim=2).key
OURS = ("/tensors/", "/modules/", "/pictures/")
FETCHED = """() => performance.getEntriesByType("resource").map(({ name, transferSize }) => [name, transferSize])"""


@pytest.fixture(scope="module")
def below() -> Iterator[str]:
    """The app's address below a path."""
    with serve(base=BASE) as server:
        yield server.url


@pytest.fixture
def fresh(browser: Browser) -> Iterator[Page]:
    """A browser that has nothing of the app; a console error fails the test."""
    context, errors = browser.new_context(viewport={"width": 1440, "height": 1000}), []
    page = context.new_page()
    watch(page, errors)
    yield page
    context.close()
    assert not errors, errors


@pytest.fixture
def failing(browser: Browser) -> Iterator[Page]:
    """A browser whose console may say, and must, that its network fails."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    yield context.new_page()
    context.close()


def fetched(page: Page) -> dict[str, dict[str, int]]:
    """First part of an address -> address -> bytes over the network, of all that is ours."""
    found: dict[str, dict[str, int]] = {part: {} for part in OURS}
    for address, size in page.evaluate(FETCHED):
        for part in OURS:
            if part in address:
                found[part][address] = size
    return found


def whole(page: Page, url: str) -> None:
    """Home with both planes, their thumbnails and every picture on it."""
    page.goto(url)
    for index in (0, 1):
        plane_of(page, index)
    pictures = page.locator("img[src*='pictures/']")
    expect(pictures.first).to_be_attached()
    for picture in pictures.all():
        picture.scroll_into_view_if_needed()
    wait_until(page, lambda: pictures.evaluate_all("list => list.every((image) => image.naturalWidth > 0)"))
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def test_below_a_path_everything_is_found_there_and_a_second_session_fetches_nothing_again(
    fresh: Page, below: str
) -> None:
    refused: list[str] = []
    fresh.context.on(
        "response",
        lambda answer: refused.append(answer.url) if answer.status >= 400 and "_stcore" not in answer.url else None,
    )
    whole(fresh, f"{below}/")
    first = fetched(fresh)
    assert len(first["/tensors/"]) == 3  # two planes and the thumbnails they share
    assert all(first.values()) and refused == []
    for addresses in first.values():
        assert all(f"{BASE}/" in address for address in addresses)
        assert all(size > 0 for size in addresses.values())

    second = fresh.context.new_page()
    whole(second, below)  # without the slash, as one types it
    again = fetched(second)
    assert {part: set(addresses) for part, addresses in again.items()} == {
        part: set(addresses) for part, addresses in first.items()
    }
    assert [size for addresses in again.values() for size in addresses.values() if size] == []


def test_below_a_path_a_deep_link_opens_its_place(fresh: Page, below: str) -> None:
    root = opened_dial(fresh, f"{below}/beta?d=2&beta=16")
    assert root.evaluate("root => root.betaDial.header.stops[root.betaDial.nearest].label") == "16"
    fresh.goto(f"{below}/explorer?run={AE}&z=1,2;-3,0.5")
    assert len(state(plane_of(fresh))["pins"]) == 2
    fresh.get_by_role("link", name="Inside the VAE", exact=True).first.click()
    fresh.wait_for_url(f"**{BASE}/inside**")
    expect(fresh.locator(".inside .pad")).to_be_visible()


# ---- a connection that ends in the middle ---------------------------------------------------------------------------

SLOW = 1e6  # bits per second: a plane's tensors take seconds


@pytest.fixture
def link(app_url: str) -> Iterator[Link]:
    with narrow(app_url) as made:
        yield made


def cut_in_a_body(page: Page, link: Link, address: str) -> None:
    """Open a page and cut the link when the answer with its first tensors has begun, long before it ends."""
    page.goto(f"{link.url}/glossary")  # the browser gets Streamlit's own scripts, and no tensors
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    link.down.rate = SLOW / 8
    sent = link.down.sent
    with page.expect_response("**/tensors/*") as begun:
        page.goto(f"{link.url}/{address}", wait_until="commit")
    size = int(begun.value.header_value("content-length"))
    page.wait_for_timeout(300)
    link.cut()
    assert size > 0.6 * SLOW / 8 and link.down.sent > sent  # in 0.3 s, half of it comes through at most


def test_a_body_that_is_cut_off_is_fetched_again(failing: Page, link: Link) -> None:
    asked: list[str] = []
    failing.on("request", lambda request: asked.append(request.url) if "/tensors/" in request.url else None)
    cut_in_a_body(failing, link, f"explorer?run={VAE}")
    failing.wait_for_timeout(1_000)
    link.down.rate = 1e8
    link.mend()
    plane = plane_of(failing)
    assert asked.count(asked[0]) >= 2
    expect(failing.locator(".failed:visible")).to_have_count(0)
    plane.click()  # the session is there again, too: the pin goes on into the link
    failing.wait_for_url("**z=**")


def test_a_network_that_stays_away_is_said_and_a_reload_helps(failing: Page, link: Link) -> None:
    cut_in_a_body(failing, link, f"explorer?run={VAE}")
    failed = failing.locator(".failed:visible")
    expect(failed).to_contain_text("This plane could not be drawn: its data did not arrive")
    expect(failed).to_contain_text("Reload the page to try again.")
    link.down.rate = 1e8
    link.mend()
    failing.reload()
    plane_of(failing)
    expect(failing.locator(".failed:visible")).to_have_count(0)
