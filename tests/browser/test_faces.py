"""Six numbers for a face in a browser: what the sliders decode to and what the encoder makes is what torch computes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Locator, Page, expect

from benchmarks.serving import serve
from tests.support.heads import RUNS, train_heads
from vae_core.datasets import load
from vae_core.run import Run
from vae_core.storage.store import Store

from .conftest import rgba
from .test_canvas import sent_frames, wait_until

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def place(shared_folder: Path, made_once: Callable[[str, Callable[[], Any]], Any]) -> Path:
    folder = shared_folder / "heads"
    made_once("heads", lambda: train_heads(folder))
    return folder


@pytest.fixture(scope="module")
def url(place: Path) -> Iterator[str]:
    with serve(environment={"VAE_STORE": str(place)}) as server:
        yield f"{server.url}/faces"


def by_torch(run: Run, z: list[float]) -> np.ndarray:
    with torch.no_grad():
        return run.model.decode(torch.tensor([z], dtype=torch.float32))[0].numpy().clip(0.0, 1.0)


def face_on(page: Page) -> Locator:
    face = page.locator(".faces")
    expect(face).to_be_visible()
    wait_until(page, lambda: face.evaluate("one => Boolean(one.face?.made)"))
    return face


def state(one: Locator, name: str) -> dict[str, Any]:
    return one.evaluate(f"one => one.{name}.state()")


def grey(canvas: Locator) -> np.ndarray:
    return rgba(canvas)[..., 0].ravel() / 255


def test_a_face_its_numbers_and_its_features(page: Page, url: str, place: Path) -> None:
    run = Store(place).load(RUNS[0].key)
    frames = sent_frames(page)
    page.goto(f"{url}?head=2&answers=found:0")
    face = face_on(page)
    wait_until(page, lambda: state(face, "face")["head"] == 2)
    shown, heads = state(face, "face"), load("heads", "validation").floats()
    assert np.allclose(shown["pixels"], heads[1], atol=1e-6)
    assert np.allclose(shown["code"], run.encode(heads[1:2])[0], atol=2e-3) and shown["z"] == shown["code"]
    page.wait_for_timeout(500)
    before = len(frames)
    slider = face.get_by_role("slider").first
    slider.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    moved = state(face, "face")
    assert sum(one != other for one, other in zip(moved["z"], shown["z"], strict=True)) == 1
    assert np.abs(grey(face.locator("canvas.decoded")) - by_torch(run, moved["z"])).max() <= 2 / 255
    wait_until(page, lambda: "z=" in page.url and "head=2" in page.url)
    link = page.url
    assert len(frames) == before  # nothing of it was told to the server

    causes = page.locator(".causes")
    causes.scroll_into_view_if_needed()
    wait_until(page, lambda: len(state(causes, "causes")["pixels"]) == 1024)
    first = state(causes, "causes")
    turn = causes.get_by_role("slider").nth(4)
    turn.focus()
    turn.press("End")
    seen = state(causes, "causes")
    assert seen["values"][4] == 22 and seen["values"][:4] == first["values"][:4]
    assert np.square(np.subtract(seen["pixels"], first["pixels"])).mean() > 1e-3
    pixels = np.array([seen["pixels"]], dtype=np.float32)
    assert np.allclose(seen["code"], run.encode(pixels)[0], atol=2e-3)
    assert np.abs(np.clip(seen["made"], 0, 1) - by_torch(run, seen["code"])).max() <= 2 / 255

    table = page.locator(".matrix")
    table.scroll_into_view_if_needed()
    cells = table.get_by_role("button")
    expect(cells).to_have_count(36)
    cells.nth(7).click()
    expect(table.locator(".told")).to_contain_text("“open mouth”")
    cells.nth(7).press("ArrowRight")
    expect(table.locator(".told")).to_contain_text("“width”")
    assert grey(table.locator(".strip canvas")).std() > 0.01

    # A teacher's screen that is back where the page begins takes those who follow there, too.
    for root, name in ((face, "face"), (causes, "causes"), (table, "matrix")):
        said = root.evaluate(f"one => {{ one.{name}.restore(one.{name}.usual()); return one.{name}.linked(); }}")
        assert not any(text and key != "order" for key, text in said.items()), (name, said)
    assert state(face, "face")["head"] == 0

    # The link, on a phone: the same numbers, and nothing sticks out.
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(link)
    again = face_on(page)
    wait_until(page, lambda: np.allclose(state(again, "face")["z"], moved["z"], atol=2e-3))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    # Numbers beyond the sliders stand at their ends, and it says so.
    page.goto(f"{url}?z=99,0,0,0,0,0")
    far = face_on(page)
    expect(far.locator(".note")).to_contain_text(re.compile("^The link has z₁.* beyond the slider's end"))
    number = next(one for one in far.evaluate("one => one.face.header.numbers") if one["index"] == 0)
    assert state(far, "face")["z"][0] == pytest.approx(number["high"], abs=1e-5)
