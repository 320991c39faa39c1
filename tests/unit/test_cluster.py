"""Sweeps on a real Ray cluster, of two workers on this machine."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vae_core.errors import ClusterError, PluginError
from vae_core.execution import Execution
from vae_core.spec import RunSpec
from vae_core.storage.store import Store
from vae_core.sweep import parse_weights, plan
from vae_core.sweep.engines import run_sweep
from vae_core.sweep.local import Event
from vae_core.training.jobs import get_or_train

ray = pytest.importorskip("ray")

Make = Callable[..., RunSpec]
CPU = {"execution": Execution(device="cpu", precision="float32")}
PATIENCE = 240.0


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """Started as a sweep without an address starts it, for the tests of this file together."""
    from vae_core.sweep import cluster

    assert cluster._connect(ray, 2, None)
    yield
    ray.shutdown()


def descends_from_here(process: int) -> bool:
    while process > 1:
        if process == os.getpid():
            return True
        status = Path(f"/proc/{process}/stat").read_text()
        process = int(status.rpartition(")")[2].split()[1])
    return False


def training_processes() -> list[int]:
    """Workers of our own cluster that are training a member."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if b"ray::_train_unit" in (folder / "cmdline").read_bytes() and descends_from_here(int(folder.name)):
                found.append(int(folder.name))
        except OSError:
            continue  # it has ended
    return found


def work_folders() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("vae-sweep-*"))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks for the worker in /proc")
def test_a_cluster_trains_every_member_and_a_killed_worker_costs_none(
    cluster: None, small_spec: Make, tmp_path: Path
) -> None:
    made, store = plan(small_spec(epochs=60, images=200), parse_weights("1,kl")), Store(tmp_path)
    before, killed, over = work_folders(), list[int](), threading.Event()

    def kill() -> None:
        deadline = time.monotonic() + PATIENCE
        while not killed and not over.is_set() and time.monotonic() < deadline:
            begun = [folder for folder in work_folders() - before if any(folder.glob(".partial/*.safetensors"))]
            if begun and (processes := training_processes()):
                os.kill(processes[0], signal.SIGKILL)
                killed.append(processes[0])
            time.sleep(0.1)

    killer = threading.Thread(target=kill)
    killer.start()
    events: list[Event] = []
    try:
        failures = run_sweep(made, store, engine="ray", on_event=events.append, **CPU)
    finally:
        over.set()
        killer.join()
    assert killed
    assert failures == {}
    assert sorted((event.key, event.done, event.problem) for event in events) == [
        (spec.key, True, "") for spec in sorted(made.specs, key=lambda spec: spec.key)
    ]
    assert not (tmp_path / ".partial").exists()  # it was trained elsewhere
    assert work_folders() <= before
    for spec in made.specs:
        store.verify(spec.key)
        assert len(store.load(spec.key).history) == 60
    alone = get_or_train(Store(tmp_path / "alone"), small_spec(epochs=60, images=200), **CPU)
    run = store.load(alone.key)
    for name in ("reconstruction", "kl", "mse"):
        assert run.metrics["test"][name] == pytest.approx(alone.metrics["test"][name], rel=1e-3)
    files = {key: store.path(key).read_bytes() for key in store.keys()}
    assert run_sweep(made, store, engine="ray", **CPU) == {}  # nothing is left to do
    assert {key: store.path(key).read_bytes() for key in store.keys()} == files


def test_what_a_worker_says_for_people_is_said_in_its_words(cluster: None) -> None:
    from vae_core.sweep import cluster as engine

    @ray.remote
    def fail(error: Exception) -> None:
        raise error

    def said(error: Exception) -> str:
        with pytest.raises(ray.exceptions.RayError) as failed:
            ray.get(fail.remote(error))
        return engine._why(failed.value)

    sentence = "the plugin 'toy' of VAE_PLUGINS cannot be loaded: there is no such module"
    assert said(PluginError(sentence)) == sentence
    assert "fail" in said(KeyError("x"))  # a mistake of ours: where it happened


@pytest.mark.parametrize("address", [None, "auto"])
def test_workers_are_told_which_plugins_to_load(
    address: str | None, no_cluster: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vae_core.sweep import cluster as engine

    asked: list[dict[str, str]] = []
    monkeypatch.setattr(ray, "init", lambda **options: asked.append(options["runtime_env"]["env_vars"]))
    monkeypatch.setenv("VAE_PLUGINS", "one,two")
    engine._connect(ray, 1, address)
    monkeypatch.delenv("VAE_PLUGINS")
    engine._connect(ray, 1, address)
    assert [env.get("VAE_PLUGINS") for env in asked] == ["one,two", None]


@pytest.fixture
def no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process that has not been connected."""
    monkeypatch.setattr(ray, "is_initialized", lambda: False)


@pytest.mark.parametrize("address", ["127.0.0.1:9", "ray://127.0.0.1:9"])
def test_an_address_where_nobody_answers_is_one_sentence(
    address: str, no_cluster: None, small_spec: Make, tmp_path: Path
) -> None:
    with pytest.raises(ClusterError) as refused:
        run_sweep(plan(small_spec(), parse_weights("0,1")), Store(tmp_path), engine="ray", address=address, **CPU)
    assert f"no Ray cluster could be reached at {address}" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert Store(tmp_path).keys() == []


def test_without_ray_the_sentence_says_how_to_install_it(
    small_spec: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = plan(small_spec(), parse_weights("0,1"))
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ClusterError, match=r"pip install -r requirements-cluster\.txt\.$"):
        run_sweep(made, Store(tmp_path), engine="ray", **CPU)
    assert run_sweep(made, Store(tmp_path), engine="stacked", **CPU) == {}  # which needs no Ray
