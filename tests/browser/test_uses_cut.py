"""The bench Cut out as a visitor uses it: pictures and masks live against torch and scikit-image, link, keys."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from playwright.sync_api import Locator, Page, expect
from skimage.filters import threshold_otsu
from sklearn.metrics import jaccard_score

from ui.chapters.uses.cut import QUESTIONS
from ui.chapters.uses.cut.bench import LEVEL, NUMBERS, grounds
from ui.chapters.uses.cut.measured import NETWORKS, network
from ui.runs.resources import load_run
from vae_core.datasets.textured import TEXTURES
from vae_core.evaluation.masks import smaller_part

pytestmark = pytest.mark.browser

ANSWERED = f"/uses?bench=cut&answers={QUESTIONS[0]}:1"


def opened(page: Page, url: str) -> Locator:
    page.goto(url)
    root = page.locator(".component.cut")
    expect(root).to_be_visible()
    root.scroll_into_view_if_needed()
    expect(root.locator(".figures").filter(has_text="…")).to_have_count(0)
    expect(root.locator(".told")).not_to_be_empty()
    return root


def state(root: Locator) -> dict:
    return root.evaluate("root => root.bench.state()")


def assert_as_the_server(found: dict) -> None:
    figure = np.array(found["figure"], np.float32)
    ground = grounds()[TEXTURES.index(found["texture"]) * NUMBERS + found["crop"] - 1] / 255.0
    levels = ground * (1 - figure) + LEVEL * figure
    seen = np.array(found["made"]["seen"], np.float32)
    assert np.allclose(seen, 1 - levels if found["dark"] else levels, atol=0.51 / 255)
    wanted = figure > 0.5
    assert np.array_equal(np.array(found["made"]["wanted"]) == 1, wanted)
    picture = seen.astype(np.float64).reshape(28, 28)
    masks = {"otsu": smaller_part(picture > threshold_otsu(picture)).ravel()}
    assert np.array_equal(np.array(found["made"]["otsu"]) == 1, masks["otsu"])
    for name, kind in NETWORKS.items():
        run = load_run(network(name).key)
        with torch.no_grad():
            made = run.model.predict(torch.from_numpy(seen[None])).sigmoid()[0].numpy()
        assert np.abs(np.array(found["made"][name]) - made).max() <= 1e-4
        if kind.target == "mask":
            masks[name] = made > 0.5
    for name, mask in masks.items():
        of = jaccard_score(wanted, mask) if (wanted | mask).any() else 1.0
        assert found["found"][name] == pytest.approx(of, abs=0.02)


def test_pictures_masks_and_overlaps_are_those_of_the_server(page: Page, app_url: str):
    root = opened(page, f"{app_url}{ANSWERED}")
    for texture in TEXTURES:
        root.locator(".texture").select_option(texture)
        assert_as_the_server(state(root))
    root.get_by_role("button", name="Dark figure").click()
    root.get_by_role("button", name="Another part").click()
    found = state(root)
    assert (found["texture"], found["crop"], found["dark"]) == (TEXTURES[-1], 2, True)
    assert_as_the_server(found)
    best = max(found["found"].values())
    assert f"IoU {best:.2f}" in found["told"]


def test_what_is_painted_is_cut_out_under_the_pen_and_nothing_is_said_of_nothing(page: Page, app_url: str):
    root = opened(page, f"{app_url}{ANSWERED}")
    page.locator(".board .clear").first.click()
    expect(root.locator(".told")).to_contain_text("Nothing is painted")
    pad = page.locator(".board .pad").first
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.8, steps=8)
    page.wait_for_function("root => root.bench.state().figure.some((value) => value > 0.5)", arg=root.element_handle())
    assert set(state(root)["made"]) >= {"otsu", "few", "few_without", "all"}  # also while the pen is down
    page.mouse.up()
    expect(root.locator(".told")).to_contain_text("On this picture the nearest")
    expect(root.locator(".card.stale")).to_have_count(0)
    assert_as_the_server(state(root))


def test_a_link_says_ground_and_figure_and_keys_do_what_the_pointer_does(page: Page, app_url: str):
    root = opened(page, f"{app_url}{ANSWERED}&texture=gravel&crop=3&figure=dark&digit=8")
    found = state(root)
    assert (found["texture"], found["crop"], found["dark"]) == ("gravel", 3, True)
    root.get_by_role("button", name="Another part").focus()
    page.keyboard.press("Enter")
    root.get_by_role("button", name="Dark figure").focus()
    page.keyboard.press("Space")
    found = state(root)
    assert (found["crop"], found["dark"]) == (4, False)
    expect(page).to_have_url(re.compile(r"crop=4"))
    expect(page).not_to_have_url(re.compile(r"figure=dark"))


def test_on_a_phone_nothing_is_wider_than_the_screen(phone: Page, app_url: str):
    opened(phone, f"{app_url}{ANSWERED},{QUESTIONS[1]}:1")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
