"""A prior that writes in the browser: its probabilities are torch's, and what a visitor keeps stays."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from playwright.sync_api import Locator, Page, expect

from ui.chapters.codes.prior import PRIORS, prior_line
from ui.runs.resources import held_out, load_run
from vae_core.models.prior import VQPrior
from vae_core.run import Run

from .conftest import Standing
from .test_chapters import choice
from .test_codes import CELLS, button, cell, opened, ready, torch_image

pytestmark = pytest.mark.browser

UPPER = 21  # cells of the upper half: three of seven rows


def writer(page: Page) -> Locator:
    root = page.locator(".component.writer")
    expect(root).to_be_visible()
    root.scroll_into_view_if_needed()
    return root


def state(root: Locator) -> dict:
    return root.evaluate("root => root.writer.state()")


def run_of(name: str) -> Run:
    return load_run(prior_line(name).key)


def torch_logits(run: Run, codes: list[int], told: int) -> np.ndarray:
    """(cells, K), float64."""
    model = run.model
    assert isinstance(model, VQPrior)
    with torch.no_grad():
        whole = torch.tensor([codes + [0] * (CELLS - len(codes))])
        return model.logits(whole, torch.tensor([told]))[0].double().numpy()


def bits_by_torch(run: Run, codes: list[int], told: int) -> np.ndarray:
    logits = torch_logits(run, codes, told)
    logs = logits - np.logaddexp.reduce(logits, axis=1)[:, None]
    return -logs[np.arange(len(codes)), codes] / math.log(2)


def assert_as_torch(shown: dict, run: Run) -> None:
    codes, told = shown["codes"], shown["told"]
    assert np.allclose(shown["bits"], bits_by_torch(run, codes, told)[: len(codes)], rtol=1e-3, atol=2e-3)
    if len(codes) == CELLS:
        assert shown["shares"] is None
        assert np.allclose(shown["image"], torch_image(run, codes), atol=1e-3)
    else:
        logits = torch_logits(run, codes, told)[len(codes)] / shown["temperature"]
        assert np.allclose(shown["shares"], np.exp(logits - np.logaddexp.reduce(logits)), atol=1e-3)


@pytest.mark.parametrize("name", PRIORS)
def test_what_it_writes_and_what_it_costs_are_torchs(standing: Standing, app_url: str, name: str) -> None:
    page = standing(f"{app_url}/codes?prior={name}", untouched=True)
    ready(page)
    root, run = writer(page), run_of(name)
    assert_as_torch(state(root), run)
    if PRIORS[name]:
        button(root, "7").click()
        assert state(root)["told"] == 7
        assert_as_torch(state(root), run)
    before = state(root)["codes"]
    button(root, "New image").click()
    shown = state(root)
    assert shown["codes"] != before
    assert_as_torch(shown, run)
    assert cell(root, 0).inner_text() == str(shown["codes"][0])
    expect(root.locator(".result")).to_contain_text(f"49 cells: {sum(shown['bits']):.1f} bits")


def test_a_visitor_rewrites_steps_chooses_and_plays(page: Page, app_url: str) -> None:
    opened(page, f"{app_url}/codes")
    root, run = writer(page), run_of("free")
    first = state(root)["codes"]
    cell(root, 30).click()
    button(root, "Rewrite from the chosen cell on").click()
    again = state(root)["codes"]
    assert again[:30] == first[:30] and again[30:] != first[30:] and len(again) == CELLS
    root.evaluate("root => { root.writer.writing.begin(0); root.writer.show(); }")
    for count in (1, 2, 3):
        button(root, "Step").click()
        assert len(state(root)["codes"]) == count
    assert cell(root, 2).inner_text() and not cell(root, 3).inner_text()  # nothing stands where nothing is written
    shown = state(root)
    assert_as_torch(shown, run)
    likeliest = int(np.argmax(shown["shares"]))
    root.get_by_role("button", name=f"Write entry {likeliest} there,").click()
    assert state(root)["codes"] == [*shown["codes"], likeliest]
    cell(root, 1).click()  # of what is written already: the visitor's own entry, and the rest anew
    other = root.locator(".candidate[aria-current=false]").first
    wanted = int(other.get_attribute("aria-label").split()[2])
    other.click()
    chosen = state(root)["codes"]
    assert chosen[:2] == [shown["codes"][0], wanted] and len(chosen) == CELLS
    root.evaluate(
        "(root, codes) => { root.writer.writing.begin(0); for (const code of codes) root.writer.writing.put(code); }",
        [*shown["codes"], likeliest],
    )
    button(root, "Play").click()
    expect(button(root, "Write all")).to_be_disabled(timeout=60_000)  # it ends by itself
    played = state(root)
    assert played["codes"][:4] == [*shown["codes"], likeliest]
    assert_as_torch(played, run)
    cell(root, 5).press("r")
    assert state(root)["codes"][:5] == played["codes"][:5]


def test_a_half_is_completed_and_temperature_counts(page: Page, app_url: str) -> None:
    opened(page, f"{app_url}/codes")
    root, run = writer(page), run_of("free")
    index = int(np.flatnonzero(held_out("mnist").labels == 4)[0])
    wanted = run.codes.mean[index].astype(int).tolist()
    slider = root.get_by_role("slider")
    slider.focus()
    for _ in range(10):
        slider.press("ArrowLeft")
    assert state(root)["temperature"] == 0.25
    halves = []
    for _ in range(2):
        button(root, "Keep the upper rows of a held-out 4").click()
        shown = state(root)
        assert shown["codes"][:UPPER] == wanted[:UPPER] and len(shown["codes"]) == CELLS
        halves.append(shown)
    assert_as_torch(halves[0], run)
    cold = np.mean([np.mean(one["bits"][UPPER:]) for one in halves])
    for _ in range(20):
        slider.press("ArrowRight")
    assert state(root)["temperature"] == 4
    button(root, "Keep the upper rows of a held-out 4").click()
    hot = np.mean(state(root)["bits"][UPPER:])
    assert hot > cold + 1  # bits are those of temperature 1: hot draws are unlikely ones


def test_a_link_shows_the_same_writing_and_a_hostile_one_another(page: Page, app_url: str) -> None:
    opened(page, f"{app_url}/codes?prior=told")
    root = writer(page)
    button(root, "9").click()
    shown = state(root)
    page.wait_for_function("location.search.includes('written=')")
    page.reload()
    ready(page)
    again = state(writer(page))
    assert (again["codes"], again["told"]) == (shown["codes"], 9)
    choice(page, "The prior is", "not told the class").click()
    page.wait_for_function("!location.search.includes('written=')")  # those were of the other prior
    beyond = ",".join(["200"] * CELLS)  # of a larger codebook than the prior's
    opened(page, f"{app_url}/codes?written={beyond}&temperature=0.5&class=7")
    found = state(writer(page))
    assert max(found["codes"]) < 64 and found["temperature"] == 0.5 and found["told"] == 0
    assert_as_torch(found, run_of("free"))
    opened(page, f"{app_url}/codes?written=1,2&temperature=0&class=99")
    assert state(writer(page))["temperature"] == 1
    expect(page.get_by_text("could not be read, so they were left out")).to_be_visible()


def test_sheets_are_drawn_as_they_say(page: Page, app_url: str) -> None:
    opened(page, f"{app_url}/codes?answers=bits:2")
    root = page.locator(".component.sheets")
    root.scroll_into_view_if_needed()
    expect(root.get_by_text("24 images of each are drawn.")).to_be_visible(timeout=60_000)
    shown, run = root.evaluate("root => root.sheets.state()"), run_of("free")
    codes = {source: np.array(drawn) for source, drawn in shown["codes"].items()}
    assert {drawn.shape for drawn in codes.values()} == {(24, CELLS)}
    shares = np.bincount(run.codes.mean.astype(int).ravel(), minlength=64) / run.codes.mean.size
    commonest = int(shares.argmax())
    cells = 24 * CELLS
    for source, wanted in (("uniform", 1 / 64), ("independent", shares[commonest])):
        error = math.sqrt(wanted * (1 - wanted) / cells)
        assert abs((codes[source] == commonest).mean() - wanted) < 5 * error
    bits = {
        source: np.mean([bits_by_torch(run, one.tolist(), 0).sum() for one in codes[source][:8]]) for source in codes
    }
    assert bits["prior"] < bits["independent"] < bits["uniform"]
    button(root, "Draw others").click()
    expect(root.get_by_text("24 images of each are drawn.")).to_be_visible(timeout=60_000)
    assert not np.array_equal(codes["prior"], root.evaluate("root => root.sheets.state()")["codes"]["prior"])
