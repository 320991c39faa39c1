"""The chapters as a visitor uses them: wide and narrow, by pointer and keys, by link and after a reload."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from ui.figures.palette import CLASS_COLOURS
from ui.runs.measured_since import completed
from vae_core.datasets import load
from vae_core.payloads.plane import LatentPlane
from vae_core.run import Run
from vae_core.storage.manifest import SHIPPED, shipped_run
from vae_core.storage.store import Store

from .test_canvas import heat_of, move_to, pixels, plane_of, sent_frames, state, wait_until

pytestmark = pytest.mark.browser

MODELS = ("ae", "vae")
ANSWERED = "reduction?answers=best:2,line:1"  # what the questions hide is shown
REGULARITY = "regularity?answers=prior:1,mixture:2"


def run_of(model: str, d: int) -> Run:
    spec = shipped_run(dataset="mnist", model=model, latent_dim=d, hidden=(128, 64), seed=0)
    return Store(SHIPPED).load(spec.key)


def decoded(run: Run, code: np.ndarray) -> np.ndarray:
    """Expected pixels of one code by torch."""
    with torch.no_grad():
        return run.likelihood.expected_pixels(run.model.decode(torch.from_numpy(code).float()[None]))[0].numpy()


def opened(page: Page, url: str) -> None:
    """Go to a chapter and wait until all of it is there."""
    page.goto(url)
    expect(page.get_by_text("Sources", exact=True)).to_be_attached()
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def choice(page: Page, label: str, option: str) -> Locator:
    """One button of a segmented control."""
    group = page.get_by_test_id("stButtonGroup").filter(has_text=label)
    return group.get_by_role("radio", name=option, exact=True)


def sheets(page: Page) -> list[str]:
    """Where the pictures on the page come from: the names say what is in them."""
    return [image.get_attribute("src") for image in page.get_by_test_id("stHtml").locator("img").all()]


def pixels_of(screenshot: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(screenshot)) as image:
        return np.asarray(image.convert("RGB")).reshape(-1, 3).astype(int)


@pytest.mark.parametrize(
    ("screen", "path"),
    [("page", ANSWERED), ("page", f"{REGULARITY}&d=16"), ("phone", ANSWERED), ("phone", REGULARITY)],
)
def test_a_chapter_is_whole_and_nothing_is_wider_than_the_screen(request, app_url, screen, path):
    page = request.getfixturevalue(screen)
    opened(page, f"{app_url}/{path}")
    charts = page.locator(".js-plotly-plot")
    expect(charts).to_have_count(4 if path == ANSWERED else 2)
    for chart in charts.all():
        chart.scroll_into_view_if_needed()
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(page.get_by_test_id("stAlert")).to_have_count(0)
    images = page.get_by_test_id("stHtml").locator("img")
    expect(images).to_have_count(15 if path == ANSWERED else 2 + 2 + 2 + 3)
    wait_until(page, lambda: images.evaluate_all("list => list.every((image) => image.naturalWidth > 0)"))
    for element in ("document.scrollingElement", "document.querySelector('[data-testid=stMain]')"):
        assert page.evaluate(f"{element}.scrollWidth") <= page.evaluate("innerWidth") + 1
    right = "list => Math.max(...list.map((box) => box.getBoundingClientRect().right))"
    for boxes in (images, charts, page.locator(".plane, .latent-line")):
        assert boxes.evaluate_all(right) <= page.evaluate("innerWidth") + 1


@pytest.mark.parametrize("d", [2, 16])
def test_both_planes_begin_level(page, app_url, d):
    """What stands above them takes as many lines."""
    opened(page, f"{app_url}/regularity?planes={d}")
    tops = [plane_of(page, index).bounding_box()["y"] for index in (0, 1)]
    assert tops[0] == pytest.approx(tops[1], abs=1)


@pytest.mark.parametrize("d", [2, 16])
def test_a_phone_shows_all_that_is_known_of_a_bound(phone, app_url, d):
    opened(phone, f"{app_url}/mathematics?refine=1&d={d}")
    table = phone.get_by_role("region", name="The bounds by q")
    expect(table.get_by_role("columnheader", name="effective")).to_be_attached()
    assert table.evaluate("e => e.scrollWidth <= e.clientWidth")


def test_hovering_decodes_in_the_browser_and_tells_the_server_nothing(page, app_url):
    frames = sent_frames(page)
    opened(page, f"{app_url}/regularity?d=16")
    for index, model in enumerate(MODELS):
        run, plane = run_of(model, 16), plane_of(page, index)
        plane.scroll_into_view_if_needed()
        page.wait_for_timeout(300)
        before, seen = len(frames), []
        for u, v in ((0.3, 0.4), (0.7, 0.3), (0.55, 0.65)):
            move_to(page, plane, u, v)
            at = state(plane)["at"]
            code = LatentPlane.of_codes(run.codes.mean).embed(np.array([[at["x"], at["y"]]]))[0]
            seen.append(pixels(plane.locator(".lens canvas")))
            assert np.abs(seen[-1] - decoded(run, code)).max() <= 1.5 / 255
        assert min(np.abs(seen[0] - seen[1]).max(), np.abs(seen[1] - seen[2]).max()) > 0.2
        page.wait_for_timeout(400)
        assert len(frames) == before


def test_both_planes_show_the_same_image_and_its_distances_together(page, app_url):
    opened(page, f"{app_url}/regularity")
    ae, vae = plane_of(page, 0), plane_of(page, 1)
    u, v = vae.evaluate("p => { const c = p.latentCanvas; return c.view.toPlane(c.xy[14], c.xy[15]); }")
    move_to(page, vae, u, v)
    wait_until(page, lambda: state(ae)["focus"] == state(vae)["focus"] >= 0)
    focus, at = state(ae)["focus"], state(ae)["at"]
    assert [at["x"], at["y"]] == pytest.approx(run_of("ae", 2).codes.mean[focus].tolist(), abs=0.02)
    truth = load("mnist", "validation").floats()[focus]
    for index in (0, 1):
        shown = page.locator("canvas.original").nth(index)
        wait_until(page, lambda shown=shown: np.abs(pixels(shown) - truth).max() < 1 / 255)

    buttons = page.get_by_role("button", name="Distance")
    expect(buttons).to_have_count(2)
    buttons.nth(0).click()
    for index, plane in enumerate((ae, vae)):
        heat_of(plane)
        expect(buttons.nth(index)).to_have_attribute("aria-pressed", "true")
    buttons.nth(1).click()
    for index, plane in enumerate((ae, vae)):
        expect(plane.locator("canvas.heat")).to_be_hidden()
        expect(buttons.nth(index)).to_have_attribute("aria-pressed", "false")


def test_another_source_gives_other_samples_and_all_else_stays(page, app_url):
    opened(page, f"{app_url}/{REGULARITY}")
    expect(page.get_by_test_id("stHtml").locator("img")).to_have_count(9)
    neighbours, sampled, elsewhere, films = slice(0, 2), slice(2, 4), slice(4, 6), slice(6, 9)
    before = sheets(page)
    choice(page, "Sample z from", "A box").click()
    page.wait_for_url(re.compile(r"[?&]from=box"))
    wait_until(page, lambda: not set(sheets(page)[elsewhere]) & set(before[elsewhere]))
    for part in (neighbours, sampled, films):
        assert sheets(page)[part] == before[part]
    run = run_of("vae", 16)
    figure = completed(run.key, run.metrics)["test"]["samples"]["box"]
    told = f"Coverage {figure['coverage']:.2f}, Fréchet distance {figure['frechet']:.0f}"
    expect(page.get_by_text(told)).to_be_visible()
    drawn = sheets(page)
    page.get_by_role("button", name="Generate again").click()
    wait_until(page, lambda: not set(sheets(page)[2:6]) & set(drawn[2:6]))  # both steps' samples
    assert sheets(page)[neighbours] == before[neighbours]
    choice(page, "Sample z from", "A mixture").click()
    wait_until(page, lambda: "from=" not in page.url)


def test_a_step_of_another_length_has_other_neighbours(page, app_url):
    opened(page, f"{app_url}/regularity")
    before = sheets(page)
    choice(page, "Step δ", "1").click()
    page.wait_for_url(re.compile(r"[?&]step=1$"))
    wait_until(page, lambda: not set(sheets(page)[:2]) & set(before[:2]))
    page.get_by_role("button", name="Another image").click()
    page.wait_for_url(re.compile(r"[?&]near=\d+"))


def test_a_prediction_reveals_its_answer_and_its_evidence_only_when_it_is_made(page, app_url):
    opened(page, f"{app_url}/regularity")
    question, images = page.locator("[class*=st-key-question-prior]"), page.get_by_test_id("stHtml").locator("img")
    expect(question.locator("strong").filter(has_text=re.compile("^(Yes|No)"))).to_have_count(0)
    expect(images).to_have_count(5)
    planes = page.locator(".latent-canvas:visible .plane").all()
    marks = [plane.evaluate("p => { p.kept = true; return p.latentCanvas.state().key; }") for plane in planes]
    question.get_by_text("About the same").click()
    expect(question.locator("strong").filter(has_text=re.compile("^(Yes|No)"))).to_have_count(1)
    expect(images).to_have_count(7)
    # The planes of the page are the very ones of before: what the visitor did there is not lost.
    assert [plane.evaluate("p => p.kept && p.latentCanvas.state().key") for plane in planes] == marks


def test_a_question_can_be_skipped_and_then_its_evidence_is_there(page, app_url):
    opened(page, f"{app_url}/regularity")
    images = page.get_by_test_id("stHtml").locator("img")
    expect(images).to_have_count(5)
    page.get_by_role("button", name="Skip, show me").last.click()
    expect(images).to_have_count(7)
    expect(choice(page, "Sample z from", "A mixture")).to_be_checked()


def test_a_link_to_planes_of_16_dimensions_is_restored_after_a_reload(page, app_url):
    opened(page, f"{app_url}/regularity?d=16")
    page.wait_for_url(re.compile(r"/regularity\?planes=16$"))  # 16 is the usual d of the samples
    for turn in range(2):
        for label in ("Latent dimensions, d", "Latent dimensions of the planes"):
            expect(choice(page, label, "16")).to_be_checked()
        assert [state(plane_of(page, index))["key"] for index in (0, 1)] == [run_of(model, 16).key for model in MODELS]
        if turn == 0:
            page.reload()
    choice(page, "Latent dimensions of the planes", "2").click()
    page.wait_for_url(re.compile("/regularity$"))
    wait_until(page, lambda: state(plane_of(page, 0))["key"] == run_of("ae", 2).key)


def test_the_samples_have_their_own_number_of_dimensions(page, app_url):
    opened(page, f"{app_url}/{REGULARITY}")
    wait_until(page, lambda: len(sheets(page)) > 2)
    before = sheets(page)
    choice(page, "Latent dimensions, d", "2").click()
    page.wait_for_url(re.compile("[?&]d=2"))
    wait_until(page, lambda: not set(sheets(page)[2:]) & set(before[2:]))
    assert sheets(page)[:2] == before[:2] and state(plane_of(page, 0))["key"] == run_of("ae", 2).key


def test_the_memorisers_line_moves_by_the_keys(page, app_url):
    run = Store(SHIPPED).load(shipped_run(model="memoriser", images=10).key)
    frames = sent_frames(page)
    opened(page, f"{app_url}/reduction?n=10&answers=line:1")
    line = page.locator(".latent-line")
    line.get_by_role("slider").focus()
    page.wait_for_timeout(500)
    before = len(frames)
    for key, z in (("Home", 0.0), ("PageUp", 1.0), ("ArrowRight", 1.05), ("End", 9.0), ("ArrowLeft", 8.95)):
        page.keyboard.press(key)
        expect(line.locator(".decoded figcaption")).to_have_text(f"z = {z:.2f}")
        shown = pixels(line.locator(".decoded canvas"))
        assert np.abs(shown - decoded(run, np.array([z])).clip(0.0, 1.0)).max() <= 1.5 / 255
    page.wait_for_timeout(300)
    assert len(frames) == before


def test_the_sheet_in_space_is_drawn_in_its_colours(page, app_url):
    opened(page, f"{app_url}/reduction")
    if not page.evaluate("Boolean(document.createElement('canvas').getContext('webgl'))"):
        pytest.skip("this Chromium has no WebGL")
    figure = page.locator(".js-plotly-plot").filter(has=page.locator(".gl-container canvas"))
    expect(figure).to_have_count(1)
    wanted = np.array([[int(colour[at : at + 2], 16) for at in (1, 3, 5)] for colour in CLASS_COLOURS[:6]])
    figure.scroll_into_view_if_needed()

    def colours_seen() -> int:
        seen = pixels_of(figure.screenshot())
        return sum(int((np.abs(seen - colour).max(axis=1) < 12).sum() >= 20) for colour in wanted)

    wait_until(page, lambda: colours_seen() == len(wanted))


def test_the_memorisers_line_waits_for_an_answer_and_then_stands_where_the_link_says(page, app_url):
    opened(page, f"{app_url}/reduction?n=10&z=6.25")
    line = page.locator(".latent-line")
    expect(line).to_have_count(0)
    question = page.locator(".st-key-question-line")
    question.get_by_role("button", name="Skip, show me").click()
    expect(line.locator(".decoded figcaption")).to_have_text("z = 6.25")
    expect(page.locator(".st-key-question-best").get_by_role("button", name="Skip, show me")).to_be_visible()
