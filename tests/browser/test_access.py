"""Every page for everybody: axe-core's rules, names, focus, headings, a phone's width, a sheet of paper."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import Page, expect

from ui.app.server import FAILED
from ui.chapters import chapters

from .test_canvas import wait_until

pytestmark = pytest.mark.browser

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
NAMES = [chapter.url for chapter in chapters()]
SERIOUS = ("serious", "critical")
MOST_STOPS = 340

# Every element, also those inside of components' shadow roots.
DEEP = """const every = []; (function visit(root) {
  for (const one of root.querySelectorAll("*")) { every.push(one); if (one.shadowRoot) visit(one.shadowRoot); }
})(document);
const seen = (one) => one.getClientRects().length > 0 && getComputedStyle(one).visibility !== "hidden";"""

# Up from an element, out of shadow roots too.
UP = """function* up(one) { for (let at = one; at; at = at.parentElement ?? at.getRootNode().host) yield at; }"""

# Pictures without a name: neither their own, nor that of a picture or button they are a part of, nor hidden on purpose.
NAMELESS = f"""() => {{ {DEEP} {UP}
  const roles = /^(img|figure|application)$/;
  const whole = (at) => ["IMG", "BUTTON"].includes(at.tagName) || roles.test(at.getAttribute("role"));
  const named = (at) => [at.getAttribute("aria-label"), at.getAttribute("alt"), at.title].some((name) => name?.trim());
  const hidden = (at) => at.getAttribute("aria-hidden") === "true";
  const covered = (one) => [...up(one)].some((at) => hidden(at) || (whole(at) && named(at)));
  return every.filter((one) => one.matches("canvas, img, .js-plotly-plot, svg[role=img]") && seen(one) && !covered(one))
    .map((one) => one.outerHTML.slice(0, 160));
}}"""

HEADINGS = f"""() => {{ {DEEP}
  return every.filter((one) => /^H[1-6]$/.test(one.tagName) && seen(one)).map((one) => Number(one.tagName[1]));
}}"""

# What is wider than the screen and not within a box that scrolls by itself.
TOO_WIDE = f"""() => {{ {DEEP} {UP}
  const wide = (one) => one.getBoundingClientRect().right > innerWidth + 1;
  const scrolls = (one) => [...up(one)].some((at) => getComputedStyle(at).overflowX !== "visible" && !wide(at));
  return every.filter((one) => seen(one) && wide(one) && !scrolls(one)).map((one) => one.outerHTML.slice(0, 160));
}}"""

# Texts that do not fit their box, which hides the rest of them.
CLIPPED = f"""() => {{ {DEEP}
  const formula = (one) => one.closest(".katex");
  const cut = (one) => one.scrollWidth > one.clientWidth + 2 && getComputedStyle(one).overflowX === "hidden";
  const told = every.filter((one) => one.innerText?.trim() && one.clientWidth > 5 && seen(one) && !formula(one));
  return told.filter(cut).map((one) => one.outerHTML.slice(0, 160));
}}"""

# The words of figures are SVG, which axe-core leaves out: those with less contrast than 4.5 to the page (WCAG 1.4.3).
FAINT = """() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (rgb) => rgb.slice(0, 3).map((value) => value / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
  const behind = numbers(getComputedStyle(document.querySelector("[data-testid=stApp]")).backgroundColor);
  return [...document.querySelectorAll(".js-plotly-plot text")].filter((one) => {
    const style = getComputedStyle(one);
    const [red, green, blue, alpha = 1] = numbers(style.fill);
    const share = alpha * style.fillOpacity * style.opacity;
    const seen = [red, green, blue].map((value, k) => share * value + (1 - share) * behind[k]);
    const [low, high] = [light(seen), light(behind)].sort((a, b) => a - b);
    return one.textContent && (high + 0.05) / (low + 0.05) < 4.5;
  }).map((one) => `${one.textContent} in ${getComputedStyle(one).fill}`);
}"""

# The focused element and its name; and whether the one before was drawn in another way while it had the focus.
# Streamlit's controls learn of their focus a frame later.
FOCUSED = """async () => {
  for (const _ of [1, 2]) await new Promise(requestAnimationFrame);
  const kinds = ["outlineStyle", "outlineWidth", "boxShadow", "borderColor", "backgroundColor", "color"];
  const drawn = (one, part) => {
    const style = getComputedStyle(one, part);
    return kinds.map((kind) => style[kind]).join();
  };
  const looks = (at) => {
    const around = [at, at.previousElementSibling, at.nextElementSibling];
    around.push(...[...at.querySelectorAll("*")].slice(0, 12));
    for (let above = at.parentElement, k = 0; above && k < 5; above = above.parentElement, k++) around.push(above);
    return [...around.filter(Boolean).map((one) => drawn(one)), drawn(at, "::before"), drawn(at, "::after")].join("|");
  };
  const before = window.lastStop;
  const seen = !before || looks(before.at) !== before.looks;
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  if (!at || at === document.body) return { seen, html: null };
  window.lastStop = { at, looks: looks(at) };
  const labelled = at.getAttribute("aria-labelledby");
  const names = [at.getAttribute("aria-label"), labelled && at.getRootNode().getElementById(labelled)?.textContent,
    at.labels?.[0]?.textContent, at.textContent, at.title];
  return { seen, html: at.outerHTML.slice(0, 160), name: (names.find(Boolean) ?? "").trim() };
}"""


def open_whole(page: Page, url: str, name: str) -> None:
    """Go to a page; wait until all of it is there; open what opens."""
    page.goto(f"{url}/{name}")
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(page.get_by_text(FAILED)).to_have_count(0)
    mounts = page.locator(".component:not([hidden])")
    if name != "train":  # it shows a run only to those who asked for one
        expect(mounts.first).to_be_attached()
    for chart in page.get_by_test_id("stPlotlyChart").all():
        expect(chart.locator(".main-svg").first).to_be_attached()
    page.evaluate("document.querySelectorAll('details').forEach((box) => { box.open = true; })")


def violations(page: Page, rules: list[str] | None = None) -> list[str]:
    """What axe-core finds serious or critical, by all rules or by some."""
    options = {"resultTypes": ["violations"]} | ({"runOnly": rules} if rules else {})
    found = page.evaluate("options => axe.run(document, options)", options)["violations"]
    return [
        f"{rule['id']}: {node['html'][:160]} {node['failureSummary']}"
        for rule in found
        for node in rule["nodes"]
        if rule["impact"] in SERIOUS
    ]


def stops(page: Page) -> list[dict]:
    """Where Tab goes, from the page's start until it leaves the page; each a name, and whether its focus is seen."""
    found: list[dict] = []
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUSED)
        if found:
            found[-1]["seen"] = stop["seen"]
        if stop["html"] is None:
            return found
        found.append(stop)
    raise AssertionError(f"Tab never leaves the page; it last was at {found[-1]['html']}")


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_for_everybody(page, app_url, name):
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    open_whole(page, app_url, name)
    page.evaluate(AXE)
    assert violations(page) == []
    assert page.evaluate(FAINT) == []
    assert page.evaluate(NAMELESS) == []
    levels = page.evaluate(HEADINGS)
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels)), levels
    for landmark in ("main", "navigation", "banner"):
        expect(page.get_by_role(landmark)).to_have_count(1)

    reached = stops(page)
    assert [stop["html"] for stop in reached if not stop["name"]] == []
    assert [stop["html"] for stop in reached if not stop["seen"]] == []

    page.emulate_media(color_scheme="dark")
    expect(page.get_by_test_id("stApp")).to_have_css("color-scheme", "dark")
    assert violations(page, ["color-contrast"]) == []
    wait_until(page, lambda: page.evaluate(FAINT) == [])  # figures are drawn anew for another theme

    for width, height in ((720, 450), (390, 844)):  # a laptop's screen enlarged to 200% (WCAG 1.4.4), and a phone
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(300)
        assert page.evaluate(TOO_WIDE) == []
        assert violations(page, ["list", "listitem", "aria-required-children", "aria-required-parent"]) == []
        assert page.evaluate(CLIPPED) == []
        for element in ("document.scrollingElement", "document.querySelector('[data-testid=stMain]')"):
            assert page.evaluate(f"{element}.scrollWidth <= innerWidth + 1")

    page.emulate_media(media="print")
    page.set_viewport_size({"width": 718, "height": 1000})  # A4 without its margins
    assert page.evaluate(TOO_WIDE) == []
    expect(page.get_by_role("navigation")).to_be_hidden()
    assert (
        page.locator(".component button:not(.legend *), .stButton, .stDownloadButton").filter(visible=True).count() == 0
    )
