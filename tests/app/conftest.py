"""What every test of the pages starts from."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner

import ui.runs.selection
from ui.runs.resources import store
from ui.runs.selection import compared_spec
from ui.training.standby import Standby
from vae_core.execution import Execution
from vae_core.models import model_kind
from vae_core.spec import RunSpec
from vae_core.storage.store import Store
from vae_core.training.jobs import get_or_train

FOLDER = Path(__file__).parent
FLOAT32 = Execution(precision="float32")  # the same numbers on every processor


class NobodyWaits(Standby):
    """Has no process wait for somebody who may train: each would import torch, once for every test of such a page."""

    def prepare(self) -> None:
        """Nothing."""


@pytest.fixture(autouse=True, scope="session")
def beside_other_tests() -> Iterator[None]:
    """What tests need that share two cores.

    A process that gives way to all else would hardly come to run; those who train start it then; and a reader's
    imports alone may take longer than a visitor should wait.
    """
    nobody = NobodyWaits()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAE_NICE", "0")
        patch.setattr("ui.training.app_queue._standby", lambda: nobody)
        patch.setattr("ui.chapters.explorer.sent._LONGEST", 300.0)
        yield


@pytest.fixture(autouse=True, scope="session")
def installed_components() -> Iterator[None]:
    """Every `AppTest` reads the metadata of all installed packages, which takes longer than most pages: done once."""
    found = manifest_scanner.scan_component_manifests()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", lambda: found)
        yield


def changes_the_app(test: pytest.Item) -> bool:
    """Whether a test changes the app's store or code."""
    return "monkeypatch" in getattr(test, "fixturenames", ())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that change the app come last in their file: the others find what a page has computed, up to seconds."""
    files: dict[Path, int] = {}
    for test in items:
        files.setdefault(test.path, len(files))
    items.sort(key=lambda test: (files[test.path], FOLDER in test.path.parents and changes_the_app(test)))


@pytest.fixture(autouse=True)
def fresh_caches(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that changes the app's store or code starts and ends with empty caches; the others share them."""
    changes = changes_the_app(request.node)
    if changes:
        forget()
    yield
    if changes:
        forget()


def forget() -> None:
    """Empty every cache of the app."""
    st.cache_resource.clear()
    st.cache_data.clear()
    for name, module in list(sys.modules.items()):
        if name == "ui" or name.startswith("ui."):
            for cached in vars(module).values():
                if hasattr(cached, "cache_clear") and not isinstance(cached, type):
                    cached.cache_clear()


@pytest.fixture
def shipped() -> Store:
    """The app's store as it is before a test puts another in its place."""
    return store()


@pytest.fixture
def empty_store(shipped, tmp_path, monkeypatch) -> Store:
    """The app's store for one test, with nothing in it."""
    root = tmp_path / "runs"
    monkeypatch.setenv("VAE_STORE", str(root))
    return Store(root)


@pytest.fixture(scope="session")
def trained_store(shared_folder: Path) -> Store:
    """Two small runs, trained once for all tests; not to be changed."""
    store = Store(shared_folder / "trained")
    for model in ("ae", "vae"):
        get_or_train(store, RunSpec("digits", model, hidden=(16,), epochs=1), execution=FLOAT32)
    return store


@pytest.fixture(scope="session")
def trained_grids(shared_folder: Path) -> Store:
    """Two small runs with a codebook, and a prior over the codes of one; not to be changed."""
    store, prior = Store(shared_folder / "grids"), model_kind("vq_prior")
    specs = [
        RunSpec("digits", "vq_vae", hidden=(8, 8, 8), epochs=2, options={"entries": 12, "dimensions": 4}),
        RunSpec("digits", "fsq", hidden=(8, 8, 8), epochs=2, options={"levels": [3, 3]}),
    ]
    shared = prior.base_fields(specs[0])
    of = {**shared["options"], "width": 32, "layers": 1}
    specs.append(RunSpec(model="vq_prior", epochs=1, **{**shared, "options": of}))
    for spec in specs:
        get_or_train(store, spec, execution=FLOAT32, film=True)
    return store


@pytest.fixture
def grid_store(tmp_path, monkeypatch, trained_grids) -> Store:
    """The app's store for one test, with runs whose codes are entries of a codebook."""
    root = tmp_path / "runs"
    shutil.copytree(trained_grids.root, root)
    monkeypatch.setenv("VAE_STORE", str(root))
    return Store(root)


@pytest.fixture
def small_store(tmp_path, monkeypatch, trained_store) -> Store:
    """The app's store for one test, with two small runs."""
    root = tmp_path / "runs"
    shutil.copytree(trained_store.root, root)
    monkeypatch.setenv("VAE_STORE", str(root))
    return Store(root)


@pytest.fixture
def two_epochs(monkeypatch) -> Iterator[None]:
    """Chapters train two epochs on a small dataset."""
    monkeypatch.setattr(ui.runs.selection, "SMALL_SET_EPOCHS", 2)
    compared_spec.cache_clear()
    yield
    compared_spec.cache_clear()
