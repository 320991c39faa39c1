"""Sharper images on digits: a GAN's plane decodes as torch does, the search for a code ends where scipy's does, and the
mean of what a code may stand for is numpy's."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from playwright.sync_api import Locator, Page, expect
from scipy.optimize import least_squares

from ui.chapters.sharper.blur import COUNT, MOST, START
from ui.chapters.sharper.family import FOUR, spec_of
from ui.chapters.sharper.pictures import planes
from vae_core.datasets import load
from vae_core.metrics import laplacian_variance
from vae_core.storage.manifest import SHIPPED
from vae_core.storage.store import Store

from .test_canvas import decoded_by_torch, move_to, pixels, plane_of, sent_frames, state, wait_until

pytestmark = pytest.mark.browser


def test_a_gans_plane_and_the_search_for_a_code(page: Page, app_url: str) -> None:
    frames = sent_frames(page)
    page.goto(f"{app_url}/sharper")
    gan = plane_of(page, 1)
    gan.scroll_into_view_if_needed()
    for u, v in ((0.4, 0.6), (0.7, 0.35)):
        move_to(page, gan, u, v)
        at = state(gan)["at"]
        shown = pixels(gan.locator(".lens canvas"))
        assert np.abs(shown - decoded_by_torch(planes()[1].key, at["x"], at["y"])).max() <= 2 / 255

    search = page.locator(".inversion")
    search.scroll_into_view_if_needed()
    expect(search.get_by_role("button", name="Search")).to_be_enabled()
    told = "one => { const { z, error, target, errors } = one.inversion.search;"
    told += " return { z: [...z], error, target: [...target], errors }; }"
    run = Store(SHIPPED).load(spec_of(FOUR["gan"]).key)
    begun = search.evaluate(told)
    target = np.array(begun["target"], dtype=np.float32)
    assert begun["z"] == pytest.approx(run.encode(target[None])[0].tolist(), abs=1e-3)
    before = len(frames)
    search.get_by_role("button", name="One step").click()
    stepped = search.evaluate(told)
    assert stepped["error"] < begun["error"]
    search.get_by_role("button", name="Search").press("Enter")
    expect(search.get_by_role("button", name="Search")).to_be_disabled(timeout=60_000)
    found = search.evaluate(told)
    assert found["errors"] == sorted(found["errors"], reverse=True) and len(frames) == before
    with torch.no_grad():
        made = torch.sigmoid(run.model.decode(torch.tensor([found["z"]], dtype=torch.float32)))[0].numpy()
    assert np.square(made - target).mean() == pytest.approx(found["error"], rel=1e-2)

    def away(z: np.ndarray) -> np.ndarray:
        return run.decode(z[None].astype(np.float32))[0].astype(np.float64) - target

    reference = least_squares(away, np.array(begun["z"]), method="lm", diff_step=1e-2, max_nfev=4_000)
    assert found["error"] <= 1.15 * np.square(reference.fun).mean()  # another end of the same slope may be a little off

    search.get_by_role("button", name="From a random code").click()
    assert search.evaluate(told)["z"] != pytest.approx(begun["z"])
    search.get_by_label("digit").select_option("7")
    wait_until(page, lambda: search.evaluate("one => one.inversion.label") == "7")
    expect(page.get_by_test_id("stException")).to_have_count(0)


def pixels_of(blur: Locator, name: str) -> np.ndarray:
    return pixels(blur.locator(f"canvas.{name}"))


TOLD = "one => one.blurred.state()"


def blur_on(page: Page) -> Locator:
    """What a code may stand for, with the held-out digits."""
    blur = page.locator(".blur")
    blur.scroll_into_view_if_needed()
    wait_until(page, lambda: blur.evaluate("one => Boolean(one.blurred?.made) && one.blurred.state().ready"))
    return blur


def test_what_a_code_may_stand_for_and_the_mean_of_it(page: Page, app_url: str) -> None:
    frames = sent_frames(page)
    page.goto(f"{app_url}/sharper?answers=blur:2")
    blur = blur_on(page)
    plane, slider = blur.locator(".plane"), blur.get_by_role("slider")
    run = Store(SHIPPED).load(planes()[0].key)
    codes = run.codes.mean.astype(np.float16).astype(np.float64)  # as they are sent
    pixels = load("mnist", "validation", download=False).floats()
    real = laplacian_variance(pixels.reshape(-1, 1, 28, 28)).mean()
    page.wait_for_timeout(500)
    before = len(frames)

    def holds(count: int) -> dict:
        """Everything on screen is what numpy and torch make of the code."""
        told = blur.evaluate(TOLD)
        assert told["count"] == count and len(told["order"]) == MOST
        away = np.hypot(*(codes - told["z"]).T)
        assert away[told["order"]] == pytest.approx(np.sort(away)[:MOST], abs=1e-6)
        near = pixels[told["order"][:count]]
        mean, made = near.mean(axis=0), decoded_by_torch(run.key, *told["z"])
        assert np.allclose(told["mean"], mean, atol=1e-6) and np.allclose(told["made"], made, atol=1e-4)
        for name, image in (("made", made), ("mean", mean), ("first", near[0])):
            assert np.abs(pixels_of(blur, name) - image).max() <= 1.5 / 255
        sharp = told["sharpness"]
        for found, images in ((sharp["made"], made), (sharp["mean"], mean), (sharp["single"], near)):
            assert found == pytest.approx(laplacian_variance(images.reshape(-1, 1, 28, 28)).mean(), rel=1e-3)
        assert blur.locator(".mean-sharp").inner_text() == f"{sharp['mean'] / real:.2f}"
        assert told["toMean"] == pytest.approx(np.square(made - mean).mean(), rel=1e-3)
        assert told["toSingle"] == pytest.approx(np.square(made - near).mean(), rel=1e-3)
        assert told["toSingle"] == pytest.approx(told["toMean"] + told["around"], rel=1e-6)
        assert f"{told['toSingle']:.4f}" in blur.locator(".sum").inner_text()
        return told

    opened = holds(COUNT)
    assert opened["z"] == START and opened["toMean"] < opened["toSingle"]
    move_to(page, plane, 0.6, 0.4)
    assert holds(COUNT)["z"] != START
    page.mouse.move(2, 2)  # off the plane: the kept code is back
    assert holds(COUNT)["z"] == START

    plane.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    moved = holds(COUNT)["kept"]
    assert moved[0] > START[0] and moved[1] > START[1]
    expect(blur.locator(".live")).to_contain_text("Nearest digits")
    slider.focus()
    page.keyboard.press("Home")
    one = holds(1)
    assert one["around"] == 0 and one["toMean"] == one["toSingle"]
    page.keyboard.press("End")
    assert holds(MOST)["toMean"] < one["toMean"]
    box = plane.bounding_box()
    page.mouse.click(box["x"] + 0.3 * box["width"], box["y"] + 0.6 * box["height"])
    kept = blur.evaluate(TOLD)["kept"]
    page.wait_for_url(re.compile(rf"blur-z={kept[0]:.4g}\D.*blur-digits={MOST}"))
    assert len(frames) == before
    page.reload()
    again = blur_on(page).evaluate(TOLD)
    assert again["kept"] == pytest.approx(kept, rel=1e-3) and again["count"] == MOST
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_a_link_to_a_code_off_the_plane_is_left_out(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/sharper?answers=blur:2&blur-z=9999,0&blur-digits=51")
    told = blur_on(page).evaluate(TOLD)
    assert told["kept"] == START and told["count"] == COUNT
    expect(page.get_by_text("could not be read")).to_contain_text("blur-digits")
