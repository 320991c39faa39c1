from __future__ import annotations

import errno
import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from vae_core import archive
from vae_core.errors import DamagedRun, OtherFormat, StoreError

DOCUMENT = {"name": 'お o — ±"quoted"\\', "nested": {"losses": [1.5, -2e-30, 0, None, True]}, "empty": {}, "0": "0"}


def some_tensors() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {
        "half": random.standard_normal((2, 3)).astype(np.float16),
        "single": random.standard_normal(2).astype(np.float32),
        "bytes": random.integers(0, 256, (1, 3, 1)).astype(np.uint8),
        "long": np.array([-(2**62)]),
        "none": np.zeros((0, 3), np.float32),
        "one": np.array(3.5, np.float32),
    }


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "run.safetensors"
    archive.write(path, some_tensors(), DOCUMENT)
    return path


def assert_same(tensors: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert tensors.keys() == expected.keys()
    for name, array in expected.items():
        assert tensors[name].dtype == array.dtype
        assert tensors[name].shape == array.shape
        assert tensors[name].tobytes() == array.tobytes()


def assert_damaged(path: Path) -> None:
    with pytest.raises(DamagedRun) as damaged:
        archive.read(path)
    assert path.name in str(damaged.value)
    assert "\n" not in str(damaged.value)
    assert len(str(damaged.value)) < 400


def test_tensors_and_document_come_back_as_they_were(written: Path) -> None:
    tensors, document = archive.read(written)
    assert_same(tensors, some_tensors())
    assert document == DOCUMENT
    assert archive.read_document(written) == DOCUMENT


ARRAYS = st.sampled_from([np.float16, np.float32, np.uint8, np.int64]).flatmap(
    lambda kind: npst.arrays(kind, npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
)


@given(st.dictionaries(st.text(min_size=1, max_size=8).filter(lambda name: name != "__metadata__"), ARRAYS, max_size=4))
@settings(max_examples=60, deadline=None)
def test_any_tensors_come_back_bit_for_bit(tmp_path_factory: pytest.TempPathFactory, tensors: dict[str, Any]) -> None:
    path = tmp_path_factory.mktemp("archive") / "any.safetensors"
    archive.write(path, tensors, {"n": len(tensors)})
    back, document = archive.read(path)
    assert_same(back, tensors)
    assert document == {"n": len(tensors)}


def test_arrays_that_are_views_come_back_as_what_they_show(tmp_path: Path) -> None:
    whole = np.arange(24, dtype=np.float32).reshape(4, 6)
    views = {"transposed": whole.T, "strided": whole[::2, 1::2], "reversed": whole[::-1]}
    archive.write(tmp_path / "views.safetensors", views, {})
    tensors, _ = archive.read(tmp_path / "views.safetensors")
    assert_same(tensors, views)


def test_every_bit_of_the_metadatas_names_is_missed(written: Path) -> None:
    """A file is another program's or another version's only if it looks like one, not if a bit of it has changed."""
    content = written.read_bytes()
    size = 8 + int.from_bytes(content[:8], "little")
    for word in (b"__metadata__", b"sha256", b"document", b"format", b"vae-playground-"):
        start = content.index(word, 0, size)
        for bit in range(8 * len(word)):
            changed = bytearray(content)
            changed[start + bit // 8] ^= 1 << bit % 8
            with pytest.raises(DamagedRun) as damaged:
                archive.parsed(bytes(changed), "x")
            assert not isinstance(damaged.value, OtherFormat), changed[start : start + len(word)]


def test_on_windows_a_file_that_is_being_read_is_replaced_after_its_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There, a file that somebody has open cannot be replaced; elsewhere it can, and a refusal is final."""
    path, refused, replace = tmp_path / "x.safetensors", [], Path.replace

    def replaced(self: Path, target: Path) -> Path:
        if len(refused) < 2:
            refused.append(target)
            raise PermissionError(13, "Access is denied", str(target))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", replaced)
    with pytest.raises(StoreError, match="Access is denied"):
        archive.write(path, {}, {"a": 1})
    monkeypatch.setattr(archive, "_WAITS_FOR_READERS", True)
    monkeypatch.setattr(archive, "_PAUSES", (0.0, 0.0))
    archive.write(path, {}, {"a": 1})
    assert len(refused) == 2 and archive.read(path)[1] == {"a": 1}


def test_it_is_a_safetensors_file_that_other_tools_can_read(written: Path) -> None:
    assert_same(safetensors.numpy.load_file(written), some_tensors())


def test_every_single_flipped_bit_is_noticed(written: Path, tmp_path: Path) -> None:
    good = written.read_bytes()
    damaged = tmp_path / "damaged.safetensors"
    unnoticed = []
    for position in range(len(good)):
        for bit in range(8):
            content = bytearray(good)
            content[position] ^= 1 << bit
            damaged.write_bytes(content)
            try:
                archive.read(damaged)
            except DamagedRun:
                continue
            unnoticed.append((position, bit))
    assert unnoticed == []


def test_every_truncation_is_noticed(written: Path, tmp_path: Path) -> None:
    good = written.read_bytes()
    damaged = tmp_path / "damaged.safetensors"
    for length in range(len(good)):
        damaged.write_bytes(good[:length])
        with pytest.raises(DamagedRun):
            archive.read(damaged)


@pytest.mark.parametrize("seed", range(50))
def test_overwritten_swapped_or_added_bytes_are_noticed(seed: int, written: Path) -> None:
    draw = random.Random(seed)
    good = written.read_bytes()
    start = draw.randrange(len(good) - 1)
    stop = min(len(good), start + draw.choice([1, 2, 8, 64, 512]))
    piece = draw.randbytes(stop - start)
    content = draw.choice([good[:start] + piece + good[stop:], good[:start] + piece + good[start:], good + piece])
    if content == good:
        content = good + b"\0"
    written.write_bytes(content)
    assert_damaged(written)


def header_of(header: object) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text


FOREIGN = {
    "empty": b"",
    "text": b"these are not the weights you are looking for\n" * 20,
    "zip": b"PK\x03\x04" + bytes(200),
    "zeros": bytes(1000),
    "ones": b"\xff" * 1000,
    "png": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "another program's tensors": safetensors.numpy.save({"weight": np.zeros(3, np.float32)}),
    "another program's metadata": safetensors.numpy.save({"w": np.zeros(3, np.float32)}, metadata={"format": "pt"}),
    "a list for a header": header_of([1, 2]),
    "a number for a header": header_of(5),
    "a text for metadata": header_of({"__metadata__": "x"}),
    "a list for metadata": header_of({"__metadata__": ["document", "sha256", "format"]}),
    "a number for a document": header_of({"__metadata__": {"document": 5, "sha256": "", "format": archive.FORMAT}}),
    "a document that is no JSON": header_of(
        {"__metadata__": {"document": "{", "sha256": "", "format": archive.FORMAT}}
    ),
    "no digest": header_of({"__metadata__": {"document": "{}", "format": archive.FORMAT}}),
    "nothing but brackets": header_of(b"[" * 200_000),
    "a document of brackets": header_of(
        {"__metadata__": {"document": "[" * 200_000, "sha256": "", "format": archive.FORMAT}}
    ),
    "a huge header": (2**63).to_bytes(8, "little") + b"{}",
    "invalid UTF-8": header_of(b'{"__metadata__": "\xff\xfe\xfd"}'),
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_foreign_file_is_refused_in_one_sentence(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "foreign.safetensors"
    path.write_bytes(content)
    assert_damaged(path)
    with pytest.raises(DamagedRun, match=r"foreign\.safetensors"):
        archive.read_document(path)


def test_a_file_of_another_format_says_which(tmp_path: Path) -> None:
    metadata = {"document": "{}", "sha256": "", "format": "vae-playground-99"}
    path = tmp_path / "future.safetensors"
    path.write_bytes(safetensors.numpy.save({"w": np.zeros(1, np.float32)}, metadata=metadata))
    with pytest.raises(DamagedRun, match="has format 'vae-playground-99'; this program reads 'vae-playground-1'"):
        archive.read(path)


@pytest.mark.parametrize("document", ["[]", "5", "null", '"text"'])
def test_a_document_is_an_object(document: str, tmp_path: Path) -> None:
    metadata = {"document": document, "sha256": "", "format": archive.FORMAT}
    path = tmp_path / "other.safetensors"
    path.write_bytes(safetensors.numpy.save({"w": np.zeros(1, np.float32)}, metadata=metadata))
    with pytest.raises(DamagedRun, match="holds no document"):
        archive.read_document(path)


def test_the_document_is_read_from_the_head_alone(written: Path) -> None:
    content = written.read_bytes()
    head = 8 + int.from_bytes(content[:8], "little")
    written.write_bytes(content[:head])
    assert archive.read_document(written) == DOCUMENT
    assert_damaged(written)
    written.write_bytes(content[: head - 1])
    with pytest.raises(DamagedRun, match="ends too early"):
        archive.read_document(written)


def test_a_missing_file_is_missing_not_damaged(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        archive.read(tmp_path / "none.safetensors")
    with pytest.raises(FileNotFoundError):
        archive.read_document(tmp_path / "none.safetensors")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_json_cannot_hold_writes_nothing(value: float, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        archive.write(tmp_path / "run.safetensors", {}, {"loss": value})
    assert list(tmp_path.iterdir()) == []


def full_disk(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class FullFile:
    """A file whose disk is full after the first few bytes."""

    def __init__(self, descriptor: int, _mode: str) -> None:
        self.descriptor = descriptor

    def __enter__(self) -> FullFile:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)

    def write(self, content: bytes) -> None:
        os.write(self.descriptor, content[:10])
        full_disk()


FAILURES: dict[str, tuple[Any, str, Callable[..., Any]]] = {
    "on write": (archive.os, "fdopen", FullFile),
    "on sync": (archive.os, "fsync", full_disk),
    "on rename": (Path, "replace", full_disk),
    "on making the temporary file": (archive.tempfile, "mkstemp", full_disk),
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES.keys())
@pytest.mark.parametrize("existing", [True, False], ids=["over a good file", "a new file"])
def test_a_full_disk_is_one_sentence_and_costs_no_good_file(
    failure: tuple[Any, str, Any], existing: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.safetensors"
    if existing:
        archive.write(path, some_tensors(), DOCUMENT)
    before = sorted(tmp_path.iterdir())
    monkeypatch.setattr(*failure)
    with pytest.raises(StoreError, match=r"could not write run\.safetensors in .*No space left on device") as full:
        archive.write(path, {"other": np.ones(3, np.float32)}, {})
    monkeypatch.undo()
    assert not isinstance(full.value, DamagedRun)
    assert "\n" not in str(full.value)
    assert sorted(tmp_path.iterdir()) == before  # no temporary file is left
    if existing:
        assert_same(archive.read(path)[0], some_tensors())


@pytest.mark.parametrize("place", ["file/run.safetensors", "file/deeper/run.safetensors"])
def test_a_folder_that_cannot_be_made_is_one_sentence(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StoreError, match=r"could not write run\.safetensors"):
        archive.write(tmp_path / place, {}, {})
    assert (tmp_path / "file").read_text() == "not a folder"


def test_a_written_file_is_synced_before_it_gets_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, events = tmp_path / "run.safetensors", []
    sync, replace = os.fsync, Path.replace
    monkeypatch.setattr(
        archive.os, "fsync", lambda descriptor: events.append(("sync", path.exists())) or sync(descriptor)
    )
    monkeypatch.setattr(Path, "replace", lambda self, to: events.append(("rename", to.exists())) or replace(self, to))
    archive.write(path, some_tensors(), DOCUMENT)
    assert events == [("sync", False), ("rename", False)]
    assert path.stat().st_mode & 0o777 == 0o644
