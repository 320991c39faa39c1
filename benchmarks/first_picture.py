"""From a preset's click on Train your own to the first picture of its film, and to its first epoch, in a browser.

Run, with Playwright installed::

    python benchmarks/first_picture.py
    python benchmarks/first_picture.py --rounds 5 --json first.json

Per round a fresh store, a fresh server and a fresh tab: the page is opened and read until the server has a training
process ready, which takes four seconds or, on a busy machine, ten; then the first preset is clicked. Measured by the
browser's clock, from the click:

1. the first picture: the untrained network's, held-out codes over what the plane decodes to;
2. the first epoch: the same after it.

Also when the training process wrote the first record, by the file's time: the rest is the page's.

Goal: the first picture within 2 s, median.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser
from serving import chromium, serve
from training import processor

GOAL = 2.0  # seconds
LIMIT = 90_000  # milliseconds
SETTLED = 1.0  # seconds between a process being ready and the click

# Looks once per frame for a film that has drawn; keeps when each epoch was first seen.
WATCH = """
(() => {
  const seen = window.seen = {};
  const films = (root, found = []) => {
    for (const element of root.querySelectorAll("*")) {
      if (element.trainingFilm?.header) found.push(element.trainingFilm);
      if (element.shadowRoot) films(element.shadowRoot, found);
    }
    return found;
  };
  document.addEventListener("click", () => { seen.click ??= performance.timeOrigin + performance.now(); }, true);
  const frame = () => {
    if (seen.click) {
      for (const { header, plane, decoded } of films(document)) {
        const epoch = header.frames.at(-1);
        if (epoch === undefined) continue; // the empty stage
        if (plane.width > 0 && decoded.bitmaps.get(epoch)) seen[epoch] ??= performance.timeOrigin + performance.now();
      }
    }
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
})();
"""


def wait_for_process(server: int) -> None:
    """Until a child of the server waits at its pipe."""
    end = time.time() + LIMIT / 1000
    while time.time() < end:
        children = Path(f"/proc/{server}/task").glob("*/children")
        for child in {one for path in children for one in path.read_text().split()}:
            with suppress(FileNotFoundError):
                if "pipe_read" in Path(f"/proc/{child}/wchan").read_text():
                    return
        time.sleep(0.05)
    raise TimeoutError("no process waits for a run to train")


def first_record(store: Path, after: float) -> float | None:
    """When the training process first wrote a record; waits for it."""
    while time.time() < after + LIMIT / 1000:
        for path in (store / ".partial").glob("*.safetensors"):
            return path.stat().st_mtime
        time.sleep(0.01)
    return None


def one_round(browser: Browser) -> dict[str, float]:
    """Seconds from the click."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "runs"
        with serve(environment={"VAE_STORE": str(store)}) as server:
            context = browser.new_context(viewport={"width": 1280, "height": 900})
            context.set_default_timeout(LIMIT)
            context.add_init_script(WATCH)
            page = context.new_page()
            page.goto(f"{server.url}/train")
            preset = page.get_by_role("button", name="Digits").first
            preset.wait_for()
            wait_for_process(server.process.pid)
            page.wait_for_timeout(SETTLED * 1000)
            preset.click()
            written = first_record(store, time.time())
            page.wait_for_function("Object.keys(seen).some((name) => Number(name) > 0)")
            seen = page.evaluate("seen")
            context.close()
    click = seen.pop("click") / 1000
    epochs = {int(epoch): at / 1000 - click for epoch, at in seen.items()}
    return {
        "record": (written or float("nan")) - click,
        "picture": min(epochs.values()),
        "untrained": epochs.get(0, float("nan")),
        "epoch": min(at for epoch, at in epochs.items() if epoch > 0),
    }


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="From the click to the first picture of a training film.")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="fresh servers (5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every measurement here")
    return parser.parse_args()


def main() -> None:
    """Measure and print."""
    chosen = arguments()
    load, rounds = os.getloadavg()[0], []
    with chromium() as browser:
        for number in range(chosen.rounds):
            rounds.append(one_round(browser))
            print(f"round {number + 1}: {rounds[-1]}", file=sys.stderr, flush=True)
    print("| from the click to … | median | least to most |\n|---|---:|---:|")
    texts = {
        "record": "its process has written the first record",
        "picture": "the first picture",
        "epoch": "the picture after an epoch",
    }
    for name, text in texts.items():
        values = [one[name] for one in rounds]
        print(f"| {text} | {statistics.median(values):.2f} s | {min(values):.2f} to {max(values):.2f} |")
    middle = statistics.median(one["picture"] for one in rounds)
    print(f"\n- {'met' if middle <= GOAL else 'NOT met'}: the first picture within {GOAL:g} s; {middle:.2f} s.")
    machine: dict[str, Any] = {
        "processor": processor(), "cores": os.cpu_count(), "load_at_start": load, "load_at_end": os.getloadavg()[0],
    }  # fmt: skip
    print(f"\n{machine}")
    if chosen.json:
        chosen.json.write_text(json.dumps({"machine": machine, "rounds": rounds}, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
