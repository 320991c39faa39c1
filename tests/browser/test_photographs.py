"""Your own photographs in a browser: mark, walk, add, and see what torch computes; another visitor's click trains."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from playwright.sync_api import Locator, Page, expect

from benchmarks.serving import serve
from ui.runs.selection import own_spec
from vae_core.datasets import load, own
from vae_core.datasets.reading import OwnImages
from vae_core.execution import Execution
from vae_core.run import Run
from vae_core.storage.store import Store
from vae_core.training.jobs import get_or_train

from .conftest import rgba
from .test_canvas import wait_until

pytestmark = pytest.mark.browser

COUNT = 30


class Photographs(NamedTuple):
    """An app whose store holds an autoencoder and VAEs of two β, on one set; two more β are missing.

    Attributes:
        url: of the page, on that set.
        models: the autoencoder and the VAE of β = 1.
        pixels: (N, D), of all photographs as the page numbers them.
    """

    url: str
    models: list[Run]
    pixels: np.ndarray


def _train(place: Path) -> str:
    """The set's name; runs of one epoch take the places of those that the page asks for."""
    random = np.random.default_rng(1)
    light = np.linspace(20, 230, COUNT)[:, None, None, None] + random.normal(0, 20, (COUNT, 3, 28, 28))
    pixels = np.clip(light, 0, 255).astype(np.uint8)
    name = own.save(OwnImages("light", pixels, np.zeros(COUNT, np.int64), ("own pictures",)), place / "data")
    execution = Execution(place / "data", precision="float32")
    for model, beta in (("ae", None), ("vae", 1.0), ("vae", 4.0)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("VAE_DATA", str(place / "data"))
            spec = own_spec(name, model, 2, beta)
            short = get_or_train(Store(place / "short"), replace(spec, epochs=1), execution=execution)
            Store(place / "runs").save(replace(short, spec=spec))
    return name


@pytest.fixture(scope="module")
def photographs(shared_folder: Path, made_once: Callable[[str, Callable[[], Any]], Any]) -> Iterator[Photographs]:
    place = shared_folder / "light"
    name = made_once("light", lambda: _train(place))
    runs = [
        Store(place / "runs").load(own_spec(name, model, 2, beta).key) for model, beta in (("ae", None), ("vae", 1.0))
    ]
    parts = [load(name, split, root=place / "data").floats() for split in ("validation", "train")]
    with serve(environment={"VAE_DATA": str(place / "data"), "VAE_STORE": str(place / "runs")}) as server:
        yield Photographs(f"{server.url}/photographs?dataset={name}&d=2", runs, np.concatenate(parts))


def opened(page: Page, url: str) -> None:
    page.goto(url)
    expect(page.locator(".album").first).to_be_visible()
    expect(page.locator(".latent-along").first).to_be_visible()
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def shown_by(along: Locator) -> np.ndarray:
    """(D,), the large picture of a line."""
    return (rgba(along.locator("canvas.decoded"))[..., :3].transpose(2, 0, 1) / 255).ravel()


def by_torch(run: Run, code: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        z = torch.from_numpy(code.astype(np.float32))[None]
        return run.likelihood.expected_pixels(run.model.decode(z))[0].numpy()


def codes(run: Run, pixels: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return run.model.encode(torch.from_numpy(pixels)).mean.numpy()


def test_two_are_marked_and_the_walk_between_them_is_what_torch_decodes(page, photographs):
    opened(page, photographs.url)
    album = page.locator(".album").first
    album.get_by_role("button", name="Photograph 7").click()
    wait_until(page, lambda: "between=2%2C7" in page.url or "between=2,7" in page.url)
    lines = page.locator(".st-key-step-between .latent-along")
    expect(lines).to_have_count(2)
    expect(lines.first.locator(".subtitle")).to_have_text("from photograph 2 to photograph 7")
    lines.first.get_by_role("slider").focus()
    page.keyboard.press("End")
    lines.nth(1).locator(".steps button").nth(2).click()  # of nine from 0 to 1; the other line goes with it
    for line, run in zip(lines.all(), photographs.models, strict=True):
        expect(line.locator("output")).to_have_text("0.25")
        expect(line.locator(".steps button[aria-pressed=true]")).to_have_count(1)
        z = codes(run, photographs.pixels)
        expected = by_torch(run, 0.75 * z[1] + 0.25 * z[6])
        assert np.abs(shown_by(line) - expected).max() < 0.02
    page.wait_for_url(lambda url: "t=0.25" in url)
    page.reload()
    expect(lines.nth(1).locator("output")).to_have_text("0.25")
    expect(lines.first.locator(".subtitle")).to_have_text("from photograph 2 to photograph 7")


def test_marks_by_keyboard_make_a_direction_and_the_slider_adds_it(page, photographs):
    opened(page, photographs.url)
    album = page.locator(".album").nth(1)
    expect(page.get_by_text("Mark a few photographs that have the attribute")).to_be_visible()
    for purpose, number in (("has it", 1), ("does not have it", 2), ("add it to this one", 3)):
        album.get_by_role("button", name=purpose, exact=True).click()
        album.locator(".sheet button").nth(0).focus()
        for _ in range(number - 1):
            page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        expect(album.get_by_role("button", name=f"Photograph {number}: {purpose}")).to_be_focused()
    lines = page.locator(".st-key-step-attribute .latent-along")
    expect(lines).to_have_count(2)
    expect(lines.first.locator(".subtitle")).to_contain_text("photograph 3; the groups lie")
    lines.first.get_by_role("slider").focus()
    page.keyboard.press("End")
    for line, run in zip(lines.all(), photographs.models, strict=True):
        expect(line.locator("output")).to_have_text("3.00")
        z = codes(run, photographs.pixels)
        assert np.abs(shown_by(line) - by_torch(run, z[2] + 3 * (z[0] - z[1]))).max() < 0.02


def test_photographs_lie_at_their_codes_the_dial_has_what_is_there_and_the_rest_can_be_asked_for(page, photographs):
    opened(page, photographs.url)
    points = page.locator(".latent-canvas:visible canvas.points").first

    def mean_of_tiles() -> float:
        return float(rgba(points)[..., 3].mean())

    wait_until(page, lambda: mean_of_tiles() > 5)  # eleven dots would cover less than a hundredth
    expect(page.locator(".beta-dial .ticks button")).to_have_count(2)
    expect(page.get_by_text("VAE, β = 0.1 and VAE, β = 16")).to_be_visible()
    page.get_by_role("button", name="Train what is missing").click()
    expect(page.get_by_text("VAE, β = 0.1: epoch")).to_be_visible()
    page.reload()
    expect(page.get_by_text("VAE, β = 0.1: epoch")).to_be_visible()
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_role("button", name="Train what is missing")).to_be_visible()


def test_a_phone_shows_all_of_it(phone, photographs):
    opened(phone, photographs.url)
    for element in ("document.scrollingElement", "document.querySelector('[data-testid=stMain]')"):
        assert phone.evaluate(f"{element}.scrollWidth") <= phone.evaluate("innerWidth") + 1
    tile = phone.locator(".album .sheet button").first.bounding_box()
    assert tile is not None and tile["width"] >= 40
