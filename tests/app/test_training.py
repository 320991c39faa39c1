"""Training on request: only when asked, once whoever asks, with the very spec that the page means."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

import ui.training
from ui.resources import store
from ui.runs import compared_spec
from ui.training import KEPT_FAILURES, LONGEST_QUEUE, Desk, estimated_seconds
from vae_core import cli
from vae_core.checkpoints import Store
from vae_core.export import arguments
from vae_core.manifest import read_manifest, shipped_run
from vae_core.spec import RunSpec

from .helpers import copy_runs, open_page, payload_headers, said, subheaders

PAGE = "pages/regularity.py"
PAIR = ("ae", "vae")


def specs(count: int) -> list[RunSpec]:
    return [RunSpec("digits", "vae", hidden=(16,), epochs=2, seed=seed) for seed in range(count)]


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


class Bench:
    """In the place of training: notes who comes, and holds each until it is let go."""

    def __init__(self) -> None:
        self.came: list[RunSpec] = []
        self.problem = ""
        self.go = threading.Semaphore(0)

    def __call__(self, spec: RunSpec) -> str:
        self.came.append(spec)
        assert self.go.acquire(timeout=30)
        return self.problem

    def let_go(self, count: int = 1) -> None:
        for _ in range(count):
            self.go.release()


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    held = Bench()
    monkeypatch.setattr(ui.training, "_train_in_process", held)
    yield held
    held.let_go(2 * LONGEST_QUEUE)
    wait_until(lambda: not any(thread.name == "training" for thread in threading.enumerate()))


def train_button(at: AppTest):
    return at.button(key="regularity-training-train")


def test_the_desk_trains_one_after_the_other_in_the_order_asked(bench):
    desk, (first, second, third) = Desk(), specs(3)
    assert desk.place(first.key) is None
    assert desk.ask([first, second]) and desk.ask([third])
    wait_until(lambda: bench.came == [first])
    assert [desk.place(spec.key) for spec in (first, second, third)] == [0, 1, 2]
    bench.let_go()
    wait_until(lambda: bench.came == [first, second])
    assert [desk.place(spec.key) for spec in (first, second, third)] == [None, 0, 1]
    bench.let_go(2)
    wait_until(lambda: desk.running is None)
    assert bench.came == [first, second, third] and not desk.waiting


def test_the_desk_takes_nobody_twice_and_no_more_than_it_has_room_for(bench):
    desk, known = Desk(), specs(LONGEST_QUEUE + 2)
    assert desk.ask(known[:1])
    wait_until(lambda: bench.came == known[:1])
    assert desk.ask(known[:2]) and desk.ask(known[:2])
    assert [spec.seed for spec in desk.waiting] == [1]
    assert desk.ask(known[1 : LONGEST_QUEUE + 1])
    assert not desk.ask(known[-1:])
    assert desk.place(known[-1].key) is None
    assert desk.ask(known[:3])  # who is in already needs no room


def test_a_failure_is_kept_until_it_is_asked_for_again_and_the_next_is_trained(bench):
    desk, (first, second) = Desk(), specs(2)
    bench.problem = "training diverged."
    desk.ask([first, second])
    bench.let_go(2)
    wait_until(lambda: desk.running is None)
    assert desk.failures == {first.key: "training diverged.", second.key: "training diverged."}
    desk.ask([first])
    assert desk.failures == {second.key: "training diverged."}


def test_only_the_latest_failures_are_kept(monkeypatch):
    monkeypatch.setattr(ui.training, "_train_in_process", lambda spec: "no.")
    desk, many = Desk(), specs(KEPT_FAILURES + 3)
    for spec in many:
        desk.ask([spec])
        wait_until(lambda: desk.running is None)
    assert list(desk.failures) == [spec.key for spec in many[3:]]


@pytest.mark.parametrize("spec", read_manifest(), ids=lambda spec: spec.key)
def test_the_command_trains_the_very_spec(monkeypatch, spec):
    asked = []

    def note(parsed: RunSpec, *_: object) -> None:
        asked.append(parsed)
        raise SystemExit(0)

    monkeypatch.setattr(cli, "_get_or_train", note)
    asking = arguments(spec)
    assert asking[:2] == ["-m", "vae_core"]
    result = CliRunner().invoke(cli.app, asking[2:])
    assert result.exit_code == 0, result.output
    assert asked == [spec] and asked[0].key == spec.key


def test_the_command_carries_what_a_page_may_ask_for_and_the_manifest_has_not(monkeypatch):
    asked: list[RunSpec] = []
    monkeypatch.setattr(cli, "_get_or_train", lambda spec, *_: asked.append(spec) or sys.exit(0))
    pages = [compared_spec(model, "kmnist", 32, hidden) for model in PAIR for hidden in ((128,), (128, 64, 64))]
    odd = RunSpec("digits", "vae", latent_dim=3, likelihood="gaussian", variance=1e-7, beta=0.25, learning_rate=1e-5)
    for spec in (*pages, odd):
        CliRunner().invoke(cli.app, arguments(spec)[2:])
    assert asked == [*pages, odd]


def test_nothing_is_trained_by_looking(bench, empty_store):
    at = open_page(PAGE)
    for d in (16, 8, 2):
        at.segmented_control(key="regularity-d").set_value(d).run()
    open_page("pages/reduction.py")
    assert bench.came == [] and ui.training._desk().running is None
    assert not empty_store.root.exists()


def test_two_visitors_who_press_train_queue_both_runs_once(bench, empty_store):
    visitors = [open_page(PAGE, dataset="digits"), open_page(PAGE, dataset="digits")]
    wanted = [compared_spec(model, "digits", 2) for model in PAIR]
    for at in visitors:
        train_button(at).click().run()
        assert not at.exception
    wait_until(lambda: bench.came == wanted[:1])
    assert list(ui.training._desk().waiting) == wanted[1:]
    for at in visitors:
        assert [bar.text for bar in at.get("progress")] == [
            f"Autoencoder: epoch 0 of {wanted[0].epochs}", "Variational autoencoder: waiting, 1 before it",
        ]  # fmt: skip
        assert not at.button
    bench.let_go(2)
    wait_until(lambda: ui.training._desk().running is None)
    assert bench.came == wanted


def test_progress_is_what_the_store_holds(bench, empty_store, monkeypatch):
    at = open_page(PAGE, dataset="digits")
    train_button(at).click().run()
    epochs = compared_spec("ae", "digits", 2).epochs
    monkeypatch.setattr(Store, "epochs_done", lambda self, key: epochs // 4 if key.startswith("ae-") else 0)
    at.run()
    bar = at.get("progress")[0]
    assert (bar.text, bar.value) == (f"Autoencoder: epoch {epochs // 4} of {epochs}", 25)


def test_a_failed_training_is_said_and_can_be_asked_for_again(bench, empty_store):
    at = open_page(PAGE, dataset="digits")
    bench.problem = "the loss was no longer a number in epoch 3."
    train_button(at).click().run()
    bench.let_go(2)
    wait_until(lambda: ui.training._desk().running is None)
    at.run()
    assert [error.value for error in at.error] == ["The loss was no longer a number in epoch 3."] * 2
    said(at, "Not trained yet on Small digits")
    train_button(at).click().run()
    assert not at.error
    wait_until(lambda: len(bench.came) == 3)


def test_a_full_desk_asks_to_come_back(bench, empty_store):
    ui.training._desk().ask(specs(LONGEST_QUEUE))
    wait_until(lambda: len(bench.came) == 1)
    at = open_page(PAGE, dataset="digits")
    train_button(at).click().run()
    assert [warning.value for warning in at.warning] == [
        "Too many runs are waiting already. Try again when one has finished."
    ]
    assert len(ui.training._desk().waiting) == LONGEST_QUEUE - 1


def test_the_time_told_is_reckoned_from_the_most_similar_run_that_was_measured(shipped, empty_store):
    spec = shipped_run(dataset="mnist", model="ae", latent_dim=2, hidden=(128, 64), seed=0)
    assert estimated_seconds(spec) is None
    said(open_page(PAGE), "Training takes for a while;")
    copy_runs(shipped, empty_store, [spec.key])
    seconds = shipped.load(spec.key).provenance["training_seconds"]
    assert estimated_seconds(replace(spec, epochs=3 * spec.epochs)) == pytest.approx(3 * seconds)
    assert estimated_seconds(replace(spec, hidden=(512, 256))) > 1.5 * seconds
    assert estimated_seconds(compared_spec("ae", "digits", 2)) < seconds / 2
    assert estimated_seconds(compared_spec("conv_ae", "mnist", 2)) is None
    assert estimated_seconds(shipped_run(model="pca")) == 30
    told = said(open_page(PAGE), "Variational autoencoder, d = 2. Training takes about (.*?);")[1]
    amount, unit = told.split()
    assert int(amount) * {"seconds": 1, "minutes": 60}[unit] == pytest.approx(seconds, rel=0.4)


def test_training_that_cannot_be_done_ends_in_its_sentence(tmp_path, monkeypatch):
    """A real process whose store is a file."""
    blocked = tmp_path / "runs"
    blocked.write_text("in the way")
    monkeypatch.setenv("VAE_STORE", str(blocked))
    problem = ui.training._train_in_process(specs(1)[0])
    assert problem.startswith(f"could not read {blocked}/") and problem.endswith("(Not a directory).")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no python"))
    monkeypatch.setattr(ui.training.shutil, "which", lambda name: None)
    assert ui.training._train_in_process(specs(1)[0]) == "Training could not be started (No such file or directory)."


def test_pressing_train_ends_with_both_runs_in_the_store_and_on_the_page(shipped, empty_store, two_epochs):
    """Real processes, two epochs each."""
    copy_runs(shipped, empty_store, [shipped_run(dataset="digits", model="classifier").key])
    wanted = [compared_spec(model, "digits", 2, (128,)) for model in PAIR]
    assert [spec.epochs for spec in wanted] == [2, 2]
    at = open_page(PAGE, dataset="digits", depth="128")
    train_button(at).click().run()
    wait_until(lambda: ui.training._desk().running is None, seconds=120)
    assert ui.training._desk().failures == {}
    at.run()
    assert not at.exception and not at.error
    assert [header["key"] for header in payload_headers(at)[:2]] == [spec.key for spec in wanted]
    assert "The numbers" in subheaders(at)
    for spec in wanted:
        run = store().load(spec.key)
        assert (run.spec, len(run.history)) == (spec, 2)
        assert set(run.metrics["test"]["samples"]) == {"prior", "box", "mixture"}
