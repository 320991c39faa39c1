"""Take the README's picture from the running app: docs/home.png (needs Chromium and requirements-dev.txt).

python tools/take_screenshot.py
"""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

from benchmarks.serving import serve

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "home.png"


def main() -> None:
    PICTURE.parent.mkdir(exist_ok=True)
    with serve() as server, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 1040}, color_scheme="dark")
        page.goto(server.url)
        planes = page.locator(".latent-canvas:visible .plane")
        for index in (0, 1):
            planes.nth(index).locator("canvas.manifold[data-complete]").wait_for(state="attached")
        box = planes.nth(1).bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + 0.57 * box["width"], box["y"] + 0.46 * box["height"], steps=5)
        page.wait_for_timeout(1000)
        page.screenshot(path=PICTURE)
        browser.close()
    print(f"{PICTURE}: {PICTURE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
