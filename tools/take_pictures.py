"""Take pictures of the running app (needs Chromium and requirements-dev.txt).

python -m tools.take_pictures              # all of them
python -m tools.take_pictures tour         # the README's animation, docs/tour.webp
python -m tools.take_pictures cards        # what Home's cards show, ui/chapters/<slug>/picture.webp
python -m tools.take_pictures pages OUT    # every page at three sizes in both themes, into the folder OUT
"""

from __future__ import annotations

import argparse
import io
import math
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Locator, Page

from benchmarks.serving import chromium, serve
from benchmarks.stage import SIZES, THEMES, visitor, wait_until_still
from ui.chapters import chapters
from ui.chapters.home.path import on_the_path
from ui.chapters.pictures import FILE
from ui.chapters.pictures import HEIGHT as CARD_HEIGHT
from ui.chapters.pictures import WIDTH as CARD_WIDTH
from vae_core.storage.manifest import shipped_run

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "tour.webp"
CARD_QUALITY = 72
WIDTH, HEIGHT = 1180, 760
SHOWN_WIDTH = 880
MAIN = "[data-testid=stMain]"
FRAME_MS = 110
THREE = [
    (0.36, 0.3),
    (0.5, 0.2),
    (0.62, 0.3),
    (0.56, 0.45),
    (0.45, 0.5),
    (0.6, 0.56),
    (0.63, 0.7),
    (0.5, 0.82),
    (0.35, 0.74),
]


def over_planes(page: Page, url: str) -> Iterator[None]:
    """Hover around the VAE's plane of Home."""
    page.goto(url)
    planes = page.locator(".latent-canvas:visible .plane")
    for index in (0, 1):
        planes.nth(index).locator("canvas.manifold[data-complete]").wait_for(state="attached")
    for step in range(30):
        angle = 2 * math.pi * step / 30
        point(page, planes.nth(1), 0.5 + 0.26 * math.cos(angle), 0.5 + 0.3 * math.sin(angle))
        yield


def along_beta(page: Page, url: str) -> Iterator[None]:
    """Drag the dial from end to end."""
    page.goto(f"{url}/beta")
    dial = page.locator(".beta-dial").first
    dial.wait_for(state="visible")
    page.wait_for_timeout(4_000)  # every stop has arrived
    handle = dial.locator("input[type=range]").first
    for step in range(34):
        slide(handle, step / 33)
        yield


def with_a_pen(page: Page, url: str) -> Iterator[None]:
    """Draw a three."""
    page.goto(f"{url}/inside")
    page.get_by_text("Sources", exact=True).wait_for(state="attached")
    pad = page.locator(".pad").first
    page.get_by_role("button", name="Clear").first.click()
    point(page, pad, *THREE[0])
    page.mouse.down()
    for (x, y), (to_x, to_y) in pairwise(THREE):
        for part in (1, 2, 3):
            point(page, pad, x + (to_x - x) * part / 3, y + (to_y - y) * part / 3)
            yield
    page.mouse.up()
    yield


def against_each_other(page: Page, url: str) -> Iterator[None]:
    """A GAN and a VAE learn the same points."""
    page.goto(f"{url}/sharper")
    toy = page.locator(".component.adversarial")
    toy.locator(".play").wait_for(state="visible")
    toy.evaluate("toy => toy.scrollIntoView({ block: 'start' })")
    page.locator(MAIN).evaluate("main => main.scrollBy(0, -70)")
    if toy.locator(".play").inner_text() == "Play":  # it plays by itself once it is looked at
        toy.locator(".play").click()
    for _ in range(26):
        page.wait_for_timeout(250)
        yield


def a_face(page: Page, url: str) -> Iterator[None]:
    """Move two of the six numbers of a face."""
    page.goto(f"{url}/faces")
    rows = page.locator(".component.faces input[type=range]")
    rows.first.wait_for(state="visible")
    page.wait_for_timeout(2_000)
    for number in (0, 1):
        handle = rows.nth(number)
        for step in range(14):
            share = 0.5 + 0.45 * math.sin(2 * math.pi * step / 13)
            slide(handle, share)
            yield


def slide(handle: Locator, share: float) -> None:
    """Put a slider at a share of its way, as a visitor's hand would."""
    handle.evaluate(
        """(input, share) => {
            input.value = Number(input.min) + (input.max - input.min) * share;
            input.dispatchEvent(new Event("input", { bubbles: true }));
        }""",
        share,
    )


def point(page: Page, place: Locator, x: float, y: float) -> None:
    """Move the pointer within an element, to a position in shares of its size."""
    box = place.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=2)


def tour(browser: Browser, url: str) -> None:
    """Record every scene, one after the other."""
    frames: list[Image.Image] = []
    scenes: tuple[Callable[[Page, str], Iterator[None]], ...] = (
        over_planes, along_beta, with_a_pen, against_each_other, a_face,
    )  # fmt: skip
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="dark")
    for scene in scenes:
        for _ in scene(page, url):
            time.sleep(0.05)  # what follows the pointer in the next frame
            shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            frames.append(shot.resize((SHOWN_WIDTH, round(HEIGHT * SHOWN_WIDTH / WIDTH)), Image.Resampling.LANCZOS))
        frames.extend([frames[-1]] * 6)
    page.close()
    PICTURE.parent.mkdir(exist_ok=True)
    frames[0].save(PICTURE, save_all=True, append_images=frames[1:], duration=FRAME_MS, loop=0, quality=58, method=4)
    print(f"{PICTURE}: {len(frames)} frames, {PICTURE.stat().st_size:,} bytes")


# What a card shows where the page itself opens empty.
_SHOWING = {"train": f"?run={shipped_run(model='vae', dataset='mnist', latent_dim=2).key}"}


def cards(browser: Browser, url: str) -> None:
    """The first instrument of every chapter, cut to a card."""
    page = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme="dark", device_scale_factor=1.5)
    for chapter in on_the_path():
        if not (ROOT / "ui" / "chapters" / chapter.slug).is_dir():
            continue
        page.goto(f"{url}/{chapter.url}{_SHOWING.get(chapter.slug, '')}")
        wait_until_still(page)
        page.wait_for_timeout(2_000)  # planes fill after the page is still
        box = page.locator(".st-key-instrument-opening").bounding_box()
        assert box is not None
        width = min(box["width"], (800 - box["y"]) * CARD_WIDTH / CARD_HEIGHT)
        clip = {"x": box["x"], "y": box["y"], "width": width, "height": width * CARD_HEIGHT / CARD_WIDTH}
        shot = Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB")  # type: ignore[arg-type]
        file = ROOT / "ui" / "chapters" / chapter.slug / FILE
        shot.resize((CARD_WIDTH, CARD_HEIGHT), Image.Resampling.LANCZOS).save(file, quality=CARD_QUALITY, method=6)
        print(f"{file.relative_to(ROOT)}: {file.stat().st_size:,} bytes")
    page.close()


def pages(browser: Browser, url: str, folder: Path) -> None:
    """Every page, whole, at three sizes in both themes: to be looked at."""
    folder.mkdir(parents=True, exist_ok=True)
    for width, height in SIZES:
        for theme in THEMES:
            context = visitor(browser, width, height, theme)
            page = context.new_page()
            for chapter in chapters():
                page.goto(f"{url}/{chapter.url}")
                wait_until_still(page)
                whole = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
                for number in range(math.ceil(whole / (height - 80))):
                    top = number * (height - 80)
                    page.evaluate(f"document.querySelector('[data-testid=stMain]').scrollTo(0, {top})")
                    page.wait_for_timeout(600)
                    page.screenshot(path=folder / f"{chapter.slug}-{width}x{height}-{theme}-{number + 1}.png")
            context.close()


def main() -> None:
    """Take what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("all", "tour", "cards", "pages"), default="all")
    parser.add_argument("out", nargs="?", type=Path, default=Path("pictures"))
    asked = parser.parse_args()
    with serve() as server, chromium() as browser:
        if asked.what in ("all", "cards"):
            cards(browser, server.url)
        if asked.what in ("all", "tour"):
            tour(browser, server.url)
        if asked.what == "pages":
            pages(browser, server.url, asked.out)


if __name__ == "__main__":
    main()
