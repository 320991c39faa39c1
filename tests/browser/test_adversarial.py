"""The toy in the plane as a visitor uses it: training, switches, drawn data, its link, and what goes wrong."""

from __future__ import annotations

import math
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from vae_core.lessons.adversarial_rules import SHAPES

from .conftest import Stage
from .test_canvas import wait_until

pytestmark = pytest.mark.browser

APP = """
import streamlit as st

from ui.chapters.sharper.toy import toy_payload
from ui.components.adversarial import adversarial_toy

adversarial_toy(toy_payload(), key="toy")
st.button("Run again")
st.html('<div style="height: 3000px"></div>')
"""
DRAWN = """({ adversarial: { training, switches } }, half) =>
  Array.from(training.drawn(half, switches.now, 1000))"""


@pytest.fixture(scope="module")
def toy_url(stage: Stage) -> str:
    return stage.put_on("adversarial", APP)[0]


def opened(page: Page, url: str, plays: bool = False) -> Locator:
    page.emulate_media(reduced_motion="no-preference" if plays else "reduce")
    page.goto(url)
    root = page.locator(".adversarial")
    expect(root).to_be_visible()
    return root


def state(root: Locator) -> dict[str, Any]:
    return root.evaluate("root => root.adversarial.state()")


def button(root: Locator, name: str) -> Locator:
    return root.get_by_role("button", name=name, exact=True)


def choose(root: Locator, value: str) -> None:
    root.locator(f"input[type=radio][value='{value}']").check(force=True)


def figures(root: Locator, half: str) -> dict[str, str]:
    """What stands below a plane."""
    rows = root.locator(f".of-{half} .figures > div").all()
    return {row.locator("dt").inner_text(): row.locator("dd").inner_text() for row in rows}


def test_a_step_is_a_step_and_the_same_seed_repeats_a_run(page, toy_url):
    root = opened(page, toy_url)
    assert state(root)["steps"] == 0 and not state(root)["playing"]
    for _ in range(3):
        button(root, "One step").click()
    first = state(root)
    assert first["steps"] == 3
    expect(root.locator(".count")).to_have_text("step 3")
    expect(root.locator(".live")).to_contain_text("Step 3. GAN: modes found")
    button(root, "Restart").click()
    assert state(root)["steps"] == 0
    for _ in range(3):
        button(root, "One step").click()
    assert state(root)["weights"] == first["weights"] and state(root)["losses"] == first["losses"]
    seed = root.get_by_label("seed")
    seed.fill("7")
    seed.press("Enter")
    assert state(root)["steps"] == 0 and state(root)["seed"] == 7
    for _ in range(3):
        button(root, "One step").click()
    assert state(root)["weights"] != first["weights"]
    seed.fill("5000")
    seed.press("Enter")
    assert state(root)["seed"] == 999


def test_the_numbers_on_screen_are_those_of_the_samples(page, toy_url):
    root = opened(page, toy_url)
    root.evaluate("root => { for (let k = 0; k < 400; k++) root.adversarial.step(); root.adversarial.draw(true); }")
    shape = SHAPES["ring"]
    centres = np.array([stroke[0] for stroke in shape.strokes])
    for half in ("gan", "vae"):
        flat = root.evaluate(
            "(root, half) => Array.from(root.adversarial.training.drawn(half, root.adversarial.switches.now, 1000))",
            half,
        )
        distances = np.linalg.norm(np.reshape(flat, (-1, 1, 2)) - centres, axis=2)
        near = distances.min(axis=1) <= 3 * shape.spread
        counts = np.bincount(distances.argmin(axis=1)[near], minlength=8)
        shares = counts[counts > 0] / counts.sum()
        shown = figures(root, half)
        assert shown["modes found"] == f"{(counts >= 0.25 * 1000 / 8).sum()} of 8"
        assert shown["at no mode"] == f"{round(100 * (1 - near.mean()))}%"
        assert float(shown["imbalance"].split()[0]) == pytest.approx((shares * np.log(8 * shares)).sum(), abs=0.0051)
    losses = state(root)["losses"]
    assert float(figures(root, "gan")["D's loss"]) == pytest.approx(losses["discriminator"], abs=0.0051)
    assert float(figures(root, "vae")["KL"]) == pytest.approx(losses["kl"], abs=0.0051)
    assert 0 < losses["discriminator"] < 2 * math.log(4)


def test_it_plays_while_it_is_looked_at_and_the_server_hears_nothing(page, toy_url):
    frames: list = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: frames.append(frame)))
    root = opened(page, toy_url, plays=True)
    wait_until(page, lambda: state(root)["steps"] > 5)
    sent = len(frames)
    before = state(root)["steps"]
    wait_until(page, lambda: state(root)["steps"] > before + 10)
    assert len(frames) == sent
    page.get_by_test_id("stMain").evaluate("main => main.scrollTo(0, 2500)")
    wait_until(page, lambda: not state(root)["running"])
    assert state(root)["playing"]  # it only waits
    page.get_by_test_id("stMain").evaluate("main => main.scrollTo(0, 0)")
    wait_until(page, lambda: state(root)["running"])
    button(root, "Pause").click()
    stopped = state(root)["steps"]
    page.wait_for_timeout(300)
    assert state(root)["steps"] == stopped
    page.get_by_role("button", name="Run again").click()
    page.wait_for_timeout(800)
    assert state(root)["steps"] == stopped  # a rerun of the page leaves it


def test_switches_act_at_once_and_other_data_begin_anew(page, toy_url):
    root = opened(page, toy_url)
    button(root, "One step").click()
    choose(root, "minimax")
    button(root, "R1").click()
    root.get_by_role("slider", name="learning rate of D").fill("1")
    button(root, "One step").click()
    shown = state(root)
    assert shown["steps"] == 2 and shown["losses"]["penalty"] > 0 and shown["losses"]["generator"] < 0
    assert shown["settings"]["ratio"] == 0.25 and root.get_by_label("Settings to try").input_value() == ""
    choose(root, "grid")
    assert state(root)["steps"] == 0 and state(root)["modes"] == 25
    choose(root, "moons")
    button(root, "One step").click()
    assert set(figures(root, "gan")) == {"data covered", "samples off the data", "D's loss", "G's loss"}
    root.get_by_label("Settings to try").select_option(label="mode collapse: D learns too slowly")
    assert state(root)["settings"]["ratio"] == 0.25 and state(root)["settings"]["data"] == "ring"
    root.locator("fieldset", has_text="numbers in z").get_by_role("radio", name="1", exact=True).check(force=True)
    assert state(root)["steps"] == 0 and state(root)["settings"]["latent"] == 1


def test_space_plays_and_arrows_draw(page, toy_url):
    root = opened(page, toy_url)
    plane = root.locator(".of-gan .plane")
    plane.focus()
    page.keyboard.press("Space")
    wait_until(page, lambda: state(root)["steps"] > 0)
    page.keyboard.press("Space")
    assert not state(root)["playing"]
    choose(root, "drawn")
    expect(root.locator(".note")).to_contain_text("Nothing is drawn yet")
    button(root, "One step").click()
    assert state(root)["steps"] == 0 and figures(root, "gan")["data"] == "none yet"
    plane.focus()
    for key in ("Enter", *["ArrowRight"] * 10, "Enter"):
        page.keyboard.press(key)
    assert state(root)["strokes"] == 2 and state(root)["modes"] == 2
    expect(root.locator(".note")).to_be_hidden()
    button(root, "One step").click()
    assert state(root)["steps"] == 1 and figures(root, "vae")["modes found"].endswith("of 2")
    button(root, "Undo").click()
    assert state(root)["strokes"] == 1
    button(root, "Clear").click()
    assert state(root)["strokes"] == 0


def test_a_finger_draws_on_the_plane_and_scrolls_beside_it(phone, toy_url):
    root = opened(phone, toy_url)
    choose(root, "drawn")
    plane = root.locator(".of-gan .plane")
    plane.scroll_into_view_if_needed()
    main = phone.get_by_test_id("stMain")
    before = main.evaluate("main => main.scrollTop")
    box = plane.bounding_box()
    drag(phone, box["x"] + 60, box["y"] + 60, 0, 25)
    assert state(root)["strokes"] == 1 and state(root)["modes"] == 0
    assert main.evaluate("main => main.scrollTop") == before
    shown = root.evaluate("root => root.adversarial.training.data.strokes[0].at(0)")
    assert shown == pytest.approx([6 * 60 / box["width"] - 3, 3 - 6 * 60 / box["width"]], abs=0.05)
    words = root.locator(".of-gan .figures").bounding_box()
    drag(phone, words["x"] + 100, words["y"] + 10, 0, -20)
    wait_until(phone, lambda: main.evaluate("main => main.scrollTop") > before + 40)
    assert state(root)["strokes"] == 1


def drag(page: Page, x: float, y: float, across: float, down: float) -> None:
    """A finger goes eight steps."""
    wire = page.context.new_cdp_session(page)
    wire.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, 9):
        place = {"x": x + across * step, "y": y + down * step}
        wire.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [place]})
        page.wait_for_timeout(30)
    wire.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_timeout(100)


def test_training_that_breaks_down_is_said_and_begins_again(page, toy_url):
    root = opened(page, toy_url)
    button(root, "One step").click()
    root.evaluate("root => { root.adversarial.training.gan.generator.parameters[0] = NaN; }")
    button(root, "Play").click()
    note = root.locator(".note")
    expect(note).to_contain_text("Training broke down at step 2")
    assert state(root)["broke"] and not state(root)["playing"]
    button(root, "Restart").click()
    expect(note).to_be_hidden()
    button(root, "One step").click()
    assert state(root)["steps"] == 1 and not state(root)["broke"]


def test_a_link_says_data_switches_and_seed(page, elsewhere, app_url):
    root = opened(page, f"{app_url}/sharper")
    choose(root, "drawn")
    plane = root.locator(".of-vae .plane")
    box = plane.bounding_box()
    page.mouse.move(box["x"] + 50, box["y"] + 80)
    page.mouse.down()
    page.mouse.move(box["x"] + 150, box["y"] + 120, steps=5)
    page.mouse.up()
    button(root, "R1").click()
    root.get_by_role("slider", name="variance c").fill("0")
    root.get_by_label("seed").fill("12")
    root.get_by_label("seed").press("Enter")
    said = lambda: {name: value[0] for name, value in parse_qs(urlsplit(page.url).query).items()}
    wait_until(page, lambda: set(said()) == {"data", "points", "r1", "variance", "toy-seed"})
    assert said()["variance"] == "0.003" and said()["toy-seed"] == "12" and said()["r1"] == "1"
    other = opened(elsewhere, page.url)
    for name in ("settings", "seed", "strokes", "weights"):
        wait_until(elsewhere, lambda name=name: state(other)[name] == state(root)[name])
    both = [one.evaluate("root => Array.from(root.adversarial.training.points)") for one in (root, other)]
    assert both[0] == both[1]


def test_what_a_link_says_wrongly_is_left_out(page, app_url):
    root = opened(page, f"{app_url}/sharper?data=<b>&toy-seed=-4&d-rate=7&points=b.pX&variance=0.1")
    wait_until(page, lambda: state(root)["settings"]["c"] == 0.1)
    shown = state(root)
    assert (shown["seed"], shown["strokes"], shown["settings"]["data"], shown["settings"]["ratio"]) == (1, 0, "ring", 1)
    expect(page.get_by_text("could not be read")).to_be_visible()
