"""No pickle can be reached from an upload or a file in the store: files that would run code are refused, unrun."""

from __future__ import annotations

import ast
import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from vae_core import archive, datasets
from vae_core.datasets import bundled, own
from vae_core.datasets.reading import read_file, read_files, read_path
from vae_core.errors import DamagedRun, DatasetUnavailable, StoreError, UnusableImages
from vae_core.spec import RunSpec
from vae_core.storage.eviction import evict
from vae_core.storage.export import export_run
from vae_core.storage.store import SUFFIX, Store
from vae_core.training.pictures import Film


class Trap:
    """Whoever unpickles this makes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.marker,)


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    return tmp_path / "code-has-run"


def pickled(marker: Path) -> bytes:
    return pickle.dumps(Trap(marker))


def npy(marker: Path) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, np.array([Trap(marker)] * 30, dtype=object), allow_pickle=True)
    return file.getvalue()


def zipped(**files: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        for name, content in files.items():
            packed.writestr(name.replace("__", "."), content)
    return file.getvalue()


def torch_file(marker: Path) -> bytes:
    file = io.BytesIO()
    torch.save(Trap(marker), file)
    return file.getvalue()


def test_the_trap_works(marker):
    pickle.loads(pickled(marker))
    assert marker.exists()
    marker.unlink()
    np.load(io.BytesIO(npy(marker)), allow_pickle=True)
    assert marker.exists()
    marker.unlink()
    torch.load(io.BytesIO(torch_file(marker)), weights_only=False)
    assert marker.exists()


UPLOADS: dict[str, Callable[[Path], tuple[str, bytes]]] = {
    "a pickle as a picture": lambda marker: ("a.png", pickled(marker)),
    "a pickle as an npz": lambda marker: ("a.npz", pickled(marker)),
    "a pickle as a zip": lambda marker: ("a.zip", pickled(marker)),
    "an npy": lambda marker: ("a.npy", npy(marker)),
    "an npy as an npz": lambda marker: ("a.npz", npy(marker)),
    "an npz of objects": lambda marker: ("a.npz", zipped(images__npy=npy(marker))),
    "an npz with a pickle in it": lambda marker: ("a.npz", zipped(images__npy=pickled(marker))),
    "an npz with labels of objects": lambda marker: (
        "a.npz", zipped(images__npy=plain(), labels__npy=npy(marker))
    ),
    "a zip with pickles in it": lambda marker: ("a.zip", zipped(a__png=pickled(marker), data__pkl=pickled(marker))),
    "what torch saves": lambda marker: ("a.zip", torch_file(marker)),
    "what torch saves, as an npz": lambda marker: ("a.npz", torch_file(marker)),
}  # fmt: skip


def plain() -> bytes:
    file = io.BytesIO()
    np.save(file, np.zeros((30, 28, 28), np.uint8))
    return file.getvalue()


@pytest.mark.parametrize("name", UPLOADS)
def test_no_upload_is_unpickled(name, marker, tmp_path):
    file, content = UPLOADS[name](marker)
    for read in (lambda: read_file(file, content), lambda: read_files([(file, content)])):
        with pytest.raises(UnusableImages):
            read()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / file).write_bytes(content)
    for path in (tmp_path / "folder", tmp_path / "folder" / file):
        with pytest.raises(UnusableImages):
            read_path(path)
    assert not marker.exists()


SPEC = RunSpec("digits", "vae", hidden=(16,), epochs=2)
CONTENTS = {"pickle": pickled, "npy": npy, "torch": torch_file}


@pytest.mark.parametrize("kind", CONTENTS)
def test_no_file_of_the_store_is_unpickled(kind, marker, tmp_path):
    content, store = CONTENTS[kind](marker), Store(tmp_path / "runs")
    finished, partial = store.path(SPEC.key), store.partial_path(SPEC.key)
    for path in (finished, partial):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    assert store.listed(SPEC.key).problem
    assert store.epochs_done(SPEC.key) == 0
    for head in (archive.read, archive.read_document, archive.read_shapes):
        with pytest.raises(DamagedRun):
            head(finished)
    with pytest.raises(DamagedRun):
        store.verify(SPEC.key)
    training, validation = (datasets.load("digits", split) for split in ("train", "validation"))
    assert Film.of(SPEC, training, validation, partial).rebuilt == {}
    evict(store, most=0, only_say=True)
    assert store.load_partial(SPEC) is None
    with pytest.raises(DamagedRun, match="set aside"):
        store.load(SPEC.key)
    finished.write_bytes(content)
    with pytest.raises(StoreError):
        export_run(store, SPEC.key, tmp_path / "taken")
    assert sorted(path.name for path in store.root.glob("*.damaged-*")) == [
        f"{SPEC.key}{SUFFIX}.damaged-{number}" for number in (1, 2)
    ]
    assert not marker.exists()


@pytest.mark.parametrize("kind", CONTENTS)
def test_no_file_of_images_is_unpickled(kind, marker, tmp_path, monkeypatch):
    content, name = CONTENTS[kind](marker), "own-1x28x28-0123456789ab"
    path = own.folder(tmp_path) / f"{name}{own.SUFFIX}"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert own.describe(name, tmp_path) is None and own.stored_sets(tmp_path) == []
    with pytest.raises(DatasetUnavailable, match="damaged"):
        datasets.load(name, "train", root=tmp_path)
    # MNIST as torchvision kept it once, which it still looks for.
    for part in ("training", "test"):
        old = tmp_path / "MNIST" / "processed" / f"{part}.pt"
        old.parent.mkdir(parents=True, exist_ok=True)
        old.write_bytes(content)
    with pytest.raises(DatasetUnavailable):
        datasets.load("mnist", "train", root=tmp_path, download=False)
    sample = tmp_path / "sample.npz"
    sample.write_bytes(zipped(images__npy=npy(marker), labels__npy=npy(marker), positions__npy=npy(marker)))
    monkeypatch.setattr(bundled, "SAMPLE_FILE", sample)
    with pytest.raises(ValueError, match="allow_pickle"):
        bundled.mnist_sample.__wrapped__()
    assert not marker.exists()


UNPICKLING = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


def test_no_module_imports_or_calls_what_unpickles(project):
    for folder in ("vae_core", "ui", "pages"):
        for path in (project / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    assert not UNPICKLING & {name.name.split(".")[0] for name in node.names}, path
                if isinstance(node, ast.ImportFrom):
                    assert (node.module or "").split(".")[0] not in UNPICKLING, path
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "load":
                    owner = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
                    assert owner != "torch", path
                    if owner in ("np", "numpy"):
                        keywords = {each.arg: ast.unparse(each.value) for each in node.keywords}
                        assert keywords.get("allow_pickle") == "False", path
