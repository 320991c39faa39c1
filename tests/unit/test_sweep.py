from __future__ import annotations

import json
import math
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from multiprocessing import connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import test_cli
from test_cli import Ask, assert_one_sentence

from vae_core.errors import SpecError
from vae_core.execution import Execution
from vae_core.spec import RunSpec
from vae_core.storage.manifest import SHIPPED
from vae_core.storage.state import TrainingState
from vae_core.storage.store import Listed, Store
from vae_core.sweep import MOST_MEMBERS, Plan, local, parse_weights, plan
from vae_core.sweep.engines import run_sweep
from vae_core.sweep.local import Event
from vae_core.sweep.plan import Weights, bytes_needed, check_memory, memory_available
from vae_core.training.loop import train
from vae_core.training.stacked import same_program

Make = Callable[..., RunSpec]
CPU = {"execution": Execution(device="cpu", precision="float32")}
SWEEP = ["sweep", "--dataset", "digits", "--hidden", "16", "--epochs", "2", "--device", "cpu", "--precision", "float32"]

ask = test_cli.ask


def planned(make: Make, betas: str, **changes: Any) -> Plan:
    return plan(make(**changes), parse_weights(betas))


def leave_after_epoch_1(store: Store, spec: RunSpec, training: Any, validation: Any, ruined: bool = False) -> None:
    """Leave a member as if it had been interrupted after its first epoch; ruined, it cannot but diverge."""
    states: list[TrainingState] = []
    train(spec, training, validation, save_state=states.append, **CPU)
    if ruined:
        next(iter(states[0].weights.values())).view(-1)[0] = math.nan
    store.save_partial(spec, states[0])


# What a sweep consists of


def test_weights_are_read_from_text() -> None:
    assert parse_weights("0, .1,1,1e2,KL,") == [
        Weights(0.0),
        Weights(0.1),
        Weights(1.0),
        Weights(100.0),
        Weights(1.0, 0.0),
    ]


BAD_BETAS = {
    "nothing": ("", "at least one number"),
    "commas alone": (" , ,", "at least one number"),
    "one twice": ("1,2,1", "beta 1 is listed twice"),
    "one twice in other words": ("1,2,1.0", "beta 1.0 is listed twice"),
    "kl twice": ("kl,KL", "beta KL is listed twice"),
    "negative": ("1,-0.5", "at least 0, not '-0.5'"),
    "nan": ("nan", "finite number of at least 0, not 'nan'"),
    "infinite": ("inf", "finite number of at least 0, not 'inf'"),
    "overflow": ("1e999", "finite number of at least 0, not '1e999'"),
    "text": ("1,lots", "a number or 'kl', not 'lots'"),
    "long text": ("x" * 10_000, "a number or 'kl', not 'xxx"),
}


@pytest.mark.parametrize(("text", "sentence"), BAD_BETAS.values(), ids=BAD_BETAS.keys())
def test_what_is_no_list_of_weights_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(SpecError, match=sentence) as refused:
        parse_weights(text)
    assert str(refused.value).endswith(".")
    assert len(str(refused.value)) < 200


def test_a_plan_has_every_weight_with_every_seed(small_spec: Make) -> None:
    made = plan(small_spec(latent_dim=3), parse_weights("0,0.5,1,kl"), (0, 7))
    assert [len(group) for group in made.groups] == [4, 4]
    assert len({spec.key for spec in made.specs}) == 8
    assert [spec.seed for spec in made.specs] == [0] * 4 + [7] * 4
    assert [(spec.beta, spec.data_weight) for spec in made.groups[1]] == [(0.0, 1.0), (0.5, 1.0), (1.0, 1.0), (1.0, 0)]
    assert made.groups[0][2] == small_spec(latent_dim=3)  # an ordinary run


def test_members_of_a_group_share_all_but_their_weights(small_spec: Make) -> None:
    base = small_spec(likelihood="gaussian", variance=0.3, kl_warm_up=1, images=500)
    for group in plan(base, parse_weights("0,0.5,kl"), (0, 1)).groups:
        assert len({same_program(spec) for spec in group}) == 1
        for spec in group:
            assert replace(spec, beta=1.0, reconstruction_weight=None) == replace(base, seed=group[0].seed)


BAD_PLANS: dict[str, tuple[dict[str, Any], list[Weights], tuple[int, ...], str]] = {
    "no weights": ({}, [], (0,), "at least one beta and one seed"),
    "no seeds": ({}, [Weights(1.0)], (), "at least one beta and one seed"),
    "a seed twice": ({}, [Weights(1.0)], (0, 1, 0), "a seed is listed twice"),
    "10,000 betas": ({}, [Weights(float(beta)) for beta in range(10_000)], (0,), "at most 1,000 members, not 10,000"),
    "too many seeds": ({}, [Weights(1.0), Weights(2.0)], tuple(range(501)), "at most 1,000 members, not 1,002"),
    "an autoencoder": ({"model": "ae"}, [Weights(1.0)], (0,), "model 'ae' has no KL term"),
    "PCA": ({"model": "pca", "hidden": ()}, [Weights(1.0)], (0,), "model 'pca' has no KL term"),
    "a negative beta": ({}, [Weights(-1.0)], (0,), "beta must be a number at least 0"),
    "beta nan": ({}, [Weights(math.nan)], (0,), "beta must be a number at least 0"),
    "a negative seed": ({}, [Weights(1.0)], (-1,), "seed must be an integer"),
    "nothing to learn": ({}, [Weights(0.0, 0.0)], (0,), "cannot both be 0"),
}


@pytest.mark.parametrize(("changes", "weights", "seeds", "sentence"), BAD_PLANS.values(), ids=BAD_PLANS.keys())
def test_a_sweep_that_cannot_be_is_refused(
    changes: dict[str, Any], weights: list[Weights], seeds: tuple[int, ...], sentence: str, small_spec: Make
) -> None:
    with pytest.raises(SpecError, match=sentence) as refused:
        plan(small_spec(**changes), weights, seeds)
    assert str(refused.value).endswith(".")


def test_the_most_members_are_still_a_plan(small_spec: Make) -> None:
    made = plan(small_spec(), [Weights(float(beta)) for beta in range(MOST_MEMBERS // 2)], (0, 1))
    assert len(made.specs) == MOST_MEMBERS


def test_what_the_store_has_is_left_out_of_the_plan(
    small_spec: Make, small_runs: dict[str, Any], tmp_path: Path
) -> None:
    store, made = Store(tmp_path), plan(small_spec(), parse_weights("0,1"), (0, 1))
    assert made.without(store) == made
    store.save(small_runs["vae"])
    assert made.without(store).specs == tuple(spec for spec in made.specs if spec != small_spec())
    alone = plan(small_spec(), parse_weights("1"))
    assert alone.without(store).groups == ()


def test_more_members_and_larger_models_need_more_memory(small_spec: Make) -> None:
    one, two, many = (bytes_needed(small_spec(), together) for together in (1, 2, 101))
    assert 0 < one < two < many
    assert many - one == 100 * (two - one)
    large = small_spec(hidden=(1_000,))
    weights = 2 * 64 * 1_000  # and few more
    # With their gradients and Adam's two moments, four bytes each.
    assert bytes_needed(large, 2) - bytes_needed(large, 1) > 4 * 4 * weights


def test_a_sweep_that_does_not_fit_says_what_is_needed_and_what_is_free() -> None:
    spec = RunSpec("mnist", "vae", hidden=(8_192, 8_192))
    needed = bytes_needed(spec, 100)
    check_memory(spec, 100, needed)
    check_memory(spec, 100, None)
    with pytest.raises(SpecError) as refused:
        check_memory(spec, 100, needed - 1)
    assert f"need about {needed / 2**30:,.1f} GiB of memory" in str(refused.value)
    assert f"{(needed - 1) / 2**30:,.1f} GiB are free" in str(refused.value)
    assert str(refused.value).startswith("100 models of")
    assert needed > 100 * 4 * 4 * 8_192**2


@pytest.mark.parametrize("engine", ["processes", "stacked"])
def test_nothing_is_started_where_the_memory_is_not_enough(
    engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vae_core.sweep.local.memory_available", lambda: 2**30)
    made = plan(RunSpec("digits", "vae", hidden=(8_192, 8_192)), parse_weights("0,1,2,4"))
    with pytest.raises(SpecError, match=r"GiB of memory, and 1\.0 GiB are free; sweep fewer betas"):
        run_sweep(made, Store(tmp_path / "store"), engine=engine, **CPU)
    assert not (tmp_path / "store").exists()


# On this machine


@pytest.fixture
def warm_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers come from a process that has imported torch already, for what does not depend on how they start.

    Importing it anew takes each of them longer than a small training.
    """
    workers = multiprocessing.get_context("forkserver")
    workers.set_forkserver_preload(["vae_core.training.jobs", "torch._dynamo", "sklearn.base"])
    monkeypatch.setattr(local, "multiprocessing", SimpleNamespace(get_context=lambda method: workers))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"engine": "magic"}, "engine must be one of local, processes, stacked, ray, not 'magic'"),
        ({"workers": 0}, "workers must be at least 1, not 0"),
    ],
)
def test_an_engine_that_is_not_there_is_refused(
    options: dict[str, Any], sentence: str, small_spec: Make, tmp_path: Path
) -> None:
    with pytest.raises(SpecError, match=sentence):
        run_sweep(planned(small_spec, "0,1"), Store(tmp_path), **CPU, **options)


def test_one_program_trains_all_seeds_and_weights_and_says_so(small_spec: Make, tmp_path: Path) -> None:
    made, store, events = plan(small_spec(), parse_weights("0,1,kl"), (0, 1)), Store(tmp_path), []
    assert run_sweep(made, store, engine="stacked", on_event=events.append, **CPU) == {}
    assert store.keys() == sorted(spec.key for spec in made.specs)
    for spec in made.specs:
        of_it = [event for event in events if event.key == spec.key]
        assert of_it == [Event(spec.key, 1), Event(spec.key, 2), Event(spec.key, 2, done=True)]
    events.clear()
    assert run_sweep(made, store, engine="stacked", on_event=events.append, **CPU) == {}
    assert events == [Event(spec.key, 2, done=True) for spec in made.specs]


def test_two_processes_train_every_member_as_it_would_be_alone(
    small_spec: Make, small_runs: dict[str, Any], tmp_path: Path, warm_workers: None
) -> None:
    made, store, events, together = planned(small_spec, "0,1,kl"), Store(tmp_path), [], []

    def listen(event: Event) -> None:
        events.append(event)
        together.append(len(multiprocessing.active_children()))

    before = dict(os.environ)
    assert run_sweep(made, store, engine="processes", workers=2, on_event=listen, **CPU) == {}
    assert store.keys() == sorted(spec.key for spec in made.specs)
    assert {event.key for event in events if event.done} == set(store.keys())
    assert 1 <= max(together) <= 2
    assert dict(os.environ) == before
    run, alone = store.load(small_spec().key), small_runs["vae"]
    for name in ("reconstruction", "kl", "mse"):
        assert run.metrics["test"][name] == pytest.approx(alone.metrics["test"][name], rel=1e-3)


def test_a_diverging_member_is_named_and_the_others_finish(
    small_spec: Make, tmp_path: Path, training: Any, validation: Any
) -> None:
    made, store, events = planned(small_spec, "0,1"), Store(tmp_path), []
    leave_after_epoch_1(store, made.specs[1], training, validation, ruined=True)
    failures = run_sweep(made, store, engine="processes", workers=2, on_event=events.append, **CPU)
    assert list(failures) == [made.specs[1].key]
    assert "stopped in epoch 2: the loss is no longer a finite number" in failures[made.specs[1].key]
    assert store.keys() == [made.specs[0].key]
    assert [event.key for event in events if event.problem] == [made.specs[1].key]


# From the command line


def test_sweep_prints_the_keys_in_order(ask: Ask, tmp_path: Path, small_spec: Make) -> None:
    made = plan(small_spec(), parse_weights("4,0,kl"), (0, 3))
    arguments = [*SWEEP, "--betas", "4,0,kl", "--seeds", "0,3", "--engine", "stacked", "--store", tmp_path]
    expected = (0, "".join(f"{spec.key}\n" for spec in made.specs), "")
    assert ask(*arguments) == expected
    files = {path.name: path.read_bytes() for path in tmp_path.glob("*.safetensors")}
    assert len(files) == 6
    assert ask(*arguments) == expected
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.safetensors")} == files


def test_sweep_gives_members_and_metrics_in_json(ask: Ask, tmp_path: Path) -> None:
    answer = ask(*SWEEP, "--betas", "0,2,kl", "--engine", "stacked", "--store", tmp_path, "--json")
    assert (answer.status, answer.err) == (0, "")
    members = json.loads(answer.out)["members"]
    assert [(member["beta"], member["reconstruction_weight"]) for member in members] == [(0, 1), (2, 1), (1, 0)]
    store = Store(tmp_path)
    assert sorted(member["key"] for member in members) == store.keys()
    for member in members:
        assert set(member) == {"key", "beta", "reconstruction_weight", "seed", "problem", "metrics"}
        assert (member["problem"], member["seed"]) == (None, 0)
        assert member["metrics"] == store.load(member["key"]).metrics
        assert member["metrics"]["test"]["n"] == 360
    free, weighed, kl_alone = (member["metrics"]["test"] for member in members)
    assert free["kl"] > weighed["kl"] > 0
    assert free["reconstruction"] < kl_alone["reconstruction"]


class PipeConnection(connection._ConnectionBase):
    """What a pipe's end is on Windows: a sibling of Connection, not one of its kind."""

    def __init__(self, end: Any) -> None:
        self.end = end

    def __del__(self) -> None: ...

    def fileno(self) -> int:
        return self.end.fileno()

    def recv(self) -> Any:
        return self.end.recv()

    def close(self) -> None:
        self.end.close()


def test_processes_report_through_the_pipes_of_windows(
    small_spec: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spawn = multiprocessing.get_context("spawn")

    def pipe(duplex: bool) -> tuple[PipeConnection, Any]:
        ours, theirs = spawn.Pipe(duplex=duplex)
        return PipeConnection(ours), theirs

    windows = SimpleNamespace(Process=spawn.Process, Pipe=pipe)
    monkeypatch.setattr(local.multiprocessing, "get_context", lambda kind: windows)
    made, store = planned(small_spec, "1"), Store(tmp_path)
    events: list[Any] = []
    execution = Execution(device="cpu", precision="float32")
    assert not local.train_in_processes(made, store, execution=execution, on_event=events.append, workers=1)
    assert store.keys() == [made.specs[0].key] and events[-1].done


@pytest.mark.parametrize("as_json", [False, True])
def test_sweep_exits_1_and_names_the_member_that_failed(
    as_json: bool, ask: Ask, tmp_path: Path, small_spec: Make, training: Any, validation: Any
) -> None:
    made, store = planned(small_spec, "0,1"), Store(tmp_path)
    leave_after_epoch_1(store, made.specs[0], training, validation)
    leave_after_epoch_1(store, made.specs[1], training, validation, ruined=True)
    options = ["--json"] if as_json else []
    answer = ask(*SWEEP, "--betas", "0,1", "--engine", "stacked", "--store", tmp_path, *options)
    assert answer.status == 1
    assert store.keys() == [made.specs[0].key]
    if as_json:
        first, second = json.loads(answer.out)["members"]
        assert first["problem"] is None
        assert second["problem"].startswith(f"training {second['key']} stopped in epoch 2")
        assert (second["key"], second["metrics"]) == (made.specs[1].key, {})
    else:
        assert answer.out == f"{made.specs[0].key}\n"
        assert answer.err.startswith(f"{made.specs[1].key} failed: training {made.specs[1].key} stopped in epoch 2")
        assert answer.err.count("\n") == 1


BAD_SWEEPS = {
    "no betas": ["--betas", ""],
    "betas in words": ["--betas", "low,high"],
    "a beta twice": ["--betas", "1,1"],
    "negative beta": ["--betas=-1"],
    "beta nan": ["--betas", "nan"],
    "beta infinite": ["--betas", "inf"],
    "beta above the largest": ["--betas", "1e7"],
    "10 kB of betas": ["--betas", "x" * 10_000],
    "too many betas": ["--betas", ",".join(map(str, range(MOST_MEMBERS + 1)))],
    "no seeds": ["--seeds", ""],
    "a seed twice": ["--seeds", "1,1"],
    "seeds in words": ["--seeds", "one"],
    "negative seed": ["--seeds=-1"],
    "an autoencoder": ["--model", "ae"],
    "unknown model": ["--model", "gan"],
    "unknown dataset": ["--dataset", "imagenet"],
    "unknown engine": ["--engine", "magic"],
    "no workers": ["--workers", "0"],
    "unknown device": ["--device", "gpu"],
    "hidden words": ["--hidden", "wide"],
    "a variance too many": ["--variance", "0.1"],
}


@pytest.mark.parametrize("options", BAD_SWEEPS.values(), ids=BAD_SWEEPS.keys())
def test_a_sweep_that_cannot_be_is_one_sentence(options: list[str], ask: Ask, tmp_path: Path) -> None:
    assert_one_sentence(ask(*SWEEP, "--betas", "0,1", "--store", tmp_path / "store", *options))
    assert not (tmp_path / "store").exists()


# The shipped sweep

SEED_NOISE = 2.0  # nats: by so much the reconstructions of the three shipped seeds at d = 2 differ, too


@pytest.fixture(scope="module")
def shipped() -> dict[int, list[Listed]]:
    """Dimensions -> members of the shipped sweep, by beta; the KL alone left out."""
    found: dict[int, list[Listed]] = {}
    for latent_dim in (2, 16):
        base = RunSpec("mnist", "vae", latent_dim, (96, 48), epochs=30, batch_size=256, learning_rate=2e-3)
        lines = [
            line
            for line in Store(SHIPPED).listing()
            if line.spec and line.spec.model == "vae" and replace(line.spec, beta=1.0) == base
        ]
        found[latent_dim] = sorted(lines, key=lambda line: line.spec.kl_weight)  # type: ignore[union-attr]
        assert len(found[latent_dim]) == {2: 10, 16: 7}[latent_dim]
    return found


def of_all(lines: list[Listed], name: str) -> list[float]:
    return [line.metrics["test"][name] for line in lines]


def at(lines: list[Listed], beta: float) -> dict[str, Any]:
    (line,) = [line for line in lines if line.spec and line.spec.kl_weight == beta]
    return line.metrics["test"]


@pytest.mark.parametrize("latent_dim", [2, 16])
def test_along_beta_the_kl_falls_and_the_reconstruction_gets_worse(
    latent_dim: int, shipped: dict[int, list[Listed]]
) -> None:
    kl, reconstruction = (of_all(shipped[latent_dim], name) for name in ("kl", "reconstruction"))
    for place in range(1, len(kl)):
        assert kl[place] < kl[place - 1]
        assert reconstruction[place] > reconstruction[place - 1] - SEED_NOISE
    assert kl[0] > kl[-1] + 10
    assert reconstruction[-1] > reconstruction[0] + 10


def test_along_beta_units_fall_silent(shipped: dict[int, list[Listed]]) -> None:
    active = of_all(shipped[16], "active_units")
    assert active == sorted(active, reverse=True)
    assert active[0] > active[-1]


@pytest.mark.parametrize("latent_dim", [2, 16])
def test_without_the_kl_a_posterior_is_a_point(latent_dim: int, shipped: dict[int, list[Listed]]) -> None:
    lines = shipped[latent_dim]
    assert at(lines, 0.0)["sigma_over_spread"] * 100 <= at(lines, 1.0)["sigma_over_spread"]


@pytest.mark.parametrize("latent_dim", [2, 16])
def test_at_beta_100_the_decoder_says_the_mean_image(latent_dim: int, shipped: dict[int, list[Listed]]) -> None:
    collapsed = at(shipped[latent_dim], 100.0)
    assert collapsed["reconstruction"] == pytest.approx(205.9, abs=1.5)
    assert collapsed["kl"] < 0.1


def test_a_killed_process_is_named_the_others_finish_and_the_same_call_finishes_it(
    small_spec: Make, tmp_path: Path, warm_workers: None
) -> None:
    made, store = planned(small_spec, "0,1", epochs=60), Store(tmp_path)
    victim = made.specs[0].key
    killed: list[int] = []

    def kill(event: Event) -> None:
        if event.key == victim and event.epoch and not killed:
            (process,) = [child for child in multiprocessing.active_children() if child.name == victim]
            killed.append(event.epoch)
            os.kill(process.pid, signal.SIGKILL)

    failures = run_sweep(made, store, engine="processes", workers=2, on_event=kill, **CPU)
    assert killed
    assert failures == {victim: "its process ended with exit status -9 before it was done."}
    assert store.keys() == [made.specs[1].key]

    events: list[Event] = []
    assert run_sweep(made, store, engine="processes", workers=2, on_event=events.append, **CPU) == {}
    assert store.keys() == sorted(spec.key for spec in made.specs)
    epochs = [event.epoch for event in events if event.key == victim and not event.done]
    assert epochs[0] > killed[0]  # from where it was killed
    assert epochs == list(range(epochs[0], 61))


def test_a_place_that_is_free_is_taken_while_another_worker_is_busy(
    small_spec: Make, tmp_path: Path, warm_workers: None
) -> None:
    short, busy, last = (small_spec(beta=beta, epochs=1) for beta in (0.5, 1.0, 2.0))
    store, held, release = Store(tmp_path), threading.Event(), threading.Event()

    def hold() -> None:
        """Somebody else trains the second member: its worker waits, a minute at most."""
        with store.locked(busy.key):
            held.set()
            release.wait(60)

    done: list[str] = []

    def hear(event: Event) -> None:
        if event.done:
            done.append(event.key)
            if event.key == last.key:
                release.set()

    somebody = threading.Thread(target=hold)
    somebody.start()
    assert held.wait(10)
    assert run_sweep(Plan(((short, busy, last),)), store, engine="processes", workers=2, on_event=hear, **CPU) == {}
    somebody.join()
    assert done == [short.key, last.key, busy.key]


def test_memory_that_only_keeps_files_counts_as_available(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told = "MemTotal:       24731648 kB\nMemFree:          999999 kB\nMemAvailable:   20000000 kB\n"
    read = Path.read_text
    monkeypatch.setattr(Path, "read_text", lambda path, **named: told if str(path) == "/proc/meminfo" else read(path))
    assert memory_available() == 20_000_000 * 1024

    def missing(path: Path, **named: str) -> str:
        raise FileNotFoundError(path)

    monkeypatch.setattr(Path, "read_text", missing)
    monkeypatch.setattr(os, "sysconf", {"SC_AVPHYS_PAGES": 3, "SC_PAGE_SIZE": 4096}.__getitem__)
    assert memory_available() == 3 * 4096
