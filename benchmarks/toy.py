"""The toy in the plane in headless Chromium: training steps a second, frames, messages, the time of each part.

Run, with Playwright installed and nothing else running on the machine::

    python -m benchmarks.toy
    python -m benchmarks.toy --seconds 10 --loads 3

Per load of the page "Sharper images" in a fresh tab, both models train as fast as they may, with everything drawn, for
some seconds. Measured: steps a second, animation frames a second and their gaps, messages on the WebSocket meanwhile;
and then at rest, the processor time of each part: a step, with and without R1, and a frame. Without a GPU drawing is
done by the processor that also runs the scripts.

Goals: 60 steps a second at 60 frames a second, nothing sent to the server.
"""

from __future__ import annotations

import argparse
import os
import statistics
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page

from benchmarks.serving import chromium, serve
from benchmarks.training import processor

GOAL = 60.0  # steps, and frames, a second
LIMIT = 90_000  # milliseconds
WARM = 2_000  # milliseconds of training before anything is counted

FRAMES = """seconds => new Promise((done) => {
  const at = [];
  const frame = (now) => {
    at.push(now);
    if (now - at[0] < 1000 * seconds) requestAnimationFrame(frame); else done(at);
  };
  requestAnimationFrame(frame);
})"""
# What each part does, so many times; its processor time is read before and after.
PARTS = {
    "step": "(toy, times) => { for (let k = 0; k < times; k++) toy.step(); }",
    "penalised": "(toy, times) => { toy.switches.set({ r1: true }); for (let k = 0; k < times; k++) toy.step(); }",
    "drawing": "(toy, times) => { for (let k = 0; k < times; k++) toy.drawPlanes(); }",
    "everything": "(toy, times) => { for (let k = 0; k < times; k++) toy.draw(true); }",
}
TIMES = 100


def processor_time(page: Page) -> dict[str, float]:
    """Milliseconds of the page's own thread for each part, whatever else the machine does."""
    wire = page.context.new_cdp_session(page)
    wire.send("Performance.enable", {"timeDomain": "threadTicks"})

    def used() -> float:
        metrics = wire.send("Performance.getMetrics")["metrics"]
        return 1000 * next(one["value"] for one in metrics if one["name"] == "ThreadTime")

    root = page.locator(".adversarial")
    root.evaluate("root => root.adversarial.pace.pause()")
    found = {}
    for name, work in PARTS.items():
        before = used()
        root.evaluate(f"(root, times) => ({work})(root.adversarial, times)", TIMES)
        found[name] = (used() - before) / TIMES
    return found


def watched(browser: Browser, url: str, seconds: float) -> dict[str, Any]:
    """One load."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    sent: list[object] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    page.goto(f"{url}/sharper")
    root = page.locator(".adversarial")
    root.wait_for(timeout=LIMIT)
    page.wait_for_function("root => root.adversarial.state().running", arg=root.element_handle(), timeout=LIMIT)
    page.wait_for_timeout(WARM)
    sent.clear()
    before = steps(page)
    frames = np.array(page.evaluate(FRAMES, seconds))
    made = steps(page) - before
    messages = len(sent)
    parts = processor_time(page)
    context.close()
    taken = (frames[-1] - frames[0]) / 1000
    return {
        "steps": made / taken,
        "frames": (len(frames) - 1) / taken,
        "gap": float(np.percentile(np.diff(frames), 95)),
        "messages": messages,
        **parts,
    }


def steps(page: Page) -> int:
    """How many the toy has made."""
    return int(page.locator(".adversarial").evaluate("root => root.adversarial.training.steps"))


ROWS = (
    ("steps", "steps a second", 0, min),
    ("frames", "frames a second", 1, min),
    ("gap", "between frames, p95, ms", 1, max),
    ("messages", "messages to the server", 0, max),
    ("step", "processor time of a step of both models, ms", 2, max),
    ("penalised", "the same with R1, ms", 2, max),
    ("drawing", "processor time of drawing both planes, every second frame, ms", 2, max),
    ("everything", "the same with fields and figures, ms", 2, max),
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Training in the plane in headless Chromium.")
    parser.add_argument("--seconds", type=float, default=8.0, metavar="S", help="of training for each load (8)")
    parser.add_argument("--loads", type=int, default=3, metavar="N", help="fresh tabs (3)")
    asked = parser.parse_args()
    busy = os.getloadavg()[0]
    with serve() as server, chromium() as browser:
        version = browser.version
        watched(browser, server.url, 1.0)
        loads = [watched(browser, server.url, asked.seconds) for _ in range(asked.loads)]
    print("| measured | median load | worst load |\n|---|---:|---:|")
    for name, text, digits, worst in ROWS:
        values = [one[name] for one in loads]
        print(f"| {text} | {statistics.median(values):.{digits}f} | {worst(values):.{digits}f} |")
    print(f"\n{processor()}, {os.cpu_count()} cores, Chromium {version}, load average at the start {busy:.1f}.")
    for name, text in (("steps", "steps"), ("frames", "frames")):
        value = statistics.median(one[name] for one in loads)
        print(f"- {'met' if value >= 0.98 * GOAL else 'NOT met'}: {GOAL:g} {text} a second; {value:.0f}.")
    sent = sum(one["messages"] for one in loads)
    print(f"- {'met' if sent == 0 else 'NOT met'}: nothing sent while it trains; {sent}.")


if __name__ == "__main__":
    main()
