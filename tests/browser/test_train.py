"""Train your own in a real browser: train, leave, come back, go through the epochs, take the script away and run it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence
from playwright.sync_api import Locator, Page, expect

from benchmarks.serving import serve
from vae_core.storage.store import Store

from .test_canvas import VAE
from .test_dial import sent_frames

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 240_000  # ms
SHORT = "dataset=digits&epochs=12&depth=128&batch=256"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def own_app(store: Store) -> Iterator[str]:
    """An app with a store of its own."""
    kept = {"VAE_STORE": str(store.root), "VAE_DATA": str(store.root / "data")}
    with serve(environment={**kept, "VAE_NICE": "0"}) as server:  # beside other tests it would hardly come to run
        yield server.url


def finished(page: Page) -> Locator:
    expect(page.get_by_text("Script that repeats it")).to_be_visible(timeout=PATIENCE)
    film = page.locator(".training-film")
    expect(film).to_be_visible()
    return film


def key_in(page: Page) -> str:
    found = re.search(r"[?&]run=([^&]+)", page.url)
    assert found, page.url
    return found[1]


def ink(film: Locator) -> int:
    """Pixels of the plane that are drawn on."""
    return film.evaluate("""film => {
      const canvas = film.querySelector(".plane canvas");
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      let drawn = 0;
      for (let i = 3; i < data.length; i += 4) drawn += data[i] > 0;
      return drawn;
    }""")


def unpacked(film: Locator, epoch: int) -> None:
    """Wait until what the decoder made after an epoch is drawn."""
    film.page.wait_for_function(
        "([film, epoch]) => film.trainingFilm.decoded.bitmaps.get(epoch)", arg=[film.element_handle(), epoch]
    )


def test_train_leave_come_back_scrub_and_repeat_it_elsewhere(page, own_app, store, tmp_path):
    page.goto(f"{own_app}/train?{SHORT}")
    page.get_by_role("button", name="Train").click(timeout=60_000)
    page.wait_for_url(re.compile(r"[?&]run="))
    key = key_in(page)
    expect(page.get_by_text(re.compile("first epoch is on its way|^Epoch ")).first).to_be_visible()

    page.get_by_role("link", name="Home").click()  # leave, for another page and then for good
    page.wait_for_url(lambda url: "/train" not in url)
    page.goto("about:blank")
    page.goto(f"{own_app}/train")
    film = finished(page)
    assert key_in(page) == key  # found without its link: the browser is known

    run = store.load(key)
    assert film.evaluate("film => film.trainingFilm.header.frames") == run.snapshot_epochs == list(range(1, 13))
    slider = film.locator("input")
    slider.focus()
    page.keyboard.press("Home")
    expect(film.locator("output")).to_have_text("epoch 1 of 12")
    shown = film.evaluate("film => Array.from(film.trainingFilm.points.subarray(0, 20))")
    assert np.array_equal(np.float16(shown).reshape(10, 2), run.snapshots[0][:10])
    assert ink(film) > 1_000
    record = run.history[0]
    total = record["validation_reconstruction"] + record["validation_kl"]
    told = float(film.locator(".curve span").first.text_content().split()[0])
    assert told == pytest.approx(total, abs=0.0051)
    pictures = ("canvas.rebuilt", ".samples canvas", ".plane canvas")
    unpacked(film, 1)
    first = {name: film.locator(name).evaluate("canvas => canvas.toDataURL()") for name in pictures}
    page.keyboard.press("End")
    expect(film.locator("output")).to_have_text("epoch 12 of 12")
    unpacked(film, 12)
    for name in pictures:
        assert film.locator(name).evaluate("canvas => canvas.toDataURL()") != first[name]
    expect(film.locator(".samples canvas")).to_have_attribute("aria-label", re.compile("^16 samples after epoch 12,"))
    film.get_by_role("button", name="Play").click()
    expect(film.get_by_role("button", name="Pause")).to_be_visible()
    expect(film.locator("output")).to_have_text("epoch 12 of 12")
    expect(film.locator(".live")).to_contain_text("Epoch 12: Total: negative ELBO")

    with page.expect_download() as waiting:
        film.get_by_role("button", name="Save as GIF").click()
    assert waiting.value.suggested_filename == f"{key}-training.gif"
    waiting.value.save_as(tmp_path / "film.gif")
    assert (tmp_path / "film.gif").stat().st_size < 2e6
    with Image.open(tmp_path / "film.gif") as moving:
        assert moving.n_frames == 12 and moving.info["loop"] == 0
        shown = [np.asarray(frame.convert("L"), dtype=float) for frame in ImageSequence.Iterator(moving)]
    assert np.abs(shown[0] - shown[-1]).mean() > 1

    with page.expect_download() as waiting:
        page.get_by_role("button", name="Script that repeats it").click()
    file = tmp_path / "repeat.py"
    waiting.value.save_as(file)
    elsewhere = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "VAE_STORE": str(tmp_path / "elsewhere")}
    done = subprocess.run(
        [sys.executable, file], env=elsewhere, cwd=tmp_path, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == key
    repeated = Store(tmp_path / "elsewhere").load(key)
    # The loss of the same arithmetic: only where the app trained in bfloat16 it may differ in the last digits.
    tolerance = 0 if run.provenance["precision"] == "float32" else 0.02
    for name in ("negative_elbo", "reconstruction", "kl", "mse"):
        assert repeated.metrics["test"][name] == pytest.approx(run.metrics["test"][name], rel=tolerance + 1e-4)


def test_scrubbing_sends_nothing_to_the_server(page, app_url):
    frames = sent_frames(page)
    page.goto(f"{app_url}/train?run={VAE}")
    film = finished(page)
    page.wait_for_timeout(1_500)
    before = len(frames)
    box = film.locator(".curve canvas").first.bounding_box()
    for share in np.linspace(0.1, 0.9, 20):
        page.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
        page.mouse.down()
    page.mouse.up()
    film.get_by_role("button", name="Play").click()
    page.wait_for_timeout(1_000)
    assert len(frames) == before


def test_stop_and_go_on(page, own_app, store):
    page.goto(f"{own_app}/train?dataset=digits&epochs=400&depth=512-256&batch=32")
    page.get_by_role("button", name="Train").click(timeout=60_000)
    page.wait_for_url(re.compile(r"[?&]run="))
    film = page.locator(".training-film")
    expect(film.locator("output")).to_have_text(re.compile("before training|epoch"), timeout=PATIENCE)
    mount = film.evaluate("film => (film.mark = 'same', film.trainingFilm.header.frames[0])")
    page.wait_for_function(
        "([film, epoch]) => film.trainingFilm.header.frames[0] > epoch",
        arg=[film.element_handle(), mount],
        timeout=60_000,
    )
    assert film.evaluate("film => film.mark") == "same"  # drawn anew in place: nothing flickers
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("nothing is lost")).to_be_visible(timeout=60_000)
    done = store.epochs_done(key_in(page))
    assert 0 < done < 400
    page.reload()
    expect(page.get_by_text(f"Stopped after epoch {done} of 400; nothing is lost")).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible(timeout=60_000)
    page.wait_for_timeout(500)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("nothing is lost")).to_be_visible(timeout=60_000)


def test_the_stage_is_laid_out_before_the_click_and_begins_with_the_untrained_network(page, own_app):
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{own_app}/train?dataset=digits&epochs=300&depth=512-256&batch=32&seed=3")
    film = page.locator(".training-film")
    expect(film.locator("output")).to_have_text("nothing trains yet", timeout=60_000)
    expect(film.get_by_role("button", name="Play")).to_be_disabled()
    page.get_by_role("button", name="Train").click()
    page.wait_for_url(re.compile(r"[?&]run="))
    expect(film.locator("output")).to_have_text(re.compile("before training|epoch"), timeout=PATIENCE)
    height = film.evaluate("film => film.offsetHeight")
    page.wait_for_function(
        "film => film.trainingFilm.header.frames[0] >= 2", arg=film.element_handle(), timeout=PATIENCE
    )
    assert film.evaluate("film => film.offsetHeight") == height
    epoch = film.evaluate("film => film.trainingFilm.header.frames[0]")
    unpacked(film, epoch)
    images = film.get_by_role("button", name="Images")
    expect(images).to_be_visible(timeout=60_000)  # the held-out images have come
    images.press("Enter")
    expect(images).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("nothing is lost")).to_be_visible(timeout=60_000)


def test_nothing_is_wider_than_a_phone(phone, app_url):
    phone.goto(f"{app_url}/train?run={VAE}")
    finished(phone)
    for element in ("document.scrollingElement", "document.querySelector('[data-testid=stMain]')"):
        assert phone.evaluate(f"{element}.scrollWidth") <= phone.evaluate("innerWidth") + 1
