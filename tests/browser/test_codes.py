"""Codes you can count as a visitor uses it: codes, cells, painting, keys, links. Numbers are compared with torch."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import torch
from playwright.sync_api import Locator, Page, expect
from torch.nn import functional

from ui.chapters.codes.prior import prior_line
from ui.chapters.codes.runs import CODEBOOKS, DATASET, run_of
from ui.runs.resources import load_run
from vae_core.datasets import load
from vae_core.run import Run
from vae_core.training.quantising import straight_through

from .conftest import Standing
from .test_chapters import choice
from .test_dial import grey

pytestmark = pytest.mark.browser

CELLS = 49


def ready(page: Page) -> Locator:
    root = page.locator(".codes")
    expect(root).to_be_visible()
    expect(page.get_by_text("Sources", exact=True)).to_be_attached()
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    return root


def opened(page: Page, url: str) -> Locator:
    page.goto(url)
    return ready(page)


def state(root: Locator) -> dict:
    return root.evaluate("root => root.codes.state()")


def panel(page: Page, name: str) -> Locator:
    root = page.locator(f".component.{name}")
    expect(root).to_be_visible()
    root.scroll_into_view_if_needed()
    return root


def panel_state(root: Locator) -> dict:
    return root.evaluate("root => root.panel.state()")


def button(root: Locator, name: str) -> Locator:
    return root.get_by_role("button", name=name, exact=True)


def cell(root: Locator, index: int) -> Locator:
    return root.get_by_role("gridcell").nth(index)


def settle(page: Page) -> None:
    """Panels that follow the pad are told once a frame."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def brush(root: Locator, entry: int) -> None:
    root.get_by_role("radio", name=f"Entry {entry}", exact=True).click()


def torch_codes(run: Run, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vectors (N, cells, D), and the nearest entries (N, cells)."""
    with torch.no_grad():
        x = torch.from_numpy(np.atleast_2d(pixels).astype(np.float32))
        return run.model.vectors(x).flatten(1, 2).numpy(), run.model.encode(x).mean.numpy()


def torch_image(run: Run, codes: list[int]) -> np.ndarray:
    with torch.no_grad():
        return run.model.decode(torch.tensor([codes], dtype=torch.float32)).sigmoid()[0].numpy()


def assert_nearest(run: Run, vectors: np.ndarray, codes: np.ndarray, truth: np.ndarray) -> None:
    """The same entries; where they are not, both are equally near up to float32."""
    book = run.model.codebook.detach().numpy()
    for place in np.flatnonzero(codes != truth):
        one, other = (np.linalg.norm(vectors[place] - book[int(code)]) for code in (codes[place], truth[place]))
        assert one == pytest.approx(other, rel=1e-4), place
    assert (codes != truth).mean() <= 0.02


def assert_as_torch(shown: dict, run: Run) -> None:
    vectors, codes = torch_codes(run, np.array(shown["pixels"]))
    assert np.allclose(np.reshape(shown["vectors"], vectors.shape), vectors, rtol=1e-3, atol=1e-3)
    assert_nearest(run, vectors[0], np.array(shown["codes"]), codes[0])
    assert np.allclose(shown["xhat"], torch_image(run, shown["codes"]), atol=1e-3)


@pytest.mark.parametrize("name", CODEBOOKS)
def test_codes_and_image_are_torchs_for_digits_and_drawings(standing: Standing, app_url: str, name: str) -> None:
    root, run = ready(standing(f"{app_url}/codes?codebook={name}", untouched=True)), run_of(CODEBOOKS[name])
    held_out = load(DATASET, "validation", download=False)
    for label in (3, 0, 7, 1):
        root.get_by_role("button", name=f"Take a held-out {label}", exact=True).click()
        shown = state(root)
        assert np.allclose(shown["pixels"], held_out.floats()[np.flatnonzero(held_out.labels == label)[0]], atol=1e-6)
        assert_as_torch(shown, run)
        assert cell(root, 0).inner_text() == str(shown["codes"][0])
        assert [int(text) for text in root.get_by_role("gridcell").all_inner_texts()] == shown["codes"]
        assert np.abs(grey(root.locator("canvas.rebuilt")).ravel() - shown["xhat"]).max() <= 0.5 / 255 + 1e-6
    button(root, "Clear").click()
    black = state(root)
    assert not any(black["pixels"])
    assert_as_torch(black, run)
    root.evaluate("root => { root.codes.pad.ink.ink.fill(255); root.codes.pad.changed(); root.codes.pad.rest(''); }")
    assert_as_torch(state(root), run)


def test_every_move_of_the_pen_changes_grid_and_image(page: Page, app_url: str) -> None:
    root = opened(page, f"{app_url}/codes")
    button(root, "Clear").click()
    before = state(root)
    box = root.locator(".pad").bounding_box()
    at = [(box["x"] + u * box["width"], box["y"] + v * box["height"]) for u, v in ((0.3, 0.3), (0.7, 0.3), (0.5, 0.8))]
    page.mouse.move(*at[0])
    page.mouse.down()
    seen = []
    for place in at[1:]:
        page.mouse.move(*place, steps=6)
        seen.append(state(root))
    page.mouse.up()
    assert before["codes"] != seen[0]["codes"] != seen[1]["codes"]
    assert_as_torch(state(root), run_of(CODEBOOKS["64"]))
    assert len(state(root)["moveMilliseconds"]) > 12


def test_a_cell_is_chosen_by_click_and_keys_for_all_panels(standing: Standing, app_url: str) -> None:
    page = standing(f"{app_url}/codes?codebook=64", untouched=True)
    root, run = ready(page), run_of(CODEBOOKS["64"])
    cell(root, 17).click()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowLeft")
    assert state(root)["cell"] == 23
    expect(cell(root, 23)).to_have_attribute("aria-selected", "true")
    expect(cell(root, 23)).to_be_focused()
    expect(root.locator(".read")).to_contain_text("row 4, column 3")
    settle(page)
    nearest = panel(page, "nearest")
    shown, found = state(root), panel_state(nearest)
    vectors, codes = torch_codes(run, np.array(shown["pixels"]))
    book = run.model.codebook.detach()
    truth = torch.cdist(torch.from_numpy(vectors[0, 23:24]), book)[0].numpy()
    assert found["cell"] == 23 and np.allclose(found["distances"], truth, rtol=1e-3, atol=1e-3)
    assert int(np.argmin(found["distances"])) == shown["codes"][23] == codes[0, 23]
    expect(nearest.locator(".result")).to_contain_text(
        f"The nearest is entry {shown['codes'][23]} at {truth.min():.3f}"
    )
    cell(nearest, 30).click()
    settle(page)
    assert state(root)["cell"] == 30 and panel_state(nearest)["cell"] == 30
    button(nearest, "Sort by distance").click()
    assert panel_state(nearest)["sorted"] is False


def test_painted_cells_are_decoded_as_torch_does_taken_back_and_put_back(page: Page, app_url: str) -> None:
    root = opened(page, f"{app_url}/codes")
    run, paint = run_of(CODEBOOKS["64"]), panel(page, "paint")
    before = panel_state(paint)
    assert before["codes"] == state(root)["codes"] and not before["painted"]
    entry = next(one for one in range(64) if one not in before["codes"])
    brush(paint, entry)
    start, end = (cell(paint, index).bounding_box() for index in (14, 20))
    page.mouse.move(start["x"] + 3, start["y"] + start["height"] / 2)
    page.mouse.down()
    page.mouse.move(end["x"] + 3, end["y"] + end["height"] / 2, steps=2)  # fast: cells between are painted too
    page.mouse.up()
    painted = panel_state(paint)
    expected = [entry if 14 <= index <= 20 else code for index, code in enumerate(before["codes"])]
    assert painted["codes"] == expected and painted["past"] == 1
    assert np.allclose(painted["image"], torch_image(run, expected), atol=1e-3)
    assert np.abs(grey(paint.locator("canvas.rebuilt")).ravel() - torch_image(run, expected)).max() < 2 / 255
    expect(paint.locator(".result")).to_contain_text("7 of 49 cells are painted")
    # What is drawn on the pad changes other grids, not the painted one.
    root.get_by_role("button", name="Take a held-out 0", exact=True).click()
    settle(page)
    assert panel_state(paint)["codes"] == expected
    button(paint, "Undo").click()
    assert panel_state(paint)["codes"] == state(root)["codes"] and not panel_state(paint)["painted"]
    button(paint, "Fill all").click()
    assert panel_state(paint)["codes"] == [entry] * CELLS
    button(paint, "Put back").click()
    assert panel_state(paint)["codes"] == state(root)["codes"]


def test_painting_by_keyboard_alone(page: Page, app_url: str) -> None:
    opened(page, f"{app_url}/codes")
    paint = panel(page, "paint")
    before = panel_state(paint)["codes"]
    cell(paint, 24).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("p")
    assert panel_state(paint)["brush"] == before[25]
    paint.locator('[role=radio][aria-checked="true"]').focus()
    page.keyboard.press("ArrowLeft")
    chosen = panel_state(paint)["brush"]
    assert chosen != before[25]
    expect(paint.get_by_role("radio", name=f"Entry {chosen}", exact=True)).to_be_focused()
    cell(paint, 25).focus()
    page.keyboard.press(" ")
    after = panel_state(paint)["codes"]
    assert [index for index in range(CELLS) if after[index] != before[index]] == [25] and after[25] == chosen
    page.keyboard.press("Control+z")
    assert panel_state(paint)["codes"] == before


def test_painting_with_a_finger(phone: Page, app_url: str) -> None:
    opened(phone, f"{app_url}/codes")
    paint = panel(phone, "paint")
    before = panel_state(paint)["codes"]
    entry = next(one for one in range(64) if one not in before)
    paint.get_by_role("radio", name=f"Entry {entry}", exact=True).tap()
    cell(paint, 3).tap()
    after = panel_state(paint)["codes"]
    assert [index for index in range(CELLS) if after[index] != before[index]] == [3] and after[3] == entry


def test_the_gradient_is_torchs_and_the_encoder_gets_the_same(page: Page, app_url: str) -> None:
    root = opened(page, f"{app_url}/codes?cell=25")
    page.get_by_role("button", name="Skip, show me").first.click()
    through, run = panel(page, "through"), run_of(CODEBOOKS["64"])
    expect(through).not_to_have_class(re.compile("computing"))
    shown, found = state(root), panel_state(through)
    model = run.model
    x = torch.tensor([shown["pixels"]], dtype=torch.float32)
    vectors = model.vectors(x).detach().requires_grad_()
    numbers = torch.tensor(shown["codes"])
    entries = functional.embedding(numbers, model.codebook.detach()).view_as(vectors).requires_grad_()
    for given, wanted in ((entries, entries), (straight_through(vectors, entries.detach()), vectors)):
        loss = functional.binary_cross_entropy_with_logits(model.images(given), x, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, wanted)
        truth = gradient.flatten(1, 2)[0, 24].numpy()
        assert np.allclose(found["gradient"], truth, rtol=5e-3, atol=5e-3 * np.abs(truth).max())
    z, e = (one.detach().flatten(1, 2)[0, 24] for one in (vectors, entries))
    assert np.allclose(found["vector"], z, atol=1e-3) and np.allclose(found["entry"], e, atol=1e-6)
    squared = (z - e).square().sum().item()
    told = through.locator(".codebook-term").inner_text().split("= ")[1].split(". ")[0]
    if "10" not in told:
        assert float(told) == pytest.approx(squared, rel=0.02)


def test_entries_are_looked_at_by_pointer_and_keys(page: Page, app_url: str) -> None:
    root = opened(page, f"{app_url}/codes")
    book, run = panel(page, "codebook"), run_of(CODEBOOKS["64"])
    book.locator(".plane").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert panel_state(book)["entry"] == 2
    share = 100 * (run.codes.mean == 2).mean()
    expect(book.locator(".result")).to_contain_text(f"Entry 2: in {share:#.2g}% of all cells")
    shown = state(root)
    codes = [2 if index == shown["cell"] else code for index, code in enumerate(shown["codes"])]
    assert np.abs(grey(book.locator("canvas.answer")).ravel() - torch_image(run, codes)).max() < 2 / 255
    faint = [index for index in range(CELLS) if "faint" in (cell(book, index).get_attribute("class") or "")]
    here = [index for index, code in enumerate(shown["codes"]) if code == 2]
    assert faint == ([index for index in range(CELLS) if index not in here] if here else [])
    page.keyboard.press("Escape")
    assert panel_state(book)["entry"] == -1


def test_a_link_restores_digit_cell_and_painted_codes(page: Page, elsewhere: Page, app_url: str) -> None:
    root = opened(page, f"{app_url}/codes?codebook=64")
    root.get_by_role("button", name="Take a held-out 5", exact=True).click()
    cell(root, 9).click()
    paint = panel(page, "paint")
    brush(paint, 11)
    cell(paint, 40).click()
    page.wait_for_url("**codes=**")
    there = opened(elsewhere, page.url)
    other = panel(elsewhere, "paint")
    assert state(there)["codes"] == state(root)["codes"] and state(there)["cell"] == 9
    assert panel_state(other)["codes"] == panel_state(paint)["codes"] and panel_state(other)["painted"]


@pytest.mark.parametrize(
    "codes", [",".join(["64"] * CELLS), ",".join(["1"] * 10_000), "1,2,3", ",".join(["-1"] * CELLS), "<img src=x>"]
)
def test_codes_that_are_none_are_left_out_with_a_sentence(page: Page, app_url: str, codes: str) -> None:
    root = opened(page, f"{app_url}/codes?codes={codes}")
    paint = panel(page, "paint")
    assert panel_state(paint)["codes"] == state(root)["codes"] and not panel_state(paint)["painted"]
    said = page.locator("[data-testid=stAlert]").or_(paint.locator(".result"))
    text = " ".join(said.all_inner_texts())
    assert "left out" in text, json.dumps(text)


def test_another_codebook_keeps_the_drawing_and_drops_painted_codes(page: Page, app_url: str) -> None:
    root = opened(page, f"{app_url}/codes")
    root.get_by_role("button", name="Take a held-out 8", exact=True).click()
    paint = panel(page, "paint")
    cell(paint, 0).click()
    pixels = state(root)["pixels"]
    choice(page, "Entries, K", "FSQ").click()
    expect(root.locator(".subtitle")).to_contain_text("FSQ")
    settle(page)
    assert state(root)["pixels"] == pixels and not panel_state(paint)["painted"]
    assert_as_torch(state(root), run_of(CODEBOOKS["fsq"]))
    assert panel_state(paint)["codes"] == state(root)["codes"]


@pytest.mark.parametrize("name", ["vq_vae", "vq_prior"])
def test_the_explorer_restores_image_cell_and_painted_codes_of_a_run_and_answers_as_torch_does(
    page: Page, app_url: str, name: str
) -> None:
    run = run_of(CODEBOOKS["64"]) if name == "vq_vae" else load_run(prior_line("free").key)
    painted = [(7 * index) % 64 for index in range(CELLS)]
    page.goto(f"{app_url}/explorer?run={run.key}&image=8&cell=12&codes={','.join(map(str, painted))}")
    board = page.locator(".component.held")
    expect(board).to_be_visible()
    paint, book = panel(page, "paint"), panel(page, "codebook")
    shown = state(board)
    held_out = load(DATASET, "validation", download=False)
    assert np.allclose(shown["pixels"], held_out.floats()[np.flatnonzero(held_out.labels == 3)[1]], atol=1e-6)
    assert shown["cell"] == 11
    assert_as_torch(shown, run)
    assert panel_state(paint)["codes"] == painted and panel_state(paint)["painted"]
    assert np.allclose(panel_state(paint)["image"], torch_image(run, painted), atol=1e-3)
    assert [int(text) for text in book.get_by_role("gridcell").all_inner_texts()] == shown["codes"]
    plane = np.reshape(panel_state(book)["places"], (64, 2))
    entries = run.model.codebook.detach().numpy()
    centred = (entries - entries.mean(axis=0)) @ np.linalg.svd(entries - entries.mean(axis=0))[2][:2].T
    assert np.allclose(np.abs(plane), np.abs(centred), atol=1e-3)
    board.get_by_role("radio").nth(7).focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**image=9**")
    expect(board.get_by_role("radio", checked=True)).to_be_focused()
    if name == "vq_prior":
        writer = page.locator(".writer")
        writer.scroll_into_view_if_needed()
        assert len(writer.evaluate("root => root.writer.state()")["codes"]) == CELLS


def test_a_link_for_another_grid_is_left_out_with_a_sentence_in_the_explorer(page: Page, app_url: str) -> None:
    run = run_of(CODEBOOKS["16"])
    page.goto(f"{app_url}/explorer?run={run.key}&image=20&cell=1000&codes=1,2,3")
    paint = panel(page, "paint")
    board = page.locator(".component.held")
    assert panel_state(paint)["codes"] == state(board)["codes"] and not panel_state(paint)["painted"]
    assert state(board)["cell"] == CELLS - 1 and state(board)["index"] == 19
    expect(paint.locator(".result")).to_contain_text("do not fit this codebook, so they were left out")
