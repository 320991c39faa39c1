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
    # But the code of a held-out head may lie beyond its slider: a link to it shows that code, and not the slider's end.
    kept = far.evaluate("""one => {
      const { face } = one, [row] = face.rows;
      face.showHead(2);
      const code = [...face.z];
      row.number.high = code[row.number.index] - 0.1;
      face.restore({ head: 2, z: code.map((value) => Number(value.toPrecision(4))) });
      const beyond = code.map((value, index) => value + (index === row.number.index ? 5 : 0));
      const same = [...face.z].every((value, index) => value === code[index]);
      const told = one.querySelector(".note").textContent;
      face.restore({ head: 2, z: beyond });
      return { same, told, most: face.z[row.number.index] === code[row.number.index] };
    }""")
    assert kept["same"] and kept["most"] and kept["told"].startswith("The code of this head has z")


def mse(one: Any, other: Any) -> float:
    return float(np.square(np.subtract(one, other)).mean())


def test_walks_and_analogies_are_what_the_run_decodes(page: Page, url: str, place: Path) -> None:
    run, values = Store(place).load(RUNS[0].key), load("heads", "validation").factor_values
    assert values is not None
    frames = sent_frames(page)
    page.goto(f"{url}?walk=3-5&t=0.25&analogy=2-4-6")
    walk = page.locator(".between")
    expect(walk).to_be_visible(timeout=180_000)  # all above it is measured first
    walk.scroll_into_view_if_needed()
    wait_until(page, lambda: len(state(walk, "walk")["true"]) == 1024)
    seen = state(walk, "walk")
    assert seen["ends"] == [3, 5] and seen["t"] == 0.25
    first, second = np.array(seen["codes"])
    assert np.abs(np.clip(seen["decoded"], 0, 1) - by_torch(run, list(0.75 * first + 0.25 * second))).max() <= 2 / 255
    # Where a code is halfway, so are the features of the head beside it: the same renderer draws it.
    drawn = walk.evaluate("(one, at) => Array.from(one.walk.drawn(at))", (0.75 * values[2] + 0.25 * values[4]).tolist())
    assert mse(drawn, seen["true"]) < 1e-4
    expect(walk.locator(".error-of-code")).to_contain_text(f"{mse(seen['decoded'], seen['true']):.4f}")
    expect(walk.locator(".error-of-fade")).to_contain_text(f"{mse(seen['faded'], seen['true']):.4f}")
    expect(walk.locator(".over")).to_contain_text("Halfway from each of the 24 heads")
    found = np.array(state(walk, "walk")["found"])
    assert found.shape == (24, 2)
    expect(walk.locator(".over")).to_contain_text(f"{int((found[:, 0] < found[:, 1]).sum())} of 24")
    before = len(frames)
    walk.get_by_role("slider").press("End")
    assert state(walk, "walk")["t"] == 1 and mse(state(walk, "walk")["faded"], state(walk, "walk")["true"]) == 0
    walk.get_by_role("button", name="Another second head").click()
    wait_until(page, lambda: "walk=3-6" in page.url and "t=1" in page.url)

    analogy = page.locator(".analogy")
    analogy.scroll_into_view_if_needed()
    wait_until(page, lambda: len(state(analogy, "analogy")["pictures"]["true"]) == 1024)
    solved = state(analogy, "analogy")
    assert solved["feature"] == 2 and (solved["heads"][0], solved["heads"][2]) == (4, 6)
    pictures = {name: np.array([pixels], dtype=np.float32) for name, pixels in solved["pictures"].items()}
    a, b, c = (run.encode(pictures[name])[0] for name in "abc")
    assert np.allclose(solved["code"], c + b - a, atol=5e-3)
    assert np.abs(pictures["answer"].clip(0, 1)[0] - by_torch(run, solved["code"])).max() <= 2 / 255
    # B and the true answer have as much more of the feature, and lie within what the renderer draws.
    moved = solved["by"]
    assert 0 <= values[3, 1] + moved <= 1 and 0 <= values[5, 1] + moved <= 1 and abs(moved) > 0
    for number, name in ((3, "b"), (5, "true")):
        wanted = values[number].tolist()
        wanted[1] += moved
        drawn = analogy.evaluate("(one, at) => Array.from(one.analogy.drawn(at))", wanted)
        assert mse(drawn, pictures[name]) < 1e-4
    for name, pixels in (("answer", pictures["answer"]), ("unchanged", run.decode(c[None]))):
        assert float(analogy.locator(f".error-{name}").inner_text()) == pytest.approx(
            mse(pixels, pictures["true"]), abs=2e-4
        )
    expect(analogy.locator(".over")).to_contain_text("With each of the other 23 heads as C")
    analogy.get_by_role("combobox").select_option("turn")
    assert state(analogy, "analogy")["feature"] == 5
    slider = analogy.get_by_role("slider")
    slider.press("ArrowRight")
    slider.press("ArrowLeft")
    wait_until(page, lambda: "analogy=5-4-6" in page.url and "more=" in page.url)
    assert len(frames) == before  # nothing of it was told to the server
    for root, name in ((walk, "walk"), (analogy, "analogy")):
        said = root.evaluate(f"one => {{ one.{name}.restore(one.{name}.usual()); return one.{name}.linked(); }}")
        assert not any(said.values()), (name, said)
    # Heads that are not there are said, on a phone, too; and nothing sticks out.
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{url}?walk=2-99&analogy=9-30-2&factors=9,0,0,40,0,0")
    expect(page.locator(".between .note")).to_contain_text("beyond the last, head 24")
    expect(page.locator(".analogy .note")).to_contain_text("beyond the last, head 24")
    expect(page.locator(".causes .note")).to_contain_text("The link has smile beyond the slider's end")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
