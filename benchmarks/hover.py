"""Touching Home's planes in headless Chromium: time per pointer move, frames, messages, and filling the planes.

Run, with Playwright installed and nothing else running on the machine::

    python benchmarks/hover.py
    python benchmarks/hover.py --moves 500 --loads 3 --json hover.json

Per load of Home in a fresh tab (both planes show the same held-out digits, and fill at the same time):

1. Both planes fill with 28 by 28 decoded digits while the page is still arriving. Measured: the canvas's own clock
   (`state().manifoldMilliseconds`, from asking for the first image to the last), its longest slice of work, the
   longest frame and long tasks while any plane fills.
2. The same for one plane of a page at rest, after a click on its zoom button.
3. The pointer moves over the first plane on a smooth curve, ``--moves`` events. Measured: the handler's time by the
   canvas's own clock (decode, nearest digit, read-out, lens), gaps between animation frames, WebSocket messages. The
   second plane follows in a frame of its own, which the frames contain and the handler's time does not.

Without a GPU all drawing is done by the processor that also runs the scripts. The browser's clock ticks in 0.1 ms.

Goals: pointer move p95 at most 1 ms, no message while hovering, a 28 by 28 manifold within 1 s, no frame longer than
50 ms while it fills, payload at most 1.5 MB.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import math
import os
import platform
import statistics
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page, WebSocket
from serving import chromium, serve
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from training import BUSY, processor

MOVE_GOAL, FILL_GOAL, FRAME_GOAL = 1.0, 1000.0, 50.0  # milliseconds
PAYLOAD_GOAL = 1.5e6  # bytes
LIMIT = 60_000  # milliseconds

# Runs before any script of the page: records every animation frame, long tasks, and when planes are first complete.
WATCH = """
(() => {
  const watch = window.watch = { frames: [], tasks: [], fills: [] };
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) watch.tasks.push([task.startTime, task.startTime + task.duration]);
  }).observe({ type: "longtask", buffered: true });
  const planes = (root = document, found = []) => {
    for (const element of root.querySelectorAll("*")) {
      if (element.latentCanvas) found.push(element.latentCanvas);
      if (element.shadowRoot) planes(element.shadowRoot, found);
    }
    return found;
  };
  // Resolves once so many planes have filled since the last call, each [began, ended, longest slice].
  watch.filled = (count, before = watch.fills.length) => new Promise((resolve) => {
    const look = () => (watch.fills.length >= before + count ? resolve() : requestAnimationFrame(look));
    look();
  });
  // The canvases note completion in their markup: look once per frame, and find them while they are not all there.
  let known = [];
  const complete = new Map();
  const frame = (now) => {
    watch.frames.push(now);
    if (known.length < 2) known = planes();
    for (const canvas of known) {
      const done = canvas.find("canvas.manifold").dataset.complete;
      if (done !== undefined && complete.get(canvas) === undefined) {
        const { manifoldMilliseconds, longestSlice } = canvas.state();
        watch.fills.push([now - manifoldMilliseconds, now, longestSlice]);
      }
      complete.set(canvas, done);
    }
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
})();
"""


class Wire:
    """Records the messages on the page's WebSocket."""

    def __init__(self, page: Page) -> None:
        self.sent: Counter[str] = Counter()
        self.payloads: list[tuple[int, int]] = []  # bytes of a component's payload, and of the message it came in
        page.on("websocket", self._listen)

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framesent", lambda data: self.sent.update([BackMsg.FromString(data).WhichOneof("type") or "?"]))
        socket.on("framereceived", self._received)

    def _received(self, data: bytes | str) -> None:
        message = ForwardMsg.FromString(data)  # type: ignore[arg-type]
        component = message.delta.new_element.bidi_component
        if message.WhichOneof("type") == "delta" and component.bytes:
            self.payloads.append((len(component.bytes), len(data)))


def fills(page: Page, since: int = 0) -> dict[str, Any]:
    """The fills recorded so far from number `since` on, and the longest frame and task during them."""
    frames, tasks, noted = page.evaluate("[watch.frames, watch.tasks, watch.fills]")
    noted = noted[since:]
    began, ended = min(fill[0] for fill in noted), max(fill[1] for fill in noted)
    gaps = [b - a for a, b in pairwise(frames) if b > began and a < ended]
    within = [end - start for start, end in tasks if end > began and start < ended]
    return {
        "milliseconds": [end - start for start, end, _ in noted],
        "longest_slice": max(fill[2] for fill in noted),
        "longest_frame": max(gaps),
        "frames_over_goal": sum(gap > FRAME_GOAL for gap in gaps),
        "longest_task": max(within, default=0.0),
    }


def load(browser: Browser, url: str, moves: int) -> dict[str, Any]:
    """The three measurements of the module's docstring, in a fresh tab."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(LIMIT)
    context.add_init_script(WATCH)
    page = context.new_page()
    wire = Wire(page)
    page.goto(url)
    page.evaluate("watch.filled(2, 0)")
    page.wait_for_timeout(1500)  # the real digits arrive, Streamlit settles
    first = fills(page)

    before = page.evaluate("watch.fills.length")
    page.locator(".latent-canvas").first.get_by_role("button", name="Zoom in").click()
    page.evaluate("before => watch.filled(1, before)", before)
    at_rest = fills(page, before)
    page.locator(".latent-canvas").first.get_by_role("button", name="Fit").click()
    page.wait_for_timeout(1500)

    hovering = hover(page, wire, moves)
    points = page.locator(".plane").first.evaluate("plane => plane.latentCanvas.classes.length")
    context.close()
    return {"first": first, "at_rest": at_rest, "hover": hovering, "points": points, "payloads": wire.payloads}


def hover(page: Page, wire: Wire, moves: int) -> dict[str, Any]:
    """Move the pointer over the first plane."""
    plane = page.locator(".plane").first
    plane.scroll_into_view_if_needed()
    box = plane.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_timeout(200)
    sent_before = wire.sent.copy()
    seen_before = len(plane.evaluate("plane => plane.latentCanvas.state().moveMilliseconds"))
    began = page.evaluate("performance.now()")
    for k in range(moves):
        u = 0.5 + 0.45 * math.sin(2 * math.pi * 3 * k / moves)
        v = 0.5 + 0.45 * math.sin(2 * math.pi * 4 * k / moves + 0.5)
        page.mouse.move(box["x"] + u * box["width"], box["y"] + v * box["height"])
    ended = page.evaluate("performance.now()")
    handled = plane.evaluate("plane => plane.latentCanvas.state().moveMilliseconds")[seen_before:]
    page.wait_for_timeout(500)  # anything that is sent late
    frames = [at for at in page.evaluate("watch.frames") if began <= at <= ended]
    gaps = np.diff(frames)
    return {
        "milliseconds": handled,
        "frames_per_second": len(gaps) / (frames[-1] - frames[0]) * 1000,
        "frame_p95": float(np.percentile(gaps, 95)),
        "frame_longest": float(gaps.max()),
        "sent": dict(wire.sent - sent_before),
        "seconds": (ended - began) / 1000,
    }


def table(loads: list[dict[str, Any]]) -> str:
    """One row per figure, in Markdown: medians over the loads, and the worst."""
    moves = np.concatenate([one["hover"]["milliseconds"] for one in loads])
    middle, high, longest = np.percentile(moves, [50, 95, 100])
    lines = ["| measured | median load | worst load |", "|---|---:|---:|"]

    def row(text: str, values: list[float], unit: str = " ms", digits: int = 1, worst: Any = max) -> None:
        lines.append(f"| {text} | {statistics.median(values):.{digits}f}{unit} | {worst(values):.{digits}f}{unit} |")

    row("pointer move handled, p50", [float(np.median(one["hover"]["milliseconds"])) for one in loads], digits=2)
    row("pointer move handled, p95", [moves_p95(one) for one in loads], digits=2)
    row("pointer move handled, longest", [max(one["hover"]["milliseconds"]) for one in loads], digits=2)
    row("frames per second while moving", [one["hover"]["frames_per_second"] for one in loads], "", worst=min)
    row("frame while moving, p95", [one["hover"]["frame_p95"] for one in loads])
    row("frame while moving, longest", [one["hover"]["frame_longest"] for one in loads])
    row("messages sent while moving", [sum(one["hover"]["sent"].values()) for one in loads], "", 0)
    for name, text in (("first", "page arriving, two planes"), ("at_rest", "page at rest, one plane")):
        row(f"28 × 28 manifold, {text}", [max(one[name]["milliseconds"]) for one in loads], digits=0)
        row("… longest slice of work", [one[name]["longest_slice"] for one in loads])
        row("… longest frame while it fills", [one[name]["longest_frame"] for one in loads])
        row("… longest task (50 ms and more)", [one[name]["longest_task"] for one in loads], digits=0)
    lines.append(f"\nAll {len(moves):,} moves: p50 {middle:.2f} ms, p95 {high:.2f} ms, longest {longest:.2f} ms.")
    return "\n".join(lines)


def moves_p95(one: dict[str, Any]) -> float:
    """Of one load, in milliseconds."""
    return float(np.percentile(one["hover"]["milliseconds"], 95))


def verdicts(loads: list[dict[str, Any]]) -> list[str]:
    """Each goal, met or not: medians over the loads for times, the worst for counts and sizes."""
    move = statistics.median(moves_p95(one) for one in loads)
    sent = sum(sum(one["hover"]["sent"].values()) for one in loads)
    fill = statistics.median(max(one["first"]["milliseconds"]) for one in loads)
    frame = statistics.median(one["first"]["longest_frame"] for one in loads)
    rest = statistics.median(one["at_rest"]["longest_frame"] for one in loads)
    size = max(payload for one in loads for payload, _ in one["payloads"])
    goals = [
        (move <= MOVE_GOAL, f"pointer move p95 at most {MOVE_GOAL:g} ms; {move:.2f} ms"),
        (sent == 0, f"no message while hovering; {sent}"),
        (fill <= FILL_GOAL, f"manifold within {FILL_GOAL:g} ms, both planes at once; {fill:.0f} ms"),
        (
            max(frame, rest) <= FRAME_GOAL,
            f"no frame over {FRAME_GOAL:g} ms while it fills; {frame:.0f} ms as the page arrives, {rest:.0f} at rest",
        ),
        (size <= PAYLOAD_GOAL, f"payload at most {PAYLOAD_GOAL / 1e6:g} MB; {size / 1e6:.2f} MB"),
    ]
    return [f"- {'met' if met else 'NOT met'}: {text}." for met, text in goals]


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Hovering over Home's planes in headless Chromium.")
    parser.add_argument("--moves", type=int, default=500, metavar="N", help="pointer events per load (500)")
    parser.add_argument("--loads", type=int, default=3, metavar="N", help="fresh tabs (3)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every measurement here")
    chosen = parser.parse_args()
    if chosen.moves < 2 or chosen.loads < 1:
        parser.error("there must be two moves and one load")
    return chosen


def main() -> None:
    """Measure and print."""
    chosen = arguments()
    machine_load = os.getloadavg()[0]
    loads = []
    with serve() as server, chromium() as browser:
        version = browser.version
        for number in range(chosen.loads + 1):
            one = load(browser, server.url, chosen.moves if number else 50)
            print(f"{f'load {number}' if number else 'warm-up'} done", file=sys.stderr, flush=True)
            if number:
                loads.append(one)

    machine: dict[str, Any] = {
        "processor": processor(), "cores": os.cpu_count(), "python": platform.python_version(), "chromium": version,
        "streamlit": importlib.metadata.version("streamlit"), "load_at_start": machine_load,
    }  # fmt: skip
    print(
        f"Home, two linked planes of {loads[0]['points']:,} points; {chosen.loads} loads after one to warm up, "
        f"{chosen.moves} pointer events each.\n"
        f"Machine: {machine['processor']}, {machine['cores']} cores, no GPU used, server beside the browser; "
        f"streamlit {machine['streamlit']}, Chromium {version}, headless.\n"
    )
    print(table(loads))
    sizes = ", ".join(f"{payload:,} ({message:,})" for payload, message in loads[0]["payloads"])
    print(f"\nPayloads in bytes, and the messages that carry them: {sizes}.\n")
    print("\n".join(verdicts(loads)))
    if machine_load > BUSY:
        print(f"- Note: the machine was busy at the start (load average {machine_load:.1f}): repeat before quoting.")
    if chosen.json:
        chosen.json.write_text(json.dumps({"machine": machine, "loads": loads}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
