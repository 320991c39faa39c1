"""The β dial's page on the shipped sweeps: drag, release, keys, links, a phone."""

from __future__ import annotations

import re

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
    expect(page.get_by_text("KL alone").first).to_be_visible()


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


def test_nothing_is_wider_than_a_phone(phone, app_url):
    opened(phone, f"{app_url}/beta?d=16")
    for element in ("document.scrollingElement", "document.querySelector('[data-testid=stMain]')"):
        assert phone.evaluate(f"{element}.scrollWidth") <= phone.evaluate("innerWidth") + 1
