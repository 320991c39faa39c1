"""The bench Denoise as a visitor uses it: damage and networks live, filters when the hand rests, link, keys."""

from __future__ import annotations

import base64
import re

import numpy as np
import pytest
import torch
from playwright.sync_api import Locator, Page, expect
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from ui.chapters.uses.denoise import QUESTIONS
from ui.chapters.uses.denoise.answers import answers
from ui.chapters.uses.denoise.bench import LOOKS, SLIDERS, VAE
from ui.chapters.uses.denoise.methods import NETWORKS, PCA, network, projection, setting
from ui.runs.resources import load_run
from vae_core.corruption import CORRUPTIONS, corrupt
from vae_core.evaluation.filters import FILTERS

pytestmark = pytest.mark.browser

ANSWERED = f"/uses?bench=denoise&answers={QUESTIONS[0]}:2"
SIZE = (1, 28, 28)


def opened(page: Page, url: str) -> Locator:
    page.goto(url)
    root = page.locator(".denoise")
    expect(root).to_be_visible()
    root.scroll_into_view_if_needed()
    return rested(root)


def rested(root: Locator) -> Locator:
    """Once the filters have answered what is on screen."""
    expect(root.locator(".told")).not_to_contain_text("when the hand rests")
    expect(root.locator(".card.stale")).to_have_count(0)
    root.page.wait_for_function("root => root.bench.state().fresh", arg=root.element_handle())
    return root


def state(root: Locator) -> dict:
    return root.evaluate("root => root.bench.state()")


def slide(root: Locator, level: float) -> None:
    root.locator(".level").evaluate(
        "(slider, level) => { slider.value = level; slider.dispatchEvent(new Event('input')); }", level
    )


def test_damage_networks_filters_and_figures_are_those_of_the_server(page: Page, app_url: str):
    root = opened(page, f"{app_url}{ANSWERED}")
    for kind in CORRUPTIONS:
        root.locator(".kind").select_option(kind)
        rested(root)
        found = state(root)
        assert (found["kind"], found["level"]) == (kind, SLIDERS[kind][1])
        clean = np.array(found["clean"], np.float32)
        numbers = torch.tensor([found["numbers"]], dtype=torch.float32)
        seen = corrupt(kind, found["level"], torch.from_numpy(clean[None]), numbers, SIZE)[0].numpy()
        assert np.allclose(found["seen"], seen, atol=1e-5)
        for name in NETWORKS:
            if name == VAE:
                continue
            run = load_run(network(name).key)
            with torch.no_grad():
                output = run.model.decode(run.model.encode(torch.tensor([found["seen"]])).mean).numpy()
            assert np.allclose(found["made"][name], run.likelihood.expected_images(output)[0], atol=2e-4)
        run = load_run(projection().key)
        components, gain, offset = setting(PCA, kind, found["level"])
        codes = run.encode(np.array([found["seen"]], np.float32))
        codes[:, int(components) :] = 0
        assert np.allclose(found["made"][PCA], np.clip(gain * run.decode(codes)[0] + offset, 0, 1), atol=2e-4)
        pixels = base64.b64encode(np.array(found["seen"], "<f4").tobytes()).decode()
        served = answers({"token": "t", "kind": kind, "level": found["level"], "pixels": pixels})["images"]
        for name in FILTERS:
            expected = np.frombuffer(base64.b64decode(served[name]), np.uint8) / 255
            assert np.allclose(found["made"][name], expected, atol=1e-6)
        for name, figures in found["found"].items():
            made = np.array(found["made"][name])
            assert figures["psnr"] == pytest.approx(
                peak_signal_noise_ratio(clean.astype(float), made, data_range=1.0), abs=1e-3
            )
            similar = structural_similarity(
                *(one.reshape(28, 28) for one in (clean.astype(float), made)), data_range=1.0
            )
            assert figures["ssim"] == pytest.approx(similar, abs=1e-4)
        best = max(found["found"], key=lambda name: found["found"][name]["psnr"])
        assert f"{found['found'][best]['psnr']:.1f} dB" in found["told"]


def test_every_move_of_the_slider_is_answered_in_the_browser(page: Page, app_url: str):
    root = opened(page, f"{app_url}{ANSWERED}")
    before = len(state(root)["milliseconds"])
    for level in np.linspace(0, 1.5, 30):
        slide(root, float(level))
    assert len(state(root)["milliseconds"]) >= before + 30
    assert root.locator(".level-value").inner_text() == "1.50"
    rested(root)


def test_the_level_is_moved_by_keys_and_other_noise_is_another_seed(page: Page, app_url: str):
    root = opened(page, f"{app_url}{ANSWERED}&level=0.3")
    root.locator(".level").focus()
    page.keyboard.press("ArrowRight")
    assert state(root)["level"] == pytest.approx(0.31)
    one = state(root)
    root.get_by_role("button", name="New noise").focus()
    page.keyboard.press("Enter")
    other = state(root)
    assert other["seed"] == one["seed"] + 1 and other["seen"] != one["seen"]
    rested(root)
    expect(page).to_have_url(re.compile(r"level=0\.31.*noise=2|noise=2.*level=0\.31"))


def test_a_link_says_damage_level_and_noise(page: Page, app_url: str):
    root = opened(page, f"{app_url}{ANSWERED}&damage=patch&level=0.5&noise=7&digit=8")
    found = state(root)
    assert (found["kind"], found["level"], found["seed"]) == ("patch", 0.5, 7)
    assert (np.array(found["seen"]).reshape(28, 28) == 0).sum() >= 14 * 14


def test_a_level_beyond_the_slider_is_shown_at_its_end_and_said(page: Page, app_url: str):
    root = opened(page, f"{app_url}{ANSWERED}&level=10")
    found = state(root)
    assert found["level"] == SLIDERS["gaussian"][0]
    assert "10 is beyond the slider" in found["told"]


def test_no_damage_and_an_empty_board_say_so(page: Page, app_url: str):
    root = opened(page, f"{app_url}{ANSWERED}&level=0")
    assert "cannot be beaten" in state(root)["told"]
    assert root.locator(".card").filter(has_text="As it is").inner_text().split()[-3:] == ["exact", "SSIM", "1.00"]
    page.locator(".board .clear").first.click()
    expect(root.locator(".told")).to_contain_text("The board is empty")
    slide(root, 0.5)
    rested(root)
    assert "The board is empty" in state(root)["told"]


def test_what_is_drawn_is_damaged_under_the_pen(page: Page, app_url: str):
    root = opened(page, f"{app_url}{ANSWERED}")
    page.locator(".board .clear").first.click()
    pad = page.locator(".board .pad").first
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.8, steps=8)
    page.wait_for_function("root => root.bench.state().clean.some((value) => value > 0)", arg=root.element_handle())
    page.mouse.up()
    rested(root)
    assert set(state(root)["found"]) == {name for name in LOOKS if name != VAE}


def test_a_vae_comes_where_it_is_asked_for(page: Page, app_url: str):
    root = opened(page, f"{app_url}{ANSWERED}")
    page.get_by_text("Also a VAE").click()
    page.wait_for_function("root => 'conv_vae' in root.bench.state().found", arg=root.element_handle())
    expect(root.locator(".card").filter(has_text="VAE")).to_have_count(1)


def test_on_a_phone_nothing_is_wider_than_the_screen(phone: Page, app_url: str):
    opened(phone, f"{app_url}{ANSWERED},{QUESTIONS[1]}:1")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
