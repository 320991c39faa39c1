"""Old runs and leftovers go; shipped runs and those in training stay."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from vae_core.cli import commands as cli
from vae_core.errors import DamagedRun, SpecError
from vae_core.run import Run
from vae_core.storage.eviction import DAY, evict
from vae_core.storage.manifest import SHIPPED, shipped_run
from vae_core.storage.store import SUFFIX, Store


def aged(path: Path, days: float) -> Path:
    moment = time.time() - days * DAY
    os.utime(path, (moment, moment))
    return path


@pytest.fixture
def store(tmp_path: Path, small_runs: dict[str, Run]) -> Store:
    """Three runs of 1, 10 and 20 days, and a shipped one of 100."""
    held = Store(tmp_path)
    for days, name in ((1, "ae"), (10, "vae"), (20, "vae d=5")):
        held.save(small_runs[name])
        aged(held.path(small_runs[name].key), days)
    shipped = shipped_run(model="pca", latent_dim=2).key
    shutil.copy(SHIPPED / f"{shipped}{SUFFIX}", tmp_path)
    aged(held.path(shipped), 100)
    return held


def names(gone: list) -> list[str]:
    return [entry.path.name for entry in gone]


def test_runs_of_an_age_go_and_shipped_ones_stay(store: Store, small_runs: dict[str, Run]) -> None:
    before = store.keys()
    gone = evict(store, older_than=5)
    assert names(gone) == [f"{small_runs[name].key}{SUFFIX}" for name in ("vae d=5", "vae")]
    assert set(before) - set(store.keys()) == {small_runs["vae"].key, small_runs["vae d=5"].key}
    assert evict(store, older_than=5) == []


def test_the_oldest_go_until_the_rest_fits(store: Store, small_runs: dict[str, Run]) -> None:
    sizes = {path.name: path.stat().st_size for path in store.root.glob(f"*{SUFFIX}")}
    oldest = f"{small_runs['vae d=5'].key}{SUFFIX}"
    assert names(evict(store, most=sum(sizes.values()) - 1)) == [oldest]
    evict(store, most=0)
    assert store.keys() == [shipped_run(model="pca", latent_dim=2).key]


def test_only_saying_removes_nothing(store: Store) -> None:
    before = store.keys()
    assert len(evict(store, older_than=0, only_say=True)) == 3
    assert store.keys() == before


def test_a_run_in_training_stays(store: Store, small_runs: dict[str, Run]) -> None:
    key = small_runs["vae"].key
    with store.locked(key):
        assert f"{key}{SUFFIX}" not in names(evict(store, older_than=0))
    assert key in store


def test_leftovers_go_once_they_are_old(store: Store) -> None:
    partial = store.root / ".partial"
    partial.mkdir()
    left = [
        store.root / ".x.safetensors.abc.tmp",
        partial / ".y.safetensors.def.tmp",
        store.root / "z.safetensors.damaged-1",
    ]
    for path in (*left, partial / f"interrupted{SUFFIX}"):
        path.write_bytes(b"0" * 100)
    assert evict(store) == []
    for path in left:
        aged(path, 2)
    assert sorted(names(evict(store))) == sorted(path.name for path in left)
    assert (partial / f"interrupted{SUFFIX}").exists()
    aged(partial / f"interrupted{SUFFIX}", 30)
    assert f"interrupted{SUFFIX}" in names(evict(store, older_than=25))


def test_the_day_of_a_damaged_file_counts_from_when_it_was_set_aside(store: Store, small_runs: dict[str, Run]) -> None:
    key = small_runs["vae d=5"].key
    path = store.path(key)
    path.write_bytes(path.read_bytes()[:-5])
    aged(path, 20)
    with pytest.raises(DamagedRun, match="set aside"):
        store.load(key)
    assert evict(store) == []
    (aside,) = store.root.glob("*.damaged-1")
    aged(aside, 1.1)
    assert names(evict(store)) == [aside.name]


def test_a_second_download_can_be_evicted(store: Store, small_runs: dict[str, Run]) -> None:
    key = small_runs["ae"].key
    copied = store.root / f"{key} (1){SUFFIX}"
    shutil.copy(store.path(key), copied)
    assert names(evict(store, older_than=0.5)) and copied.exists()
    aged(copied, 2)
    assert names(evict(store, older_than=1.5)) == [copied.name] and not copied.exists()


@pytest.mark.parametrize("limits", [{"older_than": -1}, {"most": -1}, {"older_than": float("nan")}])
def test_limits_below_0_are_refused(store: Store, limits: dict) -> None:
    with pytest.raises(SpecError, match="at least 0"):
        evict(store, **limits)


def test_the_command_says_what_goes(store: Store) -> None:
    command = ["evict", "--older-than", "5", "--store", str(store.root)]
    said = CliRunner().invoke(cli.app, [*command, "--dry-run", "--json"])
    assert len(json.loads(said.stdout)) == 2 and len(store.keys()) == 4
    done = CliRunner().invoke(cli.app, command)
    assert "2 files" in done.stdout and len(store.keys()) == 2


def test_a_dangling_link_crashes_evict(tmp_path):
    store = Store(tmp_path)
    (tmp_path / "gone-1.safetensors").symlink_to(tmp_path / "nowhere")
    (tmp_path / "round-1.safetensors").symlink_to(tmp_path / "round-1.safetensors")
    (tmp_path / "folder-1.safetensors").mkdir()
    os.mkfifo(tmp_path / "pipe-1.safetensors")
    old = tmp_path / "old-1.safetensors"
    old.write_bytes(b"x")
    os.utime(old, (0, 0))
    assert [entry.path for entry in evict(store, older_than=1)] == [old]
    assert evict(store, most=0) == []
    assert len(list(tmp_path.glob("*.safetensors"))) == 4
