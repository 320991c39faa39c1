"""What visitors ask for may take so many bytes of the store, and no more."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest

from vae_core.errors import SpecError, StoreError
from vae_core.storage import budget
from vae_core.storage.budget import make_room, most_stored, needed_for
from vae_core.storage.eviction import evict
from vae_core.storage.store import Store

MB = 1_000_000


def put(path: Path, size: int, age: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    os.utime(path, (1e9 - age, 1e9 - age))
    return path


@pytest.fixture(autouse=True)
def small_margins(monkeypatch):
    monkeypatch.setattr(budget, "LEFT_FREE", 0)


def test_the_store_has_a_cap(tmp_path):
    """To begin, to stop and to begin another once wrote 19 GB an hour."""
    store = Store(tmp_path)
    for number in range(50):
        make_room(store, f"run-{number}", MB, 10 * MB)
        put(store.partial_path(f"run-{number}"), MB, 50 - number)
    kept = sorted(path.name for path in (tmp_path / ".partial").iterdir())
    assert kept == sorted(f"run-{number}.safetensors" for number in range(40, 50))
    for mark in (tmp_path / ".asked").iterdir():
        os.utime(mark, (0, 0))
    make_room(store, "run-50", MB, 10 * MB)
    assert {mark.name for mark in (tmp_path / ".asked").iterdir()} <= {f"run-{number}" for number in range(40, 51)}


def test_a_refusal_removes_nothing(tmp_path):
    store = Store(tmp_path)
    for key in ("finished", "training"):
        make_room(store, key, MB, 100 * MB)
    put(store.path("finished"), MB, 30)
    put(store.partial_path("training"), 3 * MB, 1)
    for needed in (6 * MB, 3 * MB):  # more than all, and more than what trains now leaves
        with store.locked("training"), pytest.raises(StoreError, match="the runs of visitors may take"):
            make_room(store, "next", needed, 5 * MB)
    assert store.path("finished").exists() and store.partial_path("training").exists()


def test_the_run_that_another_begins_with_stays(tmp_path):
    store = Store(tmp_path)
    for number in range(3):
        make_room(store, f"run-{number}", MB, 10 * MB)
        put(store.path(f"run-{number}"), MB, 30 - number)
    assert make_room(store, "prior", MB, 3 * MB, keep="run-0") == ["run-1"]  # not the oldest
    with pytest.raises(StoreError, match="the runs of visitors may take"):
        make_room(store, "prior", 3 * MB, 3 * MB, keep="run-0")
    assert store.path("run-0").exists() and store.path("run-2").exists()


def test_a_run_that_was_removed_is_nobodys(tmp_path):
    store = Store(tmp_path)
    for key in ("pushed-out", "evicted"):
        make_room(store, key, MB, 100 * MB)
        put(store.path(key), MB, 30)
    make_room(store, "next", MB, 2 * MB)
    evict(store, older_than=0.0)
    assert not list(tmp_path.glob("*.safetensors"))
    assert {mark.name for mark in (tmp_path / ".asked").iterdir()} == {"next"}


def test_interrupted_ones_go_before_finished_ones_and_the_oldest_first(tmp_path):
    store = Store(tmp_path)
    for key in ("old", "new", "half"):
        make_room(store, key, MB, 100 * MB)
    put(store.path("old"), MB, 30)
    put(store.film_path("old"), MB, 30)
    put(store.path("new"), MB, 10)
    put(store.partial_path("half"), MB, 1)
    assert make_room(store, "next", 2 * MB, 5 * MB) == ["half"]
    assert make_room(store, "next", 3 * MB, 5 * MB) == ["old"]
    assert store.path("new").exists() and not store.film_path("old").exists()


def test_what_the_command_line_trained_and_what_trains_now_is_never_removed(tmp_path):
    store = Store(tmp_path)
    make_room(store, "training", MB, 100 * MB)
    ours = put(store.path("by-hand"), MB, 90), put(store.partial_path("by-hand-2"), MB, 90)
    put(store.partial_path("training"), MB, 90)
    with store.locked("training"), pytest.raises(StoreError, match=r"about 1 MB, and the runs of visitors may take"):
        make_room(store, "next", MB, MB + 1)
    make_room(store, "by-hand-2", MB, MB + 1)  # a visitor goes on with it: it stays the command line's
    assert all(path.exists() for path in ours)
    assert not (tmp_path / ".asked" / "by-hand-2").exists()


def test_to_go_on_needs_no_room_twice(tmp_path):
    store = Store(tmp_path)
    make_room(store, "one", 3 * MB, 4 * MB)
    put(store.partial_path("one"), 3 * MB, 1)
    assert make_room(store, "one", 3 * MB, 4 * MB) == []


def test_a_disk_that_is_nearly_full_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(budget, "LEFT_FREE", 10**18)
    with pytest.raises(StoreError, match="disk is nearly full"):
        make_room(Store(tmp_path), "one", MB, 4 * MB)


def test_a_run_is_smaller_than_what_is_set_aside_for_it(shipped_files):
    for path, weights in shipped_files:
        assert path.stat().st_size < needed_for(weights)


@pytest.fixture
def shipped_files() -> list[tuple[Path, int]]:
    from vae_core import archive
    from vae_core.storage.manifest import SHIPPED

    found = []
    for path in sorted(SHIPPED.glob("*.safetensors"))[:8]:
        shapes = archive.read_shapes(path)
        found.append((path, sum(math.prod(shape) for name, shape in shapes.items() if name.startswith("model/"))))
    return found


@pytest.mark.parametrize("wrong", ["0", "-1", "1.5", "much", "²", "1000000"])
def test_a_budget_that_is_none_is_said(wrong, monkeypatch):
    assert most_stored() == budget.MOST_STORED
    monkeypatch.setenv("VAE_MOST_STORED", "2")
    assert most_stored() == 2_000_000_000
    monkeypatch.setenv("VAE_MOST_STORED", wrong)
    with pytest.raises(SpecError, match="VAE_MOST_STORED"):
        most_stored()
