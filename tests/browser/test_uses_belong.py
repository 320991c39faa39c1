"""The bench Does it belong? as a visitor uses it: a drawing that is scored, a threshold by hand and by key, links."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect
from sklearn.metrics import average_precision_score, confusion_matrix, roc_auc_score

from ui.chapters.uses.belong import figures, nearest
from ui.chapters.uses.belong.recipe import DATASET, LIVE, NEAREST, PCA, spec_of
from ui.runs.resources import held_out, load_run
from vae_core.evaluation.left_out import scores
from vae_core.metrics.anomaly import subspace_errors
from vae_core.metrics.ranking import precision_at

pytestmark = pytest.mark.browser

PATH = "/uses?bench=belong"
MISSING = 4


def opened(page: Page, url: str, **link: object) -> Locator:
    """The instrument, once its question was skipped."""
    page.goto(f"{url}{PATH}{''.join(f'&{name}={value}' for name, value in link.items())}")
    expect(page.get_by_text("Sources", exact=True)).to_be_attached()
    page.get_by_role("button", name="Skip, show me").first.click()
    root = page.locator(".component.belong")
    expect(root).to_be_visible()
    root.scroll_into_view_if_needed()
    return root


def state(root: Locator) -> dict:
    return root.evaluate("root => root.belong.state()")


def board_image(page: Page) -> np.ndarray:
    return np.array(page.locator(".component.board").evaluate("root => root.board.state().image"), np.float32)


def of_python(pixels: np.ndarray, missing: int = MISSING) -> dict[str, float]:
    """The live scores of one image, by the package."""
    run = load_run(spec_of("vae", missing).key)
    found = {f"vae {name}": float(score[0]) for name, score in scores(run, pixels[None]).items()}
    return found | {PCA: float(subspace_errors(pixels[None], nearest.references().subspaces[missing])[0])}


def test_a_drawing_is_scored_as_torch_and_numpy_score_it(page: Page, app_url: str) -> None:
    root = opened(page, app_url, missing=MISSING)
    expect(root.locator(".told")).to_contain_text("The image on the board")
    pixels = board_image(page)
    assert pixels.any()
    found, expected = state(root)["scores"], of_python(pixels)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=2e-3, abs=1e-4), name
    pad = page.locator(".component.board .pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    page.mouse.move(box["x"] + 30, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, box["y"] + 160, steps=8)
    page.mouse.up()
    drawn = board_image(page)
    assert not np.array_equal(drawn, pixels)
    page.wait_for_timeout(100)
    found, expected = state(root)["scores"], of_python(drawn)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=2e-3, abs=1e-4), name


def test_counts_and_areas_are_scikit_learns(page: Page, app_url: str) -> None:
    root = opened(page, app_url, missing=MISSING)
    images = held_out(DATASET).first(nearest.SHOWN_IMAGES)
    odd = images.labels == MISSING
    run = load_run(spec_of("vae", MISSING).key)
    values = scores(run, images.floats())
    for name, score in LIVE.items():
        root.get_by_role("button", name=score.title, exact=True).click()
        found = state(root)
        assert found["score"] == name
        if not name.startswith("vae "):
            continue
        mine = values[name.removeprefix("vae ")].astype(np.float32)
        (kept, alarm), (miss, hit) = confusion_matrix(odd, mine >= np.float32(found["threshold"]))
        assert found["counts"] == pytest.approx({"hit": hit, "miss": miss, "alarm": alarm, "pass": kept}, abs=2)
        assert found["auroc"] == pytest.approx(roc_auc_score(odd, mine), abs=1e-4)
        assert found["averagePrecision"] == pytest.approx(average_precision_score(odd, mine), abs=1e-3)
        assert found["alarms"] == pytest.approx(0.05, abs=0.003)
        assert found["precision"] == pytest.approx(precision_at(found["recall"], found["alarms"], odd.mean()), abs=1e-6)


def test_the_threshold_moves_by_hand_and_by_key_and_stands_in_the_link(page: Page, app_url: str) -> None:
    root = opened(page, app_url, missing=MISSING, score="elbo", threshold=40, base=1)
    found = state(root)
    assert found["score"] == "vae negative_elbo" and found["base"] == pytest.approx(0.01)
    slider = root.get_by_role("slider", name="Threshold of the score")
    slider.focus()
    page.keyboard.press("ArrowRight")
    moved = state(root)
    assert moved["threshold"] > found["threshold"] and moved["counts"]["hit"] <= found["counts"]["hit"]
    page.keyboard.press("End")
    none = state(root)
    assert none["recall"] < 0.02
    page.keyboard.press("Home")
    assert state(root)["recall"] == 1 and state(root)["alarms"] == 1
    assert root.locator(".precision").inner_text() == "1.0%"  # called odd are all: the base rate
    box = slider.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 60, steps=4)
    page.mouse.up()
    assert state(root)["x"] == pytest.approx(box["width"] * 0.7, abs=2)
    for part in ("score=elbo", "threshold=", "base=1"):
        expect(page).to_have_url(re.compile(part))
    root.locator(".base").focus()
    before = state(root)["precision"]
    page.keyboard.press("End")
    assert state(root)["base"] == pytest.approx(0.5, rel=0.01) and state(root)["precision"] > before


def test_the_nearest_digit_is_the_servers_answer(page: Page, app_url: str) -> None:
    root = opened(page, app_url, missing=MISSING, score="nearest")
    expect(root.locator(".told")).to_contain_text("odder than")
    known = page.locator(".component.board").evaluate("root => root.board.state().known")
    training = "not on this machine" not in root.locator(".told").inner_text()
    expected = nearest.held_out_distances(MISSING, training)[known["number"]]
    assert state(root)["scores"][NEAREST] == pytest.approx(expected, rel=1e-4)
    if training:
        expect(root.locator(".told")).to_contain_text("Compared with")


def test_an_empty_board_has_no_score(page: Page, app_url: str) -> None:
    root = opened(page, app_url, missing=MISSING)
    page.locator(".component.board").get_by_role("button", name="Clear").click()
    expect(root.locator(".told")).to_contain_text("Draw a digit on the board")
    assert state(root)["mark"] is None and state(root)["scores"] is None


def test_another_left_out_digit_brings_another_model(page: Page, app_url: str) -> None:
    root = opened(page, app_url, missing=1, score="error")
    # All validation digits were measured, the first of them are shown.
    known = figures.measured()["digits"]["validation"]["1"]["scores"]["vae squared_error"]["auroc"]
    assert state(root)["auroc"] == pytest.approx(known, abs=0.05)
    expect(root.locator(".odd-row")).to_have_text("the digit 1")
    json.dumps(state(root))
