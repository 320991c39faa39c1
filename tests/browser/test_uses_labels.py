"""The bench "Few labels" as a visitor uses it: M2 under the pen against torch, classes, the server's answers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from playwright.sync_api import Locator, Page, expect

from ui.chapters.uses.labels import QUESTIONS
from ui.chapters.uses.runs import shipped
from ui.runs.resources import held_out, load_run
from vae_core.run import Run

pytestmark = pytest.mark.browser

LINK = "uses?bench=labels&answers=" + ",".join(f"{name}:0" for name in QUESTIONS)


def ready(page: Page) -> Locator:
    root = page.locator(".component.analogies")
    expect(root).to_be_visible()
    root.scroll_into_view_if_needed()
    expect(root.locator(".told")).to_contain_text("Taken for")
    return root


def state(root: Locator) -> dict:
    return root.evaluate("root => root.bench.state()")


def settle(page: Page) -> None:
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def assert_as_torch(shown: dict, run: Run) -> None:
    model = run.model
    with torch.no_grad():
        x = torch.tensor([shown["image"]], dtype=torch.float32)
        u, _ = model.standard_codes(model.trunk(x))
        probabilities = torch.softmax(model.classifier(u), dim=1)[0].numpy()
        y = torch.eye(10)[shown["label"]][None]
        z = model.posterior(torch.cat([u, y], dim=1))[:, : model.style]
        every = torch.cat([z.expand(10, -1), torch.eye(10)], dim=1)
        written = model.decode(model.restore(model.conditional(every))).sigmoid().numpy()
    assert np.allclose(shown["probabilities"], probabilities, atol=1e-3)
    assert np.allclose(shown["z"], z.numpy()[0], rtol=1e-3, atol=1e-3)
    assert np.allclose(np.reshape(shown["written"], (10, -1)), written, atol=2e-3)


def test_class_handwriting_and_images_are_torchs_and_the_server_answers_too(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/{LINK}")
    root, run = ready(page), load_run(shipped("M1+M2", lambda spec: spec.model == "m2").key)
    images = held_out("mnist")
    board = page.locator(".component.board")
    for label in (4, 7):
        board.get_by_role("button", name=f"Take a held-out {label}", exact=True).click()
        settle(page)
        shown = state(root)
        first = images.floats()[np.flatnonzero(images.labels == label)[0]]
        assert np.allclose(shown["image"], first, atol=1e-6)
        assert_as_torch(shown, run)
        assert root.get_by_role("button", pressed=True).locator("b").inner_text() == str(shown["label"])
    expect(page.get_by_role("table", name="What each classifier says")).to_be_visible()

    # Another class is said, with the keyboard; and taken back.
    row = root.locator(".row").nth(2)
    row.focus()
    page.keyboard.press("Enter")
    shown = state(root)
    assert shown["label"] == 2
    assert_as_torch(shown, run)
    root.get_by_role("button", name="Read it as the likeliest class", exact=True).click()
    assert state(root)["label"] == int(np.argmax(shown["probabilities"]))

    # An empty board.
    board.get_by_role("button", name="Clear", exact=True).click()
    expect(root.locator(".nothing")).to_be_visible()
    expect(page.get_by_text("the classifiers have nothing to tell")).to_be_visible()


def test_every_move_of_the_pen_is_followed_within_a_frame(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/{LINK}")
    root = ready(page)
    board = page.locator(".component.board")
    board.get_by_role("button", name="Clear", exact=True).click()
    board.scroll_into_view_if_needed()
    box = board.locator(".pad").bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.2 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.8 * box["height"], steps=10)
    page.mouse.up()
    settle(page)
    shown = state(root)
    assert any(shown["image"])
    assert_as_torch(shown, load_run(shipped("M1+M2", lambda spec: spec.model == "m2").key))
