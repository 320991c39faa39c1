"""One's own colour photographs, from a folder to the plane: trained by the command line, touched in a browser."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import Locator, expect

from benchmarks.serving import ROOT, serve
from vae_core.execution import Execution
from vae_core.run import Run
from vae_core.spec import RunSpec
from vae_core.storage.store import Store
from vae_core.training.jobs import get_or_train

from .conftest import rgba
from .test_canvas import move_to, plane_of, sent_frames, state

pytestmark = pytest.mark.browser

CLASSES = {"sea": (40, 110, 190), "wood": (150, 90, 30)}
KINDS = ("jpg", "png", "webp")


class Album(NamedTuple):
    """An app whose store holds runs on one set of photographs.

    Attributes:
        url: of the app.
        folder: of the photographs.
        convolutional: trained by the command line, 32 × 32 pixels.
        filmed: fully connected, with its film.
    """

    url: str
    folder: Path
    convolutional: Run
    filmed: Run


def photographs(folder: Path, count: int = 60) -> None:
    """Colour gradients with texture, in two folders, three formats, and sizes that are not alike."""
    random = np.random.default_rng(0)
    for number in range(count):
        name, hue = list(CLASSES.items())[number % 2]
        width, height = 53 + 7 * (number % 9), 47 + 11 * (number % 5)
        slope = np.add.outer(np.linspace(-40, 40, height), np.linspace(-40, 40, width) * (-1) ** (number // 2))
        texture = random.normal(0, 8, (height, width, 3))
        pixels = np.clip(np.array(hue) + slope[..., None] + texture, 0, 255).astype(np.uint8)
        (folder / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / name / f"{number}.{KINDS[number % 3]}")


@pytest.fixture(scope="module")
def album(shared_folder: Path, made_once: Callable[[str, Callable[[], str]], str]) -> Iterator[Album]:
    place = shared_folder / "album"
    environment = {"VAE_DATA": str(place / "data"), "VAE_STORE": str(place / "runs")}
    store = Store(place / "runs")
    trained = store.load(made_once("album", lambda: trained_on_photographs(place, environment)))
    film = get_or_train(store,
        RunSpec(trained.spec.dataset, "vae", hidden=(16,), epochs=2),
        execution=Execution(data_root=place / "data", precision="float32"),
        film=True,
    )  # fmt: skip
    with serve(environment={**environment, "VAE_NICE": "0"}) as server:  # its runs take their turn beside other tests
        yield Album(server.url, place / "photographs", trained, film)


def trained_on_photographs(place: Path, environment: dict[str, str]) -> str:
    """The run's key; the photographs are in a folder of the place."""
    photographs(place / "photographs")
    command = [
        sys.executable, "-m", "vae_core", "train", "--images", str(place / "photographs"), "--colour", "colour",
        "--size", "32", "--model", "conv_vae", "--hidden", "4,8,16", "--epochs", "2", "--precision", "float32",
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True,
        timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "60 colour images, 2 classes" in done.stderr
    return done.stdout.strip()


def colours(canvas: Locator) -> np.ndarray:
    """(3, H, W), 0 to 1, of a picture on screen at its own resolution."""
    return rgba(canvas)[..., :3].transpose(2, 0, 1) / 255


def by_torch(run: Run, x: float, y: float) -> np.ndarray:
    with torch.no_grad():
        return run.likelihood.expected_pixels(run.model.decode(torch.tensor([[x, y]])))[0].numpy()


def test_photographs_become_a_plane_in_colour_that_answers_as_torch_does(page, album):
    frames, run = sent_frames(page), album.convolutional
    assert run.image_shape == (3, 32, 32) and run.label_names == tuple(CLASSES)
    page.goto(f"{album.url}/explorer?run={run.key}")
    plane = plane_of(page)
    page.wait_for_timeout(300)
    before = len(frames)
    for u, v in ((0.3, 0.4), (0.7, 0.35), (0.52, 0.6)):
        move_to(page, plane, u, v)
        at = state(plane)["at"]
        expected = by_torch(run, at["x"], at["y"])
        decoded = plane.evaluate("(plane, at) => Array.from(plane.latentCanvas.decoder.decode([at.x, at.y]))", at)
        assert np.abs(np.array(decoded) - expected).max() < 1e-4
        for picture in (plane.locator(".lens canvas"), page.locator("canvas.decoded")):
            shown = colours(picture)
            assert np.abs(shown.ravel() - expected).max() <= 1.5 / 255
            assert min(np.abs(shown[one] - shown[other]).max() for one, other in ((0, 1), (1, 2), (0, 2))) > 0.02
    assert len(frames) == before
    expect(page.locator("dd.nearest")).to_contain_text(" away")
    assert page.locator("dd.nearest").inner_text().split(",")[0] in CLASSES
    original = colours(page.locator("canvas.original"))
    assert np.abs(original[0] - original[2]).max() > 0.1


def test_the_film_of_a_run_on_photographs_is_in_colour(page, album):
    run = album.filmed
    page.goto(f"{album.url}/train?run={run.key}")
    film = page.locator(".training-film")
    expect(film).to_be_visible()
    originals = colours(film.locator("canvas.originals"))
    assert np.abs(originals[0] - originals[2]).max() > 0.3
    film.locator("input").focus()
    for key, epoch in (("Home", 0), ("End", 1)):
        page.keyboard.press(key)
        expect(film.locator("output")).to_have_text(f"epoch {epoch + 1} of 2")
        first = run.extras["film/rebuilt"][epoch][0] / 255
        shown = colours(film.locator("canvas.rebuilt"))
        assert np.abs(shown[:, : first.shape[1], : first.shape[2]] - first).max() <= 1.5 / 255
    page.get_by_role("link", name="Explore its latent space").click()
    plane = plane_of(page)
    move_to(page, plane, 0.4, 0.4)
    at = state(plane)["at"]
    assert state(plane)["key"] == run.key
    assert np.abs(colours(plane.locator(".lens canvas")).ravel() - by_torch(run, at["x"], at["y"])).max() <= 1.5 / 255


def test_a_vq_vae_of_photographs_is_trained_from_the_page_and_explored_in_colour(page, album):
    dataset = album.convolutional.spec.dataset
    settings = "model=vq_vae&depth=16-16-16&entries=8&dimensions=4&epochs=2&batch=128"
    page.goto(f"{album.url}/train?dataset={dataset}&{settings}")
    page.get_by_role("button", name="Train", exact=True).click(timeout=60_000)
    page.wait_for_url(re.compile(r"[?&]run="))
    expect(page.get_by_text("Script that repeats it")).to_be_visible(timeout=240_000)
    run = Store(album.folder.parent / "runs").load(re.search(r"[?&]run=([^&]+)", page.url)[1])
    assert run.spec == RunSpec(
        dataset, "vq_vae", hidden=(16, 16, 16), epochs=2, batch_size=128, options={"entries": 8, "dimensions": 4}
    )  # fmt: skip
    film = page.locator(".training-film")
    expect(film.locator(".plane")).to_be_hidden()
    expect(film.locator(".curve b")).to_have_text(
        ["Reconstruction", "Commitment, squared latent units", "Perplexity, entries of 8, of 11 images"]
    )
    film.locator("input").press("Home")
    expect(film.locator("output")).to_have_text("epoch 1 of 2")
    first = run.extras["film/rebuilt"][0][0] / 255
    shown = colours(film.locator("canvas.rebuilt"))
    assert np.abs(shown[:, : first.shape[1], : first.shape[2]] - first).max() <= 1.5 / 255

    page.get_by_role("link", name="Explore its codes").click()
    board = page.locator(".component.held")
    expect(board).to_be_visible(timeout=60_000)
    board.get_by_role("radio").nth(3).click()
    at = board.evaluate("board => board.codes.state()")
    with torch.no_grad():
        pixels = torch.tensor([at["pixels"]])
        vectors = run.model.vectors(pixels).flatten(1)[0].numpy()
        assert np.allclose(at["vectors"], vectors, rtol=1e-3, atol=1e-3)
        expected = run.model.decode(torch.tensor([at["codes"]], dtype=torch.float32)).sigmoid()[0].numpy()
    away = torch.cdist(torch.tensor(vectors).view(-1, 4), run.model.codebook.detach())
    assert np.allclose(away.min(dim=1).values, away[range(64), at["codes"]], rtol=1e-3)
    for picture, values in (("rebuilt", expected), ("original", np.array(at["pixels"]))):
        assert np.abs(colours(board.locator(f"canvas.{picture}")).ravel() - values).max() <= 1.5 / 255
    assert [int(text) for text in board.get_by_role("gridcell").all_inner_texts()] == at["codes"]
    swatch = page.locator(".paint .swatch canvas").first
    assert colours(swatch).shape == (3, 12, 12)


def test_pictures_are_sent_looked_at_and_chosen_on_a_phone(phone, album):
    phone.goto(f"{album.url}/train")
    phone.get_by_text("Your own images").click()
    some = sorted(album.folder.rglob("*.jpg")) + sorted(album.folder.rglob("*.webp"))
    phone.locator("input[type=file]").set_input_files(some)
    said = "40 colour images of 28 × 28 pixels, 1 class; 29 to learn from, 11 held out."
    expect(phone.get_by_text(said)).to_be_visible()
    tiles = phone.get_by_role("img", name="own pictures")
    expect(tiles).to_be_visible()
    assert tiles.bounding_box()["width"] <= 390
    for element in ("document.scrollingElement", "document.querySelector('[data-testid=stMain]')"):
        assert phone.evaluate(f"{element}.scrollWidth") <= phone.evaluate("innerWidth") + 1
    phone.get_by_role("button", name="Use these images").click()
    expect(phone.get_by_text("Your images are chosen in the form below.")).to_be_visible()
    expect(phone.get_by_text("Its key: vae-own-3x28x28-")).to_be_visible()
    expect(phone.get_by_role("button", name="Use these images")).to_have_count(0)
