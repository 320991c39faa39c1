"""The latent line as a visitor uses it: slide, keys, film, touch, rerun. A small Streamlit script serves one."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from playwright.sync_api import Locator, Page, expect

from vae_core.datasets import load
from vae_core.execution import Execution
from vae_core.payloads.plane import line_payload
from vae_core.run import Run
from vae_core.spec import RunSpec
from vae_core.storage.store import Store
from vae_core.training.jobs import get_or_train

from .conftest import Stage, Standing, rgba

FLOAT32 = Execution(precision="float32")  # the same numbers on every processor

pytestmark = pytest.mark.browser

COUNT = 12
APP = """
import json
from pathlib import Path

import streamlit as st

from ui.components.line import latent_line
from vae_core.payloads.plane import Payload

content = Path(__file__).with_name("payload").read_bytes()
size = 4 + int.from_bytes(content[:4], "little")
header, body = json.loads(content[4:size]), content[size:]
latent_line(Payload(header, body), key="line")
st.button("Run again")
"""


class Line(NamedTuple):
    """A served line and what it was made of."""

    url: str
    run: Run
    images: np.ndarray
    labels: list[str]

    def decoded(self, z: float) -> np.ndarray:
        """Expected pixels at z by torch."""
        with torch.no_grad():
            return self.run.likelihood.expected_pixels(self.run.model.decode(torch.tensor([[float(z)]])))[0].numpy()


@pytest.fixture(scope="module")
def line(stage: Stage, shared_folder: Path) -> Line:
    url, folder = stage.put_on("line", APP)
    spec = RunSpec("digits", "vae", latent_dim=1, hidden=(16,), epochs=2)
    run = get_or_train(Store(shared_folder / "line"), spec, execution=FLOAT32)
    known = load("digits", "validation")
    images, labels = known.images[:COUNT], [f"digit {label}" for label in known.labels[:COUNT]]
    payload = line_payload(run, images, labels, title="A line", options={"z": 3.4})
    (folder / "payload").write_bytes(payload.to_bytes())
    return Line(url, run, images, labels)


def opened(page: Page, line: Line) -> Locator:
    """The line on a new page, its film drawn."""
    page.goto(line.url)
    return drawn_on(page)


def standing_line(standing: Standing, line: Line, z: float) -> Locator:
    """The line on the page of the test before, moved to z."""
    root = drawn_on(standing(line.url))
    slide_to(root, z)
    return root


def drawn_on(page: Page) -> Locator:
    root = page.locator(".latent-line")
    expect(root).to_be_visible()
    film_drawn(page, root)
    return root


def film_drawn(page: Page, root: Locator) -> None:
    page.wait_for_function("root => !root.latentLine.drawing", arg=root.element_handle())


def grey(canvas: Locator) -> np.ndarray:
    """Grey values 0 to 255 of a picture on screen, at its own resolution."""
    return rgba(canvas)[..., 0].ravel().astype(int)


def z_told(root: Locator) -> float:
    """The place in the read-out, which is always told with two digits."""
    return float(re.fullmatch(r"z = (\d+\.\d\d)", root.locator(".decoded figcaption").inner_text()).group(1))


def slide_to(root: Locator, z: float) -> None:
    root.locator("input").fill(str(z))


def film_z(root: Locator) -> list[float]:
    return root.evaluate("root => [...root.latentLine.frames.values()].map((frame) => frame.z)")


def test_the_picture_at_every_place_is_what_torch_decodes_and_the_server_hears_nothing(page, line):
    frames: list = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: frames.append(frame)))
    root = opened(page, line)
    page.wait_for_timeout(500)
    before, seen = len(frames), []
    for z in (0.0, 0.37, 2.5, 7.93, 11.0):
        slide_to(root, z)
        assert z_told(root) == z
        seen.append(grey(root.locator(".decoded canvas")))
        assert np.abs(seen[-1] / 255 - line.decoded(z)).max() <= 1.5 / 255
    assert min(np.abs(one - other).max() for one, other in pairwise(seen)) > 3
    root.locator(".film figure").nth(9).hover()
    page.keyboard.press("Tab")
    page.wait_for_timeout(500)
    assert len(frames) == before


def test_a_line_starts_where_its_options_say(page, line):
    assert z_told(opened(page, line)) == 3.4


@pytest.mark.parametrize(
    "z, below, met", [(3.4, 3, None), (0.0, 0, "below"), (5.0, 5, "below"), (10.99, 10, None), (11.0, 10, "above")]
)
def test_the_images_known_on_either_side_stand_beside_it(standing, line, z, below, met):
    root = standing_line(standing, line, z)
    for side, index in (("below", below), ("above", below + 1)):
        figure = root.locator(f".readout .{side}")
        assert np.array_equal(grey(figure.locator("canvas")), line.images[index].ravel())
        expect(figure.locator("figcaption")).to_have_text(f"known at z = {index}{line.labels[index]}")
        assert ("met" in figure.get_attribute("class").split()) is (side == met)
    expect(root.locator("input")).to_have_attribute(
        "aria-valuetext",
        f"z = {z:.2f}, between {below}: {line.labels[below]} and {below + 1}: {line.labels[below + 1]}",
    )


def test_the_keyboard_walks(standing, line):
    root, page = standing_line(standing, line, 3.4), standing(line.url)
    slider = root.get_by_role("slider", name="Place z on the latent line")
    slider.focus()
    for key, z in (
        ("ArrowRight", 3.45), ("Shift+ArrowUp", 3.46), ("ArrowLeft", 3.41), ("Shift+ArrowDown", 3.4), ("PageUp", 4.0),
        ("PageUp", 5.0), ("ArrowDown", 4.95), ("PageDown", 4.0), ("PageDown", 3.0), ("Home", 0.0), ("ArrowLeft", 0.0),
        ("End", 11.0), ("PageUp", 11.0),
    ):  # fmt: skip
        page.keyboard.press(key)
        assert z_told(root) == z
        assert float(slider.input_value()) == z
    assert np.abs(grey(root.locator(".decoded canvas")) / 255 - line.decoded(11.0)).max() <= 1.5 / 255


def test_the_film_shows_six_whole_numbers_and_what_lies_between(page, line):
    root = opened(page, line)
    places = film_z(root)
    assert places == pytest.approx(np.arange(25) / 4)
    captions = root.locator(".film figcaption").all_inner_texts()
    assert captions == [f"{z:g}" if z == int(z) else "" for z in places]
    for number in (0, 7, 24):
        shown = grey(root.locator(".film canvas").nth(number)) / 255
        assert np.abs(shown - line.decoded(places[number])).max() <= 1.5 / 255


def test_the_film_follows_the_slider_and_keeps_what_it_has_drawn(page, line):
    root = opened(page, line)
    root.evaluate("root => { root.kept = root.latentLine.frames.get(20).box; }")
    slide_to(root, 7.0)
    film_drawn(page, root)
    places = film_z(root)
    assert places == pytest.approx(np.arange(12, 37) / 4)  # 3 to 9: 7 is at the end of the middle third
    assert root.evaluate("root => root.latentLine.frames.get(20).box === root.kept")
    shown = grey(root.locator(".film canvas").nth(24)) / 255
    assert np.abs(shown - line.decoded(9.0)).max() <= 1.5 / 255
    slide_to(root, 11.0)
    assert film_z(root)[-1] == 11.0
    slide_to(root, 0.0)
    assert film_z(root)[0] == 0.0


def test_hovering_over_the_film_goes_there_and_the_film_stands_still_meanwhile(page, line):
    root = opened(page, line)
    before = film_z(root)
    for number in (22, 6):
        box = root.locator(".film canvas").nth(number).bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        assert z_told(root) == pytest.approx(before[number], abs=0.011)
        assert film_z(root) == before
        mark = root.locator(".film .here")
        expect(mark).to_have_count(1)
        assert mark.evaluate("box => [...box.parentElement.children].indexOf(box)") == number
    box = root.locator(".film canvas").nth(24).bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(5, 5)
    assert z_told(root) == pytest.approx(6.0, abs=0.011)
    assert film_z(root)[0] == 2.0  # after the pointer has left, 6 is in the middle third again


def test_a_rerun_of_the_page_leaves_the_visitor_where_they_are(page, line):
    root = opened(page, line)
    slide_to(root, 8.25)
    page.get_by_role("button", name="Run again").click()
    page.wait_for_timeout(1000)
    assert z_told(root) == 8.25
    expect(root).to_have_count(1)


def test_a_phone_has_the_film_in_two_rows_and_a_finger_moves_along_it(phone, line):
    root = opened(phone, line)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    tops = {round(figure.bounding_box()["y"]) for figure in root.locator(".film figure").all()}
    assert len(tops) == 2
    before = film_z(root)
    wire = phone.context.new_cdp_session(phone)

    def touch(kind: str, number: int | None = None) -> None:
        box = root.locator(".film canvas").nth(number).bounding_box() if number is not None else None
        at = [{"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}] if box else []
        wire.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

    touch("touchStart", 8)
    assert z_told(root) == pytest.approx(before[8], abs=0.03)
    for number in (9, 10, 11, 17):  # the last one is in the second row
        touch("touchMove", number)
    phone.wait_for_timeout(200)
    assert z_told(root) == pytest.approx(before[17], abs=0.03)
    touch("touchEnd")


def test_tensors_that_do_not_arrive_are_told_in_a_sentence(page, line):
    page.route("**/tensors/*", lambda route: route.fulfill(status=200, body="too short"))
    page.goto(line.url)
    failed = page.locator(".failed")
    expect(failed).to_contain_text("This line could not be drawn: its data did not arrive: the data ends too early.")
    expect(page.locator(".latent-line")).to_be_hidden()


def test_a_network_that_fails_for_a_moment_costs_a_moment(browser, line):
    context = browser.new_context()  # what fails is in the console, and must be
    page, asked = context.new_page(), []
    page.route("**/tensors/*", lambda route: route.continue_() if asked.append(1) or len(asked) > 2 else route.abort())
    root = opened(page, line)
    slide_to(root, 2.5)
    shown = grey(root.locator(".decoded canvas"))
    assert np.abs(shown / 255 - line.decoded(2.5)).max() <= 1.5 / 255
    assert len(asked) == 3
    context.close()


SIZES = """() => performance.getEntriesByType("resource").filter(({ name }) => name.includes("/tensors/"))
  .map(({ transferSize }) => transferSize)"""


def test_tensors_are_fetched_once_by_a_browser_whatever_session_asks(browser, line):
    context = browser.new_context()  # other tests' has them in its cache
    page = context.new_page()
    opened(page, line)
    (first,) = page.evaluate(SIZES)
    assert first > COUNT * line.images[0].size
    page.get_by_role("button", name="Run again").click()
    page.wait_for_timeout(800)
    assert page.evaluate(SIZES) == [first]
    opened(page, line)  # another session
    assert page.evaluate(SIZES) == [0]  # the browser had them
    context.close()
