"""A right hash proves bytes, not meaning: forged files are refused before a run is made of them; listings stay."""

from __future__ import annotations

import copy
import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from vae_core import archive
from vae_core.errors import DamagedRun, StoreError, UnknownRun
from vae_core.run import Run
from vae_core.storage import schema
from vae_core.storage.manifest import SHIPPED
from vae_core.storage.store import Store

HUGE = 10**400


@pytest.fixture
def written(small_runs: dict[str, Run], tmp_path: Path) -> tuple[Store, str]:
    store = Store(tmp_path / "store")
    store.save(small_runs["vae"])
    return store, small_runs["vae"].key


def forge(store: Store, key: str, change: Callable[[dict[str, np.ndarray], dict[str, Any]], Any]) -> None:
    """Write a file with a right hash and another content."""
    tensors, document = archive.read(store.path(key))
    tensors, document = dict(tensors), copy.deepcopy(document)
    change(tensors, document)
    text = json.dumps(document)  # unlike `archive.write`, with numbers that are none
    arrays = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    metadata = {"format": archive.FORMAT, "document": text, "sha256": archive._digest(text, arrays)}
    store.path(key).write_bytes(safetensors.numpy.save(arrays, metadata=metadata))


def put(place: str, value: Any) -> Callable[..., None]:
    """Change a part of the document, such as ``metrics.validation.n``."""

    def change(tensors: dict[str, np.ndarray], document: dict[str, Any]) -> None:
        *way, last = place.split(".")
        inner: Any = document
        for part in way:
            inner = inner[int(part)] if isinstance(inner, list) else inner[part]
        if value is None:
            del inner[last]
        else:
            inner[int(last) if isinstance(inner, list) else last] = value

    change.__name__ = f"{place}={str(value)[:20]}"
    return change


def tensor(name: str, make: Callable[[np.ndarray], np.ndarray]) -> Callable[..., None]:
    def change(tensors: dict[str, np.ndarray], document: dict[str, Any]) -> None:
        tensors[name] = make(tensors[name])

    change.__name__ = name
    return change


def nested(depth: int) -> Any:
    return [nested(depth - 1)] if depth else 1.0


IN_DOCUMENT = [
    put("provenance.training_seconds", "x"),
    put("provenance.training_seconds", float("nan")),
    put("provenance.training_images", None),
    put("provenance.images_per_second", -1),
    put("provenance.device", "<img src=x onerror=alert(1)>"),
    put("provenance.torch", 7),
    put("provenance", [1]),
    put("metrics", [1]),
    put("metrics", None),
    put("metrics.validation", "x"),
    put("metrics.validation.n", "many"),
    put("metrics.validation.n", 0),
    put("metrics.validation.mse", float("inf")),
    put("metrics.validation.mse", HUGE),
    put("metrics.validation.deep", nested(50)),
    put("metrics.validation.long", [0] * 50_000),
    put("metrics.<b>x</b>", {"n": 1}),
    put("history", {"a": 1}),
    put("history.0.seconds", "1"),
    put("history.0", [1, 2]),
    put("history", [{"epoch": 1.0}] * 3),  # of two epochs
    put("image_shape", [1, 8]),
    put("image_shape", [1, 8, 80_000]),
    put("image_shape", [1, 16, 16]),  # another dataset's
    put("image_shape", [1, 8, True]),
    put("label_names", ["x" * 2_000]),
    put("label_names", []),
    put("label_names", ["0", 1]),
    put("label_names", [str(number) for number in range(300)]),
    put("snapshot_epochs", [2, 1]),
    put("snapshot_epochs", [1, 10**9]),
    put("snapshot_epochs", "12"),
    put("decoder", "relu"),
    put("decoder", [{"op": "relu"}] * 5_000),
    put("decoder", [{}]),
    put("decoder.0", {"op": 1}),
    put("encoder", {}),
    put("programs", []),
    put("spec", []),
    put("spec.epochs", "2"),
]
IN_TENSORS = [
    tensor("codes/mean", lambda array: array[:-1]),
    tensor("codes/mean", lambda array: array[:, :1]),
    tensor("codes/mean", lambda array: array.ravel()),
    tensor("codes/mean", lambda array: np.full_like(array, np.nan)),
    tensor("codes/mean", lambda array: array.astype(np.int16)),
    tensor("codes/log_var", lambda array: array[:2]),
    tensor("codes/labels", lambda array: array.astype(np.int64)),
    tensor("codes/labels", lambda array: np.full_like(array, 255)),
    tensor("snapshots", lambda array: array[:1]),
    tensor("snapshots", lambda array: array[0]),
    put("decoder", [{"op": "relu"}]),  # two numbers are no image
    put("decoder", [{"op": "reshape", "shape": [10_000_000, 100]}]),
    put("decoder.0.out", 17),
    put("decoder.0.weight", "no such tensor"),
    put(
        "decoder",
        [{"op": "reshape", "shape": [1, 1, 2]}, {"op": "upsample", "size": [9_000_000, 9_000_000]}],
    ),
    put(
        "decoder",
        [{"op": "reshape", "shape": [2, 1, 1]}, {"op": "max_pool", "kernel_size": [1, 1], "stride": [0, 0]}],
    ),
]


def refused(store: Store, key: str) -> str:
    with pytest.raises(DamagedRun) as caught:
        store.verify(key)
    assert store.path(key).exists()
    with pytest.raises(DamagedRun):
        store.load(key)
    return str(caught.value)


@pytest.mark.parametrize("change", IN_DOCUMENT, ids=lambda change: change.__name__)
def test_listings_are_trusted_unverified(change, written):
    """One header with a word in the place of a number once broke the pages for everyone."""
    store, key = written
    forge(store, key, change)
    (line,) = store.listing()
    assert line.spec is None and line.problem
    assert len(refused(store, key)) < 400


@pytest.mark.parametrize("change", IN_TENSORS, ids=lambda change: change.__name__)
def test_verify_proves_bytes_not_meaning(change, written):
    store, key = written
    forge(store, key, change)
    assert len(refused(store, key)) < 400


def test_weights_that_are_not_finite_are_refused(written):
    store, key = written

    def change(tensors: dict[str, np.ndarray], document: dict[str, Any]) -> None:
        name = next(name for name in tensors if name.startswith("model/"))
        tensors[name] = tensors[name] * np.float16(np.nan)

    forge(store, key, change)
    assert "not finite" in refused(store, key)


def test_an_operation_that_is_not_known_needs_a_newer_version(written):
    store, key = written
    forge(store, key, put("decoder.0", {"op": "eval"}))
    with pytest.raises(StoreError, match="eval"):
        store.verify(key)


def test_a_flip_of_a_bit_is_noticed_by_the_listing(written):
    store, key = written
    content = bytearray(store.path(key).read_bytes())
    at = content.index(b'\\"finished\\"') + 16
    content[at] ^= 1
    store.path(key).write_bytes(content)
    (line,) = store.listing()
    assert line.spec is None and "damaged" in line.problem


def test_every_shipped_run_passes():
    store = Store(SHIPPED)
    problems = {line.key: line.problem for line in store.listing() if line.problem}
    assert problems == {} and len(store.keys()) > 60
    for key in store.keys()[::9]:
        store.load(key)


def test_a_file_that_claims_gigabytes_is_not_read(written):
    store, key = written
    with store.path(key).open("r+b") as file:
        file.truncate(8 * 10**9)
    (line,) = store.listing()
    assert "8.0 GB" in line.problem
    for read in (store.verify, store.load, store.load_if_whole):
        with pytest.raises(UnknownRun, match=r"8\.0 GB: at most 2 are read"):
            read(key)
    assert store.path(key).exists()  # and neither set aside nor trained over


def test_a_header_of_sixty_megabytes_is_not_parsed(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "_MAX_HEADER_BYTES", 1_000)
    path = tmp_path / "x.safetensors"
    path.write_bytes((5_000).to_bytes(8, "little") + b"{" + b" " * 5_000)
    with pytest.raises(DamagedRun, match="header of"):
        archive.read(path)
    monkeypatch.undo()
    assert archive._MAX_HEADER_BYTES <= 32 * 2**20


def test_a_folder_a_pipe_and_dangling_links_are_sentences(written):
    store, key = written
    (store.root / "folder.safetensors").mkdir()
    os.mkfifo(store.root / "pipe.safetensors")
    (store.root / "nowhere.safetensors").symlink_to(store.root / "gone")
    (store.root / "round.safetensors").symlink_to(store.root / "round.safetensors")
    lines = {line.key: line for line in store.listing()}
    assert [name for name, line in lines.items() if line.problem] == ["folder", "nowhere", "pipe", "round"]
    for name in ("folder", "pipe", "nowhere", "round"):
        with pytest.raises((StoreError, OSError)):
            store.verify(name)
    assert store.load(key)


def test_ints_and_floats_are_finite_or_refused():
    assert all(map(schema._is_finite, (0, -1, 1.5, 2**62)))
    assert not any(map(schema._is_finite, (True, "1", None, math.nan, -math.inf, HUGE, [])))
