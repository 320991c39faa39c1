"""A model, a dataset and a chapter from outside of the package go the whole way through the registries alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from typer.testing import CliRunner

from benchmarks.serving import ROOT, serve
from ui.chapters import chapters
from vae_core import archive
from vae_core.cli import commands as cli
from vae_core.datasets import info, load
from vae_core.payloads.plane import plane_payload
from vae_core.storage.manifest import SHIPPED
from vae_core.storage.store import Store

from .test_canvas import plane_of
from .test_engine import decode, torch_pixels

from .test_engine import bare_page, engine  # noqa: F401  # isort: skip

SUPPORT = ROOT / "tests" / "support"
TRAIN = (
    "train",
    "--dataset",
    "toy_bars",
    "--model",
    "toy_vq",
    "--epochs",
    "60",
    "--learning-rate",
    "0.01",
    "--option",
    "entries=24",
)


def environment(*plugins: str) -> dict[str, str]:
    return {"VAE_PLUGINS": ",".join(plugins), "PYTHONPATH": f"{SUPPORT}{os.pathsep}{ROOT}"}


def command(*words: str, store: Path) -> list[str]:
    options = ("--device", "cpu", "--precision", "float32") if words[0] == "train" else ()
    return [sys.executable, "-m", "vae_core", *words, *options, "--store", str(store)]


def printed(*words: str, store: Path) -> str:
    variables = os.environ | environment("toy_plugin")
    done = subprocess.run(
        command(*words, store=store), env=variables, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module", autouse=True)
def plugin() -> Iterator[None]:
    """The toy, in this process too."""
    sys.path.insert(0, str(SUPPORT))
    import toy_plugin  # noqa: F401

    yield
    sys.path.remove(str(SUPPORT))


def printed_here(*words: str, store: Path) -> str:
    """The same by a command in this process, which has torch and the toy already."""
    done = CliRunner().invoke(cli.app, command(*words, store=store)[3:])
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module")
def trained(shared_folder: Path, made_once: Callable[[str, Callable[[], str]], str], plugin: None) -> tuple[Store, str]:
    """A store with a run that was killed on its way and trained on; not to be changed."""
    root = shared_folder / "killed"
    return Store(root), made_once("killed", lambda: killed_and_trained_on(root))


def killed_and_trained_on(root: Path) -> str:
    """The run's key."""
    process = subprocess.Popen(
        command(*TRAIN, store=root), env=os.environ | environment("toy_plugin"), cwd=ROOT, stdout=subprocess.DEVNULL
    )
    partials = root / ".partial"
    begun = time.monotonic()
    while not any(partials.glob("*.safetensors")):
        assert process.poll() is None and time.monotonic() - begun < 240, "nothing to kill"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    (partial,) = partials.glob("*.safetensors")
    tensors, document = archive.read(partial)
    assert 1 <= document["epoch"] < 60
    assert {name.split("/")[1] for name in tensors if name.startswith("moments/")} == {"network", "codebook"}
    return printed(*TRAIN, store=root).strip()


def test_a_killed_run_of_two_optimisers_ends_as_one_that_was_left_alone(trained, tmp_path):
    store, key = trained
    assert printed_here(*TRAIN, store=tmp_path).strip() == key
    killed, alone = store.load(key), Store(tmp_path).load(key)
    assert alone.weights["codebook.weight"].shape == (2, 24)
    assert alone.spec.to_dict()["options"] == {"entries": 24}  # the other field says the usual
    assert killed.weights.keys() == alone.weights.keys()
    for name, array in alone.weights.items():
        assert np.array_equal(killed.weights[name], array), name
    losses = [[{k: v for k, v in entry.items() if k != "seconds"} for entry in run.history] for run in (killed, alone)]
    assert losses[0] == losses[1]
    first, last = alone.history[0], alone.history[-1]
    assert {"reconstruction", "commitment", "codebook", "validation_codebook"} < set(first)
    assert last["validation_reconstruction"] < 0.8 * first["validation_reconstruction"]


def test_it_is_evaluated_and_its_images_have_factors(trained):
    store, key = trained
    told = json.loads(printed_here("evaluate", key, "--split", "test", "--json", store=store.root))
    run, images = store.load(key), load("toy_bars", "test")
    assert told["n"] == len(images) == 40
    pixels = run.decode(run.model.encode_mean(_tensor(images.floats())).numpy())
    assert told["metrics"]["mse"] == pytest.approx(float(np.square(pixels - images.floats()).mean()), rel=1e-5)
    assert (
        [factor.name for factor in images.factors] == ["place", "light"] == [f.name for f in info("toy_bars").factors]
    )
    places = images.images[:, 0, 0].argmax(axis=1)
    assert np.array_equal(images.factor_values[:, 0], places)


def _tensor(array: np.ndarray):
    import torch

    return torch.from_numpy(array)


@pytest.mark.browser
def test_the_browser_decodes_it_as_torch_does(trained, engine):  # noqa: F811
    store, key = trained
    run = store.load(key)
    points = np.random.default_rng(0).normal(size=(30, 2))
    found = decode(engine, plane_payload(run).to_bytes(), points)
    assert np.abs(found - torch_pixels(run, points)).max() < 1e-3


@pytest.mark.browser
def test_its_chapter_is_on_home_in_the_menu_and_opens_by_a_link(trained, page: Page, tmp_path: Path):
    store, key = trained
    for run in (*SHIPPED.glob("*.safetensors"), store.path(key)):
        (tmp_path / run.name).symlink_to(run)
    variables = environment("toy_plugin", "toy_chapter") | {"VAE_STORE": str(tmp_path)}
    with serve(environment=variables) as server:
        page.goto(f"{server.url}/toy_codes?side=5")
        expect(page.get_by_role("heading", name="Codes on a list")).to_be_visible()
        expect(page.get_by_text("25 codes are seen.")).to_be_visible()
        plane_of(page)
        page.goto(server.url)
        main = page.get_by_test_id("stMain")
        expect(main.get_by_role("link", name="Codes on a list")).to_be_visible()
        expect(main.get_by_text("As many as it has entries.")).to_be_visible()
        main.get_by_role("link", name="Codes on a list").click()
        expect(page.get_by_text("9 codes are seen.")).to_be_visible()
        page.goto("about:blank")  # before the server goes: what is still on its way is no error
        titles = [chapter.title for chapter in chapters()]
        assert titles and "Codes on a list" not in titles  # only where the plugin is named
