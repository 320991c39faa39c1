"""From `streamlit run` to the first decoded digit on screen, and how long switching pages takes.

Run, with Playwright installed and nothing else running on the machine::

    python benchmarks/startup.py
    python benchmarks/startup.py --rounds 5 --json startup.json

Each round starts a server and opens Home in a tab with an empty cache, in a headless Chromium that is already
running, as soon as the server answers. The clock runs from just before the server's process starts until a frame
shows a plane's read-out (`.decoded` in the first `.latent-canvas`) with pixels that are not black. A round before
these, not counted, warms the disk.

Then the visitor goes to the Latent explorer and back by the navigation, twice: the clock runs from the click until
the other page's plane has decoded. The server has never run that page the first time; both times are reported.

Goals: at most 3 s to the first digit, at most 0.5 s to switch pages; medians.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import statistics
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page
from serving import chromium, serve
from training import BUSY, processor

GOALS = {"start": 3.0, "switch": 0.5}  # seconds
PAGES = {"Home": "Touch a latent space", "Latent explorer": "Latent explorer"}  # name in the navigation, title
LIMIT = 60_000  # milliseconds
STEPS = {
    "healthy": "server answers",
    "connected": "browser has Streamlit's scripts, asks for the page",
    "finished": "script finished",
    "digit": "first decoded digit on screen",
    "filled": "both planes' backgrounds complete",
}

# Runs before any script of the page: records when the front end connects, when the script finishes and when the visitor
# clicks, and can wait for a plane that was not there at the last click. All times are milliseconds of the wall clock.
WATCH = """
(() => {
  const now = () => performance.timeOrigin + performance.now();
  const watch = window.watch = { connected: null, finished: null, clicked: null, known: new Set() };

  // Numbers of the fields of a protobuf message, outermost level.
  function fields(bytes) {
    const found = [];
    let at = 0;
    const varint = () => {
      let value = 0, scale = 1, byte;
      do { byte = bytes[at++]; value += (byte & 127) * scale; scale *= 128; } while (byte > 127);
      return value;
    };
    while (at < bytes.length) {
      const tag = varint();
      found.push(tag >> 3);
      if ((tag & 7) === 0) varint();
      else if ((tag & 7) === 2) { const length = varint(); at += length; }
      else at += (tag & 7) === 1 ? 8 : 4;
    }
    return found;
  }
  const SCRIPT_FINISHED = 6; // in ForwardMsg

  window.WebSocket = class extends WebSocket {
    constructor(...args) {
      super(...args);
      watch.connected ??= now();
      this.addEventListener("message", (event) => {
        if (fields(new Uint8Array(event.data)).includes(SCRIPT_FINISHED)) watch.finished = now();
      });
    }
  };

  watch.planes = (root = document, found = []) => {
    for (const element of root.querySelectorAll("*")) {
      if (element.matches(".latent-canvas") && element.querySelector(".plane").latentCanvas) found.push(element);
      if (element.shadowRoot) watch.planes(element.shadowRoot, found);
    }
    return found;
  };
  const name = (plane) => plane.querySelector(".plane").latentCanvas.headerText;
  const isKnown = (plane) => [...watch.known].some(([element, text]) => element === plane && text === name(plane));
  const lit = (canvas) => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
    .data.some((value, i) => i % 4 < 3 && value > 0);
  window.addEventListener("click", () => {
    watch.clicked = now();
    watch.known = new Set(watch.planes().map((plane) => [plane, name(plane)]));
  }, true);

  const until = (ready) => new Promise((resolve) => {
    const frame = () => (ready() ? requestAnimationFrame(() => resolve(now())) : requestAnimationFrame(frame));
    frame();
  });
  const titled = (title) => [...document.querySelectorAll("h1")].some((h1) => h1.textContent.trim() === title);
  watch.digit = (title) => until(() => {
    const plane = titled(title) && watch.planes()[0];
    return plane && !isKnown(plane) && lit(plane.querySelector(".decoded"));
  });
  watch.filled = (count) => until(() => {
    const planes = watch.planes();
    return planes.length === count && planes.every((plane) => plane.querySelector("canvas.manifold").dataset.complete);
  });
})();
"""


def start(browser: Browser) -> tuple[dict[str, float], list[dict[str, float]]]:
    """One round: seconds from the process's start to each of `STEPS`, and those of two visits to the explorer."""
    with serve() as server:
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        context.set_default_timeout(LIMIT)
        context.add_init_script(WATCH)
        page = context.new_page()
        page.goto(server.url, wait_until="commit")
        digit = page.evaluate("title => watch.digit(title)", PAGES["Home"])
        filled = page.evaluate("watch.filled(2)")
        page.wait_for_function("watch.finished")  # the planes may be complete before the thumbnails arrive
        seen = page.evaluate("({ connected: watch.connected, finished: watch.finished })")
        at = {name: stamp / 1000 - server.started for name, stamp in {**seen, "digit": digit, "filled": filled}.items()}
        at = {name: {"healthy": server.healthy - server.started, **at}[name] for name in STEPS}
        visits = []
        for _ in range(2):
            page.wait_for_timeout(500)
            there = switch(page, "Latent explorer")
            page.wait_for_timeout(500)
            visits.append({"there": there, "back": switch(page, "Home")})
        context.close()
        return at, visits


def switch(page: Page, name: str) -> float:
    """Click a page's name in the navigation; seconds until its plane has decoded."""
    page.evaluate("title => { watch.next = watch.digit(title); }", PAGES[name])
    page.get_by_role("link", name=name, exact=True).first.click()
    return float(page.evaluate("watch.next.then((drawn) => drawn - watch.clicked)")) / 1000


def table(starts: list[dict[str, float]], visits: list[list[dict[str, float]]]) -> str:
    """One row per step, in Markdown."""
    lines = ["| step | median | least | most |", "|---|---:|---:|---:|"]

    def row(text: str, values: list[float]) -> None:
        lines.append(f"| {text} | {statistics.median(values):.2f} s | {min(values):.2f} s | {max(values):.2f} s |")

    for name, text in STEPS.items():
        row(f"start → {text}", [at[name] for at in starts])
    for number, which in enumerate(("first", "second")):
        row(f"Home → Latent explorer, {which} visit", [visit[number]["there"] for visit in visits])
        row(f"Latent explorer → Home, {which} visit", [visit[number]["back"] for visit in visits])
    return "\n".join(lines)


def verdicts(starts: list[dict[str, float]], visits: list[list[dict[str, float]]]) -> list[str]:
    """Each goal, met or not; switching by its slowest kind."""
    start_median = statistics.median(at["digit"] for at in starts)
    slowest = max(
        statistics.median(visit[number][way] for visit in visits) for number in range(2) for way in ("there", "back")
    )
    return [
        f"- {'met' if start_median <= GOALS['start'] else 'NOT met'}: first digit at most {GOALS['start']:g} s; "
        f"{start_median:.2f} s.",
        f"- {'met' if slowest <= GOALS['switch'] else 'NOT met'}: switching pages at most {GOALS['switch']:g} s; "
        f"slowest kind {slowest:.2f} s.",
    ]


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Start-up time to the first decoded digit, and page switches.")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="measurements (5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every measurement here")
    chosen = parser.parse_args()
    if chosen.rounds < 1:
        parser.error("there must be a round")
    return chosen


def main() -> None:
    """Measure and print."""
    chosen = arguments()
    load = os.getloadavg()[0]
    starts: list[dict[str, float]] = []
    visits: list[list[dict[str, float]]] = []
    with chromium() as browser:
        version = browser.version
        for number in range(chosen.rounds + 1):
            at, switched = start(browser)
            label = f"round {number}" if number else "warm-up"
            print(f"{label}: first digit after {at['digit']:.2f} s", file=sys.stderr, flush=True)
            if number:
                starts.append(at)
                visits.append(switched)

    machine: dict[str, Any] = {
        "processor": processor(), "cores": os.cpu_count(), "python": platform.python_version(), "chromium": version,
        **{name: importlib.metadata.version(name) for name in ("streamlit", "torch")}, "load_at_start": load,
    }  # fmt: skip
    print(
        f"Medians of {chosen.rounds} rounds, each with a fresh server and an empty browser cache; warm disk.\n"
        f"Machine: {machine['processor']}, {machine['cores']} cores, no GPU used, browser beside the server; "
        f"streamlit {machine['streamlit']}, torch {machine['torch']}, Python {machine['python']}, Chromium {version}.\n"
    )
    print(table(starts, visits))
    print("\n" + "\n".join(verdicts(starts, visits)))
    if load > BUSY:
        print(f"- Note: the machine was busy at the start (load average {load:.1f}): repeat before quoting.")
    if chosen.json:
        document = {"machine": machine, "starts": starts, "visits": visits}
        chosen.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
