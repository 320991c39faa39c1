"""Sharper images on digits: a GAN's plane decodes as torch does, and the search for a code ends where scipy's does."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from playwright.sync_api import Page, expect
from scipy.optimize import least_squares

from ui.chapters.sharper.family import FOUR, spec_of
from ui.chapters.sharper.pictures import planes
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
