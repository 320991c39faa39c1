"""From a slider to the pixels of a face: milliseconds, in a real browser, and how large what a visitor is sent is.

Moves every slider of "Six numbers for a face" from end to end, as a hand does, and every true feature, and reads how
long the page took to decode and draw each time. A moved feature is rendered, encoded and decoded, and drawn.

Run on a machine with nothing else to do::

    python -m benchmarks.face --json face.json
    python -m benchmarks.face --model vae --steps 20      # a check, not a measurement
    python -m benchmarks.face --dataset heads_64 --model vae --store DIR  # heads_64 in VAE_DATA, a run in DIR
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.serving import chromium, serve

GOAL_MS = {"heads": 4.0, "heads_64": 12.0}
GOAL_BYTES = 1_000_000
MOVE = """async ([part, steps]) => {
  const root = document.querySelector(`.${part}`) ?? [...document.querySelectorAll("*")]
    .flatMap((one) => one.shadowRoot ? [one.shadowRoot.querySelector(`.${part}`)] : []).find(Boolean);
  const one = root.face ?? root.causes;
  const inputs = [...root.querySelectorAll("input[type=range]")];
  for (const input of inputs) {
    const [low, high] = [Number(input.min), Number(input.max)];
    for (let step = 0; step <= steps; step++) {
      input.value = String(low + ((high - low) * step) / steps);
      input.dispatchEvent(new Event("input", { bubbles: true }));
      await new Promise((done) => requestAnimationFrame(done));
    }
  }
  return { milliseconds: one.timings.list(), bytes: one.header.body.size };
}"""


def measured(found: dict[str, Any]) -> dict[str, float]:
    """Median, 95th percentile and maximum of what the browser noted."""
    times = np.array(found["milliseconds"])
    return {
        "moves": len(times),
        "median_ms": float(np.median(times)),
        "p95_ms": float(np.quantile(times, 0.95)),
        "most_ms": float(times.max()),
        "bytes": int(found["bytes"]),
    }


def main() -> None:
    """Measure, print, and write JSON if asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="heads", choices=list(GOAL_MS), help="as in the page's link")
    parser.add_argument("--model", default="tc", help="as in the page's link")
    parser.add_argument("--steps", type=int, default=100, help="of each slider, from end to end")
    parser.add_argument("--store", type=Path, help="folder of the runs; left out, the shipped ones")
    parser.add_argument("--json", type=Path, help="write the figures here")
    asked = parser.parse_args()
    environment = {"VAE_STORE": str(asked.store.resolve())} if asked.store else {}
    with serve(environment=environment) as server, chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"{server.url}/faces?dataset={asked.dataset}&model={asked.model}", timeout=120_000)
        page.locator(".faces").wait_for(state="visible", timeout=120_000)
        page.locator(".causes").wait_for(state="visible", timeout=120_000)
        page.wait_for_timeout(3_000)  # strips and courses are drawn
        figures = {part: measured(page.evaluate(MOVE, [part, asked.steps])) for part in ("faces", "causes")}
        page.close()
    for part, found in figures.items():
        print(
            f"{part}: {found['moves']} moves, median {found['median_ms']:.2f} ms, p95 {found['p95_ms']:.2f} ms, most "
            f"{found['most_ms']:.2f} ms; {found['bytes']:,} bytes"
        )
    goal = GOAL_MS[asked.dataset]
    reached = figures["faces"]["p95_ms"] <= goal and figures["faces"]["bytes"] <= GOAL_BYTES
    print(f"goal ({goal:g} ms, {GOAL_BYTES:,} bytes): {'reached' if reached else 'not reached'}")
    if asked.json:
        asked.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
