"""The β dial's page on the shipped sweeps: drag, release, keys, links, a phone."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pytest
import torch
from playwright.sync_api import Locator, Page, expect

from ui.chapters.beta.sweep import labels_of, stops_of
from vae_core.payloads.sweep import PINNED, SAMPLES
from vae_core.storage.manifest import SHIPPED
from vae_core.storage.store import Store

from .test_dial import ALLOWED, drawn, go, sent_frames, state, tiles, wait

pytestmark = pytest.mark.browser


def opened(page: Page, url: str) -> Locator:
    """The dial, all stops there and the shown one drawn."""
    page.goto(url)
    root = page.locator(".beta-dial")
    expect(root).to_be_visible()
    expect(page.get_by_text("Sources", exact=True)).to_be_attached()
    wait(page, root, "dial.reach?.[1] - dial.reach?.[0] === dial.header.stops.length - 1")
    drawn(page, root)
    page.wait_for_timeout(500)
    return root


@pytest.mark.parametrize("d", [2, 16])
def test_three_stops_decode_as_torch_does(page, app_url, d):
    root = opened(page, f"{app_url}/beta?d={d}")
    labels = labels_of(d)
    for label in ("0", "1", "16"):
        place = labels.index(label)
        go(page, root, place)
        run = Store(SHIPPED).load(stops_of(d)[place].key)
        codes = run.codes.mean[list(PINNED)]
        with torch.no_grad():
            expected = run.likelihood.expected_pixels(run.model.decode(torch.from_numpy(codes))).numpy()
        assert np.abs(tiles(root.locator("canvas.rebuilt"), len(PINNED), 28) - expected).max() <= ALLOWED
        assert tiles(root.locator("canvas.samples"), SAMPLES, 28).shape == (SAMPLES, 784)


def test_dragging_from_end_to_end_tells_the_server_once_on_release(page, app_url):
    frames = sent_frames(page)
    root = opened(page, f"{app_url}/beta")
    go(page, root, 0)
    page.wait_for_timeout(1000)
    box, size, stops = root.locator("input").bounding_box(), 22, len(labels_of(2))
    y, before, seen = box["y"] + box["height"] / 2, len(frames), set()
    places = [box["x"] + size / 2 + share * (box["width"] - size) for share in np.linspace(0, 1, 45)]
    page.mouse.move(places[0], y)
    page.mouse.down()
    for x in places[1:]:
        page.mouse.move(x, y)
        seen.add(root.evaluate("root => root.betaDial.nearest"))
    assert len(frames) == before
    assert seen == set(range(stops))
    page.mouse.up()
    page.wait_for_url(re.compile(r"[?&]beta=KL"))
    assert len(frames) == before + 1
    expect(root.locator(".place b")).to_have_text("KL only")


def test_keys_go_from_stop_to_stop_and_the_link_restores_the_last(page, app_url):
    root = opened(page, f"{app_url}/beta?d=16&beta=4")
    assert state(root)["position"] == labels_of(16).index("4")
    root.locator("input").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_url(re.compile(r"[?&]beta=16"))
    page.reload()
    root = page.locator(".beta-dial")
    expect(root).to_be_visible()
    assert state(root)["position"] == labels_of(16).index("16")


PARTS = (
    ".control",
    ".plane",
    ".readout",
    ".losses",
    ".dimensions",
    ".measures",
    ".touch .pictures",
    ".panel .pictures",
)


def seen(root: Locator, *parts: str) -> list[str]:
    """Of the dial's parts, those that are not whole between the bar of the menu and the end of the window."""
    return root.evaluate(
        """(root, parts) => {
          const bar = document.querySelector("[data-testid=stHeader]")?.getBoundingClientRect().bottom ?? 0;
          const boxes = parts.map((part) => [part, root.querySelector(part).getBoundingClientRect()]);
          const inside = (box) => box.top >= bar - 1 && box.bottom <= innerHeight && box.right <= innerWidth;
          const whole = (box) => box.height > 0 && inside(box);
          return boxes.filter(([, box]) => !whole(box)).map(([part]) => part);
        }""",
        list(parts),
    )


@pytest.mark.parametrize(
    ("width", "height", "query"),
    [(1440, 900, "d=2"), (1280, 720, "d=16"), (1280, 720, "d=2&present=1"), (1440, 900, "d=16&present=1")],
)
def test_the_dial_is_whole_in_the_window_wherever_it_stands(page, app_url, width, height, query):
    page.set_viewport_size({"width": width, "height": height})
    root = opened(page, f"{app_url}/beta?{query}")
    assert seen(root, *PARTS) == []
    for label in ("0", "100"):
        go(page, root, labels_of(int(query[2:].partition("&")[0])).index(label))
        assert seen(root, *PARTS) == []


def test_on_a_phone_the_slider_stays_while_a_finger_on_the_plane_scrolls_the_page(phone, app_url):
    root = opened(phone, f"{app_url}/beta")
    main = phone.get_by_test_id("stMain")
    root.evaluate("root => root.scrollIntoView()")
    main.evaluate("main => main.scrollBy(0, -64)")  # from under the bar
    phone.wait_for_timeout(300)
    assert seen(root, ".control", ".plane", ".readout") == []
    box, before = root.locator(".plane").bounding_box(), main.evaluate("main => main.scrollTop")
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] - 40
    wire = phone.context.new_cdp_session(phone)
    wire.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, 13):
        wire.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x, "y": y - 20 * step}]})
        phone.wait_for_timeout(20)
    wire.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    phone.wait_for_timeout(500)
    assert main.evaluate("main => main.scrollTop") > before + 150
    assert seen(root, ".control", ".losses") == []


def test_nothing_is_wider_than_a_phone(phone, app_url):
    opened(phone, f"{app_url}/beta?d=16")
    for element in ("document.scrollingElement", "document.querySelector('[data-testid=stMain]')"):
        assert phone.evaluate(f"{element}.scrollWidth") <= phone.evaluate("innerWidth") + 1


def numbers_in_sight(root: Locator) -> list[tuple[str, float, float]]:
    """The numbers under the bars of the dimensions that are seen: each with its left and its right edge."""
    return root.evaluate(
        """root => [...root.querySelectorAll(".dimensions .chart span")]
          .filter((number) => getComputedStyle(number).visibility === "visible")
          .map((number) => {
            const box = number.getBoundingClientRect();
            return [number.textContent, box.left, box.right];
          })"""
    )


@pytest.mark.parametrize(("width", "shown"), [(390, 1), (1440, 16)])
def test_numbers_under_the_bars_never_stand_on_one_another_and_the_largest_is_always_there(page, app_url, width, shown):
    page.set_viewport_size({"width": width, "height": 844})
    root = opened(page, f"{app_url}/beta?d=16")
    for label in ("0", "1"):
        place = labels_of(16).index(label)
        go(page, root, place)
        numbers = numbers_in_sight(root)
        assert len(numbers) == shown
        assert all(one[2] <= other[1] for one, other in pairwise(numbers))
        largest = max(stops_of(16)[place].metrics["test"]["kl_per_dimension"])
        assert float(numbers[0][0]) == pytest.approx(largest, abs=0.5)
