"""Does every chapter fit the screen it is shown on? Layout shift, whole instruments, length, contrast, reading level.

    .venv/bin/python -m benchmarks.stage [--page beta] [--sizes 1440x900,390x844]

A real Chromium opens every chapter by its link at three sizes and in both themes, waits until it is still, and goes
from step to step as a reader scrolls. What is counted:

- the cumulative layout shift (web.dev/cls) while the page opens, goal 0.05;
- steps whose instrument, with its read-out, is not whole in the window below the bar: goal none. On a phone the parts
  of an instrument stand below each other, and each must fit. Tables and rows of pictures (wide steps) may be longer;
- whether anything is wider than the window; goal nothing;
- how many windows of 1440 x 900 the page is long; goal 5;
- the largest contentful paint after going there from Home, with a warm server; goal 1.0 s;
- violations of axe-core's rules, of any impact; goal 0;
- the Flesch-Kincaid grade of the page's prose: 0.39 words per sentence + 11.8 syllables per word - 15.59; goal 10.
"""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import axe_playwright_python
from playwright.sync_api import Browser, BrowserContext, Page

from benchmarks.serving import chromium, serve
from ui.chapters import Chapter, chapters

SIZES = ((1440, 900), (1280, 720), (390, 844))
THEMES = ("light", "dark")
PHONE = 600  # CSS pixels: narrower windows are a phone's
STILL_MS, SETTLE_MS, PATIENCE_MS = 1_500, 400, 30_000
BAR = 60  # CSS pixels that the menu covers
MOST_SHIFT, MOST_WINDOWS, MOST_GRADE, MOST_PAINT = 0.05, 5.0, 10.0, 1.0
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")

OBSERVE = """
window.shift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""
STEPS = """() => [...document.querySelectorAll("[class*='st-key-step-'] [class*='st-key-instrument-']")]
  .map((one) => [...one.classList].find((name) => name.startsWith("st-key-instrument-")))"""
# Brings a step's heading below the bar, and on a phone its instrument.
SCROLL = """([name, narrow, bar]) => {
  const one = document.querySelector(`.${name}`);
  (narrow ? one : one.closest("[class*='st-key-step-']")).scrollIntoView({ block: "start", behavior: "instant" });
  document.querySelector("[data-testid=stMain]").scrollBy({ top: -bar - 4, behavior: "instant" });
}"""
MAIN = """() => {
  const { scrollWidth, clientWidth, scrollHeight } = document.querySelector("[data-testid=stMain]");
  return [scrollWidth, clientWidth, scrollHeight];
}"""
# Where an instrument begins and ends; on a phone, where its tallest part does.
EXTENT = """([name, narrow]) => {
  const parts = [...document.querySelectorAll(`.${name} [data-testid=stElementContainer]`)];
  const boxes = parts.map((part) => part.getBoundingClientRect()).filter((box) => box.height > 2);
  if (!boxes.length) return null;
  const tallest = Math.max(...boxes.map((box) => box.height));
  const top = Math.min(...boxes.map((box) => box.top));
  return [top, narrow ? top + tallest : Math.max(...boxes.map((box) => box.bottom))];
}"""
# Whether the run has ended and the page has kept its height for so long.
STILL = """(milliseconds) => {
  const main = document.querySelector("[data-testid=stMain]"), now = performance.now();
  const ended = document.querySelector("[data-testid=stApp]")?.dataset.testScriptState === "notRunning";
  if (!ended || main.querySelector("[data-testid=stSkeleton]") || main.scrollHeight !== window.lastHeight) {
    window.lastHeight = main.scrollHeight;
    window.since = now;
  }
  return now - window.since > milliseconds;
}"""
PROSE = """() => [...document.querySelectorAll("[data-testid=stMarkdownContainer] :is(p, li)")]
  .filter((one) => !one.closest("details") && !one.closest(".gloss"))
  .map((one) => {
    const copy = one.cloneNode(true);
    for (const part of copy.querySelectorAll(".katex, .gloss, code, .kicker")) part.replaceWith(" x ");
    return copy.textContent.trim();
  }).filter((text) => text.split(/\\s+/).length >= 5)"""


@dataclass(frozen=True)
class Seen:
    """One page at one size in one theme."""

    page: str
    size: str
    theme: str
    shift: float
    cut: tuple[str, ...]
    too_wide: bool
    windows: float
    violations: tuple[str, ...]
    grade: float

    def faults(self) -> list[str]:
        """What misses its goal, in words."""
        found = [f"shift {self.shift:.3f}"] if self.shift > MOST_SHIFT else []
        found += [f"cut: {', '.join(self.cut)}"] if self.cut else []
        found += ["wider than the window"] if self.too_wide else []
        found += [f"{self.windows:.1f} windows"] if self.size == "1440x900" and self.windows > MOST_WINDOWS else []
        found += [f"axe: {', '.join(self.violations)}"] if self.violations else []
        found += [f"grade {self.grade:.1f}"] if self.grade > MOST_GRADE else []
        return found


def main() -> int:
    """Print the table; exit status 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--page", action="append", help="its name in the URL; left out, every page")
    parser.add_argument("--sizes", default=",".join(f"{width}x{height}" for width, height in SIZES))
    parser.add_argument("--url", help="of a running app; left out, one is started")
    parser.add_argument("--themes", default=",".join(THEMES))
    asked = parser.parse_args()
    pages = [one for one in chapters() if not asked.page or one.slug in asked.page]
    sizes = [tuple(map(int, size.split("x"))) for size in asked.sizes.split(",")]
    seen: list[Seen] = []
    paints: dict[str, float] = {}
    with chromium() as browser:
        if asked.url:
            seen, paints = look(browser, asked.url, pages, sizes, asked.themes.split(","))
        else:
            with serve() as server:
                seen, paints = look(browser, server.url, pages, sizes, asked.themes.split(","))
    print("| page | size | theme | shift | cut instruments | windows | axe | grade |")
    print("|---|---|---|---:|---:|---:|---:|---:|")
    for one in seen:
        print(
            f"| {one.page} | {one.size} | {one.theme} | {one.shift:.3f} | {len(one.cut)} | {one.windows:.1f} | "
            f"{len(one.violations)} | {one.grade:.1f} |"
        )
    print("\nLargest contentful paint after a click in the menu, warm server, s:")
    print(", ".join(f"{name} {seconds:.2f}" for name, seconds in paints.items()))
    missed = [f"{one.page} {one.size} {one.theme}: {'; '.join(one.faults())}" for one in seen if one.faults()]
    missed += [f"{name}: painted after {seconds:.2f} s" for name, seconds in paints.items() if seconds > MOST_PAINT]
    print("\nAll goals met." if not missed else "\nMissed:\n" + "\n".join(missed))
    return 1 if missed else 0


def visitor(browser: Browser, width: int, height: int, theme: str) -> BrowserContext:
    """A browser of this size in this theme, with a finger where it is a phone's."""
    phone = width < PHONE
    return browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if theme == "dark" else "light",
        has_touch=phone, is_mobile=phone,
    )  # fmt: skip


def look(
    browser: Browser, url: str, pages: list[Chapter], sizes: list[tuple[int, ...]], themes: list[str]
) -> tuple[list[Seen], dict[str, float]]:
    """Every page at every size in every theme, and how soon each is painted."""
    seen = []
    for width, height in sizes:
        for theme in themes:
            context = visitor(browser, width, height, theme)
            context.add_init_script(OBSERVE)
            page = context.new_page()
            for chapter in pages:
                page.goto(f"{url}/{chapter.url}")
                seen.append(_seen(page, chapter.slug, width, height, theme))
                print(
                    f"{chapter.slug} {width}x{height} {theme}: {'; '.join(seen[-1].faults()) or 'ok'}", file=sys.stderr
                )
            context.close()
    return seen, {one.slug: painted(browser, url, one) for one in pages if not one.is_home}


def _seen(page: Page, name: str, width: int, height: int, theme: str) -> Seen:
    wait_until_still(page)
    shift = float(page.evaluate("window.shift"))
    cut = []
    narrow = width < PHONE
    for step in page.evaluate(STEPS):
        page.evaluate(SCROLL, [step, narrow, BAR])
        page.wait_for_timeout(SETTLE_MS)
        extent = page.evaluate(EXTENT, [step, narrow])
        if extent and (extent[0] < BAR - 8 or extent[1] > height + 2):
            cut.append(f"{step.removeprefix('st-key-instrument-')} ({extent[1] - extent[0]:.0f} px)")
    main = page.evaluate(MAIN)
    page.evaluate(AXE)
    found = page.evaluate("axe.run().then((result) => result.violations.map((one) => one.id))")
    return Seen(
        name, f"{width}x{height}", theme, shift, tuple(cut), main[0] > main[1] + 1, main[2] / height, tuple(found),
        grade(page.evaluate(PROSE)),
    )  # fmt: skip


def wait_until_still(page: Page) -> None:
    """Until the run has ended and the page has kept its height for a while."""
    page.get_by_test_id("stMainBlockContainer").wait_for(timeout=PATIENCE_MS)
    page.wait_for_function(STILL, arg=STILL_MS, timeout=PATIENCE_MS)


def painted(browser: Browser, url: str, chapter: Chapter) -> float:
    """Seconds from the click in Home's cards until the chapter's title is on screen and its first instrument drawn."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(url)
    wait_until_still(page)
    link = page.get_by_role("link", name=chapter.title).first
    link.wait_for()
    began = page.evaluate("performance.now()")
    link.click()
    title = page.get_by_role("heading", level=1, name=chapter.title)
    title.wait_for(timeout=PATIENCE_MS)
    page.locator(".st-key-instrument-opening [data-testid=stElementContainer]").first.wait_for(timeout=PATIENCE_MS)
    ended = page.evaluate("performance.now()")
    context.close()
    return float(ended - began) / 1000


def grade(texts: list[str]) -> float:
    """Flesch-Kincaid grade of some paragraphs (Kincaid et al. 1975); 0 where there is none."""
    text = " ".join(part if part[-1:] in ".!?:" else f"{part}." for part in texts)
    sentences = len(re.findall(r"[.!?:]+(?=\s|$)", text)) or 1
    words = re.findall(r"[A-Za-z][A-Za-z'’-]*", text)
    if not words:
        return 0.0
    return 0.39 * len(words) / sentences + 11.8 * sum(map(syllables, words)) / len(words) - 15.59


def syllables(word: str) -> int:
    """About how many syllables an English word has: its groups of vowels, a final silent e left out."""
    plain = re.sub(r"[^a-z]", "", word.lower())
    groups = len(re.findall(r"[aeiouy]+", plain))
    if plain.endswith("e") and not plain.endswith(("le", "ee")) and groups > 1:
        groups -= 1
    return max(groups, 1)


if __name__ == "__main__":
    sys.exit(main())
