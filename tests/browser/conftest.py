"""A real Chromium on a really served app. A console error fails the test that caused it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from benchmarks.serving import serve

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip

expect.set_options(timeout=30_000)  # a busy machine is not a defect

# On a deep link Streamlit's own client first looks for its server below the page's path, is told 404, and then
# finds it at the root. Nothing else is forgiven.
PROBE = re.compile(r"/\w+/_stcore/(health|host-config)$")


def find_chromium() -> str | None:
    """Debian's Chromium, or Chrome."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = find_chromium()
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI must have Chromium: apt-get install chromium")
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def app_url() -> Iterator[str]:
    with serve() as server:
        yield server.url


def watch(page: Page, errors: list[str]) -> None:
    """Collect what a visitor's console would show in red."""

    def on_console(message) -> None:
        if message.type == "error" and not PROBE.search(message.location.get("url", "")):
            errors.append(message.text)

    page.on("console", on_console)
    page.on("pageerror", lambda error: errors.append(str(error)))


def make_page(browser: Browser, request: pytest.FixtureRequest, **options) -> Iterator[Page]:
    context: BrowserContext = browser.new_context(**options)
    page, errors = context.new_page(), []
    watch(page, errors)
    yield page
    context.close()
    assert not errors, errors


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    yield from make_page(browser, request, viewport={"width": 1440, "height": 1000})


@pytest.fixture
def phone(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    yield from make_page(browser, request, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
