"""Tensors over HTTP: what the server answers, and what it keeps in memory and on the disk."""

from __future__ import annotations

import gzip
import os
import stat

import numpy as np
import pytest

from tests.app.helpers import open_page, payload_headers
from tests.support.asgi import ask
from ui.components import tensors
from ui.components.tensors import TensorCache, offer, shared_folder, tensor_cache
from vae_core.payloads.plane import Payload, Tensors, digest_of


def payload_of(size: int = 3000, seed: int = 0) -> Payload:
    one = Tensors()
    one.add("numbers", np.random.default_rng(seed).normal(size=size).astype(np.float16))
    return one.payload({"kind": "test"})


def identity(payload: Payload) -> str:
    return payload.header["body"]["id"]


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """An empty cache behind the app's routes."""
    cache = TensorCache(tmp_path)
    monkeypatch.setattr(tensors, "tensor_cache", lambda: cache)


def test_offered_tensors_are_answered_for_good(empty):
    payload = payload_of()
    address = f"/tensors/{identity(payload)}"
    assert ask(address).status == 404
    offer(payload)
    answer = ask(address, {"accept-encoding": "identity"})
    assert answer.content == payload.body and "content-encoding" not in answer.headers
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["vary"] == "Accept-Encoding"
    assert ask(address, method="HEAD").status == 200


def test_they_are_packed_once(empty, monkeypatch):
    payload, packed = payload_of(), []
    compress = gzip.compress
    monkeypatch.setattr(tensors.gzip, "compress", lambda *given, **named: packed.append(1) or compress(*given, **named))
    offer(payload)
    for _ in range(3):
        answer = ask(f"/tensors/{identity(payload)}", {"accept-encoding": "gzip"})
        assert answer.headers["content-encoding"] == "gzip" and gzip.decompress(answer.content) == payload.body
        assert int(answer.headers["content-length"]) < len(payload.body)
    assert packed == [1]


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_a_browser_that_has_them_is_told_so(empty, coding):
    payload = payload_of()
    offer(payload)
    address = f"/tensors/{identity(payload)}"
    tag = ask(address, {"accept-encoding": coding}).headers["etag"]
    for asked in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer = ask(address, {"if-none-match": asked, "accept-encoding": coding})
        assert answer.status == 304 and not answer.content and answer.headers["etag"]
    assert ask(address, {"if-none-match": '"other"'}).status == 200


@pytest.mark.parametrize(
    ("asked", "part"),
    [("bytes=0-9", slice(0, 10)), ("bytes=5990-", slice(5990, 6000)), ("bytes=-7", slice(5993, 6000)),
     ("bytes=10-999999", slice(10, 6000)), ("bytes=-999999", slice(0, 6000))],
)  # fmt: skip
def test_a_part_of_them_is_answered(empty, asked, part):
    payload = payload_of()
    offer(payload)
    answer = ask(f"/tensors/{identity(payload)}", {"range": asked})
    assert answer.status == 206 and answer.content == payload.body[part]
    first, last = part.start, part.stop - 1
    assert answer.headers["content-range"] == f"bytes {first}-{last}/6000"
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize("asked", ["bytes=6000-", "bytes=99999-100000", "bytes=20-10", "bytes=-0"])
def test_a_part_beyond_the_end_is_refused(empty, asked):
    payload = payload_of()
    offer(payload)
    answer = ask(f"/tensors/{identity(payload)}", {"range": asked})
    assert answer.status == 416 and answer.headers["content-range"] == "bytes */6000"


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "lines=1-2", "bytes=-", "bytes=a-b", ""])
def test_a_range_that_is_not_one_gets_all(empty, asked):
    payload = payload_of()
    offer(payload)
    answer = ask(f"/tensors/{identity(payload)}", {"range": asked})
    assert answer.status == 200 and answer.content == payload.body


@pytest.mark.parametrize(
    "name",
    ["", "x", "0" * 24, "0" * 23, "0" * 25, "G" * 24, "A" * 24, "f" * 5000, "..", "%2e%2e%2fsecret", "..%2fsecret",
     "%00", "0" * 24 + "%0a", "-" * 24, "c" * 24 + "/" + "c" * 24],
)  # fmt: skip
def test_what_is_no_known_digest_is_not_found(empty, name, tmp_path):
    (tmp_path.parent / "secret").write_text("secret")
    answer = ask(f"/tensors/{name}")
    assert answer.status == 404 and b"secret" not in answer.content
    assert ask(f"/tensors/{name}", method="POST").status in (404, 405)


def test_the_longest_unused_leaves_memory_first_and_the_folder_still_has_it(tmp_path):
    some = [payload_of(seed=seed) for seed in range(3)]
    size = len(some[0].body)
    cache = TensorCache(tmp_path, in_memory=2 * size)
    alone = TensorCache(None, in_memory=2 * size)
    for one in (cache, alone):
        one.offer(identity(some[0]), some[0].body)
        one.offer(identity(some[1]), some[1].body)
        assert one.find(identity(some[0]))
        one.offer(identity(some[2]), some[2].body)
    assert [alone.find(identity(one)) is None for one in some] == [False, True, False]
    assert [cache.find(identity(one)).body == one.body for one in some] == [True] * 3


def test_a_body_larger_than_the_memory_is_kept_while_it_is_the_newest():
    payload = payload_of()
    cache = TensorCache(None, in_memory=10)
    cache.offer(identity(payload), payload.body)
    kept = cache.find(identity(payload))
    assert gzip.decompress(cache.packed(identity(payload), kept)) == payload.body
    cache.offer(identity(payload_of(seed=1)), payload_of(seed=1).body)
    assert cache.find(identity(payload)) is None


def test_another_process_finds_what_one_was_given(tmp_path):
    payload = payload_of()
    TensorCache(tmp_path).offer(identity(payload), payload.body)
    assert TensorCache(tmp_path).find(identity(payload)).body == payload.body
    assert [file.name for file in tmp_path.iterdir()] == [identity(payload)]


def test_a_damaged_file_is_not_answered(tmp_path, caplog):
    payload = payload_of()
    TensorCache(tmp_path).offer(identity(payload), payload.body)
    file = tmp_path / identity(payload)
    file.write_bytes(payload.body[:-1] + b"\0")
    assert TensorCache(tmp_path).find(identity(payload)) is None
    assert "damaged" in caplog.text and not file.exists()


def test_the_folder_stays_within_its_bound_and_loses_the_oldest(tmp_path):
    some = [payload_of(seed=seed) for seed in range(4)]
    cache = TensorCache(tmp_path, on_disk=2 * len(some[0].body))
    for age, one in enumerate(some):
        cache.offer(identity(one), one.body)
        os.utime(tmp_path / identity(one), (1000 + age, 1000 + age))
    assert {file.name for file in tmp_path.iterdir()} == {identity(one) for one in some[2:]}


def test_a_disk_that_cannot_be_written_leaves_the_memory(tmp_path, caplog):
    payload = payload_of()
    cache = TensorCache(tmp_path / "not there")
    cache.offer(identity(payload), payload.body)
    assert cache.find(identity(payload)).body == payload.body and "memory alone" in caplog.text
    cache.offer(identity(payload_of(seed=1)), payload_of(seed=1).body)
    assert len(caplog.records) == 1  # it is said once


def test_the_shared_folder_is_this_users_alone(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(tensors.tempfile, "gettempdir", lambda: str(tmp_path))
    folder = shared_folder()
    assert folder == shared_folder() and stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
    real = os.getuid()
    monkeypatch.setattr(tensors.os, "getuid", lambda: real + 1)
    (tmp_path / f"vae-playground-{real + 1}").mkdir()  # made by somebody else
    assert shared_folder() is None and "somebody else" in caplog.text
    monkeypatch.setattr(tensors.tempfile, "gettempdir", lambda: str(tmp_path / "none"))
    assert shared_folder() is None


def test_what_pages_mount_is_there_for_those_who_ask():
    for header in payload_headers(open_page()):
        for one in (header, *header.get("later", ())):
            kept = tensor_cache().find(one["body"]["id"])
            assert kept and len(kept.body) == one["body"]["size"] and digest_of(kept.body) == one["body"]["id"]
