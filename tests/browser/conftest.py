"""A real Chromium on a really served app. A console error fails the test that caused it."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Locator, Page, Route, expect, sync_playwright

from benchmarks.serving import CHROMIUM_FLAGS, ROOT, installed_chromium, serve
from ui.components.modules import modules

PATIENCE = 90_000  # ms: a busy machine is not a defect
expect.set_options(timeout=PATIENCE)

# On a deep link Streamlit's own client first looks for its server below the page's path, is told 404, and then
# finds it at the root. Nothing else is forgiven.
PROBE = re.compile(r"/\w+/_stcore/(health|host-config)$")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = installed_chromium()
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI must have Chromium: apt-get install chromium")
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=path, args=list(CHROMIUM_FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def app_url() -> Iterator[str]:
    with serve() as server:
        yield server.url


APP = """
from pathlib import Path
from typing import NamedTuple

import streamlit as st

from ui.app.server import routes

app = st.App(Path(__file__).resolve().with_name("script.py"), routes=routes())
"""
SCRIPT = """
from pathlib import Path
from typing import NamedTuple

import streamlit as st

script = Path(__file__).resolve().with_name(st.query_params["part"]) / "script.py"
exec(compile(script.read_text(encoding="utf-8"), script, "exec"), {"__file__": str(script), "__name__": "__main__"})
"""


class Stage(NamedTuple):
    """A server of small pages that show one component each, for all files of tests: starting it takes seconds.

    Attributes:
        url: of the server.
        folder: has a folder of each page.
    """

    url: str
    folder: Path

    def put_on(self, part: str, script: str) -> tuple[str, Path]:
        """A page's address, to which ``&name=value`` may be added, and its folder, for what its script reads."""
        place = self.folder / part
        place.mkdir(exist_ok=True)
        (place / "script.py").write_text(script, encoding="utf-8")
        return f"{self.url}/?part={part}", place


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("stage")
    (folder / "script.py").write_text(SCRIPT, encoding="utf-8")
    (folder / "app.py").write_text(APP, encoding="utf-8")
    options = ("--browser.gatherUsageStats", "false")
    with serve(folder / "app.py", environment={"PYTHONPATH": str(ROOT)}, options=options) as server:
        yield Stage(server.url, folder)


EMPTY = "http://modules.test/"


def load_modules(page: Page, *paths: str) -> None:
    """Open an empty page and make what some modules export global there; no server is asked for them."""

    def answer(route: Route) -> None:
        path = route.request.url.removeprefix(EMPTY)
        if path == "":
            route.fulfill(content_type="text/html", body="<!DOCTYPE html><link rel=icon href=data:,>")
        else:
            route.fulfill(content_type="text/javascript", body=modules()[path])

    page.route(f"{EMPTY}**", answer)
    page.goto(EMPTY)
    page.evaluate(
        "async (paths) => { for (const path of paths) Object.assign(window, await import(path)); }",
        [f"/{path}" for path in paths],
    )


RGBA = """canvas => {
  const { data, width, height } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let text = "";
  for (let i = 0; i < data.length; i += 8192) text += String.fromCharCode(...data.subarray(i, i + 8192));
  return [btoa(text), width, height];
}"""


def rgba(canvas: Locator) -> np.ndarray:
    """A picture on screen at its own resolution: uint8 (height, width, 4). As bytes: a list takes ten times as long."""
    data, width, height = canvas.evaluate(RGBA)
    return np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width, 4)


def watch(page: Page, errors: list[str]) -> None:
    """Collect what a visitor's console would show in red."""

    def on_console(message) -> None:
        if message.type == "error" and not PROBE.search(message.location.get("url", "")):
            errors.append(message.text)

    page.on("console", on_console)
    page.on("pageerror", lambda error: errors.append(str(error)))


def patient(context: BrowserContext) -> BrowserContext:
    """With as much time for opening a page as for what is expected on it."""
    context.set_default_navigation_timeout(PATIENCE)
    return context


class Tab:
    """One page for many tests: what the browser has compiled of Streamlit's client is kept, half the cost of opening.

    Each test gets it blank, without cookies and of the size first given.
    """

    def __init__(self, browser: Browser, **options) -> None:
        self.browser, self.options = browser, options
        self.context: BrowserContext | None = None

    def page(self) -> Iterator[Page]:
        if self.context is None:
            self.context = patient(self.browser.new_context(**self.options))
            self.errors: list[str] = []
            watch(self.context.new_page(), self.errors)
        page = self.context.pages[0]
        yield page
        errors = self.errors
        try:
            if page.url.startswith("http"):
                page.evaluate("() => { sessionStorage.clear(); localStorage.clear(); }")  # which cookies are not
            page.goto("about:blank")
            page.unroute_all()
            page.emulate_media(media="null", color_scheme="null", reduced_motion="null", forced_colors="null")
            page.set_viewport_size(self.options["viewport"])
            self.context.clear_cookies()
            self.context.clear_permissions()
            for other in self.context.pages[1:]:
                other.close()
            errors, self.errors[:] = [*errors], []
        except Error:  # the page crashed: the next test gets a new one
            self.context.close()
            self.context = None
        assert not errors, errors


class Standing:
    """Pages that stay open from one test of a file to the next that asks for the same address.

    For tests that set all that they look at, and put back what they set and others do not: opening costs more than
    most of them. What needs an untouched page, its messages to the server or another screen takes `page`.
    """

    def __init__(self, browser: Browser) -> None:
        self.context = patient(browser.new_context(viewport={"width": 1440, "height": 1000}))
        self.pages: dict[str, Page] = {}
        self.errors: list[str] = []

    def __call__(self, address: str, untouched: bool = False) -> Page:
        """The page at an address; untouched: as it opens, whatever tests have done there."""
        if address not in self.pages:
            page = self.context.new_page()
            watch(page, self.errors)
            page.goto(address)
            self.pages[address] = page
        elif untouched:
            self.pages[address].goto("about:blank")
            self.pages[address].goto(address)
        self.pages[address].bring_to_front()
        return self.pages[address]


@pytest.fixture(scope="module")
def standing_pages(browser: Browser) -> Iterator[Standing]:
    made = Standing(browser)
    yield made
    made.context.close()


@pytest.fixture
def standing(standing_pages: Standing) -> Iterator[Standing]:
    yield standing_pages
    errors, standing_pages.errors[:] = [*standing_pages.errors], []
    assert not errors, errors


@pytest.fixture(scope="session")
def desk_tab(browser: Browser) -> Tab:
    return Tab(browser, viewport={"width": 1440, "height": 1000})


@pytest.fixture(scope="session")
def phone_tab(browser: Browser) -> Tab:
    return Tab(browser, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)


@pytest.fixture(scope="session")
def other_tab(browser: Browser) -> Tab:
    """In another browser, as far as the app can see: it shares nothing with the first."""
    return Tab(browser, viewport={"width": 1440, "height": 1000})


@pytest.fixture
def page(desk_tab: Tab) -> Iterator[Page]:
    yield from desk_tab.page()


@pytest.fixture
def phone(phone_tab: Tab) -> Iterator[Page]:
    yield from phone_tab.page()


@pytest.fixture
def elsewhere(other_tab: Tab) -> Iterator[Page]:
    yield from other_tab.page()
