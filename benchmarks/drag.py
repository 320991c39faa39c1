"""Dragging the β dial, drawing on both digit pads, painting codes, in headless Chromium: time per move, messages.

Run, with Playwright installed and nothing else running on the machine::

    python benchmarks/drag.py
    python benchmarks/drag.py --moves 400 --loads 3

Per load, each in a fresh tab:

1. ``/beta``: the slider is dragged from one end to the other and back, ``--moves`` pointer events. Measured: the
   handler's time by the component's own clock (5,000 points, decoder, samples and reconstructions of a position), the
   messages sent before the release, and the bytes received before the first position was on screen and in the end.
2. ``/inside``: strokes on the digit pad, ``--moves`` pointer events. Measured: the handler's time (brush, centring,
   encoder, decoder, both terms of the loss, all drawn), and the messages sent.
3. ``/codes``: the same on its digit pad (encoder, nearest entries, decoder, all drawn), and cells of the grid painted
   in rows, as many. Measured: the time for one painted code (the decoder, all drawn), and the messages sent. The prior
   writes images of 49 cells, a twentieth as many.

Goals: a position of the dial p95 at most 16 ms; the first one after at most 1.5 MB, the sweep at most 8 MB; an update
under either pen p95 at most 8 ms; a painted code p95 at most 4 ms; a written image p95 at most 150 ms; no message.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import sys
from typing import Any

import numpy as np
from hover import LIMIT, Wire
from playwright.sync_api import Browser, Page
from serving import chromium, serve
from training import BUSY, processor

DIAL_GOAL, PEN_GOAL, PAINT_GOAL = 16.0, 8.0, 4.0  # milliseconds
WRITE_GOAL = 150.0  # milliseconds, of a whole image
FIRST_GOAL, SWEEP_GOAL = 1.5e6, 8e6  # bytes


def fresh(browser: Browser, url: str) -> tuple[Page, Wire]:
    """Open a page in a fresh tab."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(LIMIT)
    page = context.new_page()
    wire = Wire(page)
    page.goto(url)
    return page, wire


def dial(browser: Browser, url: str, moves: int) -> dict[str, Any]:
    """Drag the β dial to both ends."""
    page, wire = fresh(browser, f"{url}/beta")
    root = page.locator(".beta-dial")
    root.wait_for()
    element = root.element_handle()
    page.wait_for_function("root => root.betaDial.gallery?.shown?.complete", arg=element)
    first = sum(message for _, message in wire.payloads[:2])
    page.wait_for_function(
        "root => { const d = root.betaDial; return d.reach[1] - d.reach[0] === d.header.stops.length - 1; }",
        arg=element,
    )
    sweep = sum(message for _, message in wire.payloads[:4])
    page.wait_for_timeout(2500)
    box = root.locator("input").bounding_box()
    assert box is not None
    x, y, reach = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, box["width"] / 2 - 11
    start = root.evaluate("root => root.betaDial.state().position / (root.betaDial.header.stops.length - 1)")
    page.mouse.move(box["x"] + 11 + start * (box["width"] - 22), y)
    page.mouse.down()
    seen = len(root.evaluate("root => root.betaDial.state().moveMilliseconds"))
    before = wire.sent.copy()
    for k in range(moves):
        page.mouse.move(x + reach * math.cos(2 * math.pi * 2 * k / moves), y)
    handled = root.evaluate("root => root.betaDial.state().moveMilliseconds")[seen:]
    sent = sum((wire.sent - before).values())
    page.mouse.up()
    page.context.close()
    return {"milliseconds": handled, "sent": sent, "first": first, "sweep": sweep}


def pen(browser: Browser, url: str, moves: int, name: str) -> dict[str, Any]:
    """Draw loops on the digit pad of a page of this name, whose component has it too."""
    page, wire = fresh(browser, f"{url}/{name}")
    root = page.locator(f".component.{name}")
    root.wait_for()
    page.wait_for_timeout(2500)
    root.get_by_role("button", name="Clear", exact=True).click()
    pad = root.locator(".pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box is not None
    times = f"root => root.{name}.state().moveMilliseconds"
    seen = len(root.evaluate(times))
    before = wire.sent.copy()
    for k in range(moves):
        turn = 2 * math.pi * 3 * k / moves
        u, v = 0.5 + 0.25 * math.sin(turn), 0.5 + 0.3 * math.cos(turn / 2)
        page.mouse.move(box["x"] + u * box["width"], box["y"] + v * box["height"])
        if k == 0:
            page.mouse.down()
    handled = root.evaluate(times)[seen:]
    page.mouse.up()
    page.wait_for_timeout(500)
    sent = sum((wire.sent - before).values())
    page.context.close()
    return {"milliseconds": handled, "sent": sent}


def paint(browser: Browser, url: str, moves: int) -> dict[str, Any]:
    """Paint the grid row by row, with another entry each time that it is full."""
    page, wire = fresh(browser, f"{url}/codes")
    root = page.locator(".component.paint")
    root.wait_for()
    page.wait_for_timeout(2500)
    root.scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    grid = root.locator(".grid")
    box, side = grid.bounding_box(), grid.evaluate("grid => grid.querySelector('[role=row]').children.length")
    assert box is not None
    before = wire.sent.copy()
    for entry in range(-(-moves // side**2)):
        root.get_by_role("radio", name=f"Entry {entry}", exact=True).click()
        page.mouse.move(box["x"] + 4, box["y"] + 4)
        page.mouse.down()
        for cell in range(min(side**2, moves - entry * side**2)):
            u, v = (cell % side + 0.5) / side, (cell // side + 0.5) / side
            page.mouse.move(box["x"] + u * box["width"], box["y"] + v * box["height"])
        page.mouse.up()
    handled = root.evaluate("root => root.panel.state().moveMilliseconds")
    sent = sum((wire.sent - before).values())
    page.context.close()
    return {"milliseconds": handled, "sent": sent}


def write(browser: Browser, url: str, images: int) -> dict[str, Any]:
    """Let the prior write images, all 49 cells each."""
    page, wire = fresh(browser, f"{url}/codes")
    root = page.locator(".component.writer")
    root.wait_for()
    page.wait_for_timeout(2500)
    root.scroll_into_view_if_needed()
    before = wire.sent.copy()
    for _ in range(images):
        root.get_by_role("button", name="New image").click()
    handled = root.evaluate("root => root.writer.state().writeMilliseconds")[1:]  # not that of the opening
    page.wait_for_timeout(500)
    sent = sum((wire.sent - before).values())
    page.context.close()
    return {"milliseconds": handled, "sent": sent}


def row(text: str, values: list[float], unit: str = " ms", digits: int = 1) -> str:
    """A line of the table: median over the loads, and the worst."""
    return f"| {text} | {statistics.median(values):.{digits}f}{unit} | {max(values):.{digits}f}{unit} |"


def p(share: float, loads: list[dict[str, Any]]) -> list[float]:
    """A percentile of every load's times."""
    return [float(np.percentile(one["milliseconds"], share)) for one in loads]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Dragging the β dial, drawing and painting.")
    parser.add_argument("--moves", type=int, default=400, metavar="N", help="pointer events per load (400)")
    parser.add_argument("--loads", type=int, default=3, metavar="N", help="fresh tabs of each page (3)")
    chosen = parser.parse_args()
    if chosen.moves < 10 or chosen.loads < 1:
        parser.error("there must be ten moves and one load")
    machine_load = os.getloadavg()[0]
    with serve() as server, chromium() as browser:
        version = browser.version
        dials: list[dict[str, Any]] = []
        pens: list[dict[str, Any]] = []
        code_pens: list[dict[str, Any]] = []
        paints: list[dict[str, Any]] = []
        written: list[dict[str, Any]] = []
        for number in range(chosen.loads + 1):  # the first warms up
            made = (
                (dials, dial(browser, server.url, chosen.moves)),
                (pens, pen(browser, server.url, chosen.moves, "inside")),
                (code_pens, pen(browser, server.url, chosen.moves, "codes")),
                (paints, paint(browser, server.url, chosen.moves)),
                (written, write(browser, server.url, max(10, chosen.moves // 20))),
            )
            print(f"{f'load {number}' if number else 'warm-up'} done", file=sys.stderr, flush=True)
            if number:
                for loads, one in made:
                    loads.append(one)
    counts = f"{len(dials[0]['milliseconds'])} positions, {len(pens[0]['milliseconds'])} updates in the first load"
    print(f"{chosen.loads} loads after one to warm up, {chosen.moves} pointer events each; {counts}.")
    print(f"Machine: {processor()}, {os.cpu_count()} cores, no GPU used, Chromium {version}, headless.\n")
    print("| measured | median load | worst load |\n|---|---:|---:|")
    named = {"β dial, one position": dials, "digit pad, one update": pens}
    named |= {"digit pad of the codes, one update": code_pens, "one painted code": paints, "one written image": written}
    for text, loads in named.items():
        print(row(f"{text}, p50", p(50, loads)), row(f"{text}, p95", p(95, loads)), sep="\n")
        print(row(f"{text}, longest", p(100, loads)))
        print(row("messages sent meanwhile", [one["sent"] for one in loads], "", 0))
    print(row("β dial: arrived before the first position", [one["first"] / 1e6 for one in dials], " MB", 2))
    print(row("β dial: the whole sweep", [one["sweep"] / 1e6 for one in dials], " MB", 2))
    goals = [
        (statistics.median(p(95, dials)) <= DIAL_GOAL, f"a position of the dial p95 at most {DIAL_GOAL:g} ms"),
        (max(one["first"] for one in dials) <= FIRST_GOAL, f"first position after {FIRST_GOAL / 1e6:g} MB"),
        (max(one["sweep"] for one in dials) <= SWEEP_GOAL, f"the sweep in {SWEEP_GOAL / 1e6:g} MB"),
        (statistics.median(p(95, pens)) <= PEN_GOAL, f"an update under the pen p95 at most {PEN_GOAL:g} ms"),
        (statistics.median(p(95, code_pens)) <= PEN_GOAL, f"the codes under the pen p95 at most {PEN_GOAL:g} ms"),
        (statistics.median(p(95, paints)) <= PAINT_GOAL, f"a painted code p95 at most {PAINT_GOAL:g} ms"),
        (statistics.median(p(95, written)) <= WRITE_GOAL, f"a written image p95 at most {WRITE_GOAL:g} ms"),
        (not any(one["sent"] for loads in named.values() for one in loads), "no message while dragging and drawing"),
    ]
    print("", *[f"- {'met' if met else 'NOT met'}: {text}." for met, text in goals], sep="\n")
    if machine_load > BUSY:
        print(f"- Note: the machine was busy at the start (load average {machine_load:.1f}): repeat before quoting.")


if __name__ == "__main__":
    main()
