"""Training on request: only when asked, once whoever asks, with the very spec that the page means."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

import ui.training.app_queue
from ui.runs.resources import store
from ui.runs.selection import compared_spec
from ui.training.forecast import estimated_seconds
from ui.training.progress import live
from ui.training.queue import LONGEST_QUEUE, Ended
from vae_core.cli import commands as cli
from vae_core.execution import Execution
from vae_core.sampling import SOURCES
from vae_core.spec import RunSpec
from vae_core.storage.export import arguments
from vae_core.storage.manifest import read_manifest, shipped_run
from vae_core.training.jobs import get_or_train
from vae_core.training.loop import Progress

from .helpers import Bench, copy_runs, open_page, payload_headers, said, subheaders, wait_until

FLOAT32 = Execution(precision="float32")  # the same numbers on every processor

PAGE = "pages/regularity.py"
PAIR = ("ae", "vae")


def specs(count: int) -> list[RunSpec]:
    return [RunSpec("digits", "vae", hidden=(16,), epochs=2, seed=seed) for seed in range(count)]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    held = Bench()
    monkeypatch.setattr(ui.training.app_queue, "_start", held)
    yield held
    ui.training.app_queue.training_queue().close()
    held.let_go(2 * LONGEST_QUEUE)
    wait_until(lambda: not any(thread.name == "training" for thread in threading.enumerate()))


def train_button(at: AppTest):
    return at.button(key="regularity-planes-training-train")


def test_the_command_trains_the_very_spec(monkeypatch):
    asked = []

    def note(parsed: RunSpec, *_: object) -> None:
        asked.append(parsed)
        raise SystemExit(0)

    monkeypatch.setattr(cli, "_get_or_train", note)
    specs = read_manifest()
    for spec in specs:
        asking = arguments(spec)
        assert asking[:2] == ["-m", "vae_core"]
        result = CliRunner().invoke(cli.app, asking[2:])
        assert result.exit_code == 0, result.output
    assert asked == specs and [spec.key for spec in asked] == [spec.key for spec in specs]


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
    assert bench.came == [] and ui.training.app_queue.training_queue().idle
    assert not empty_store.root.exists()


def test_two_visitors_who_press_train_queue_both_runs_once(bench, empty_store):
    visitors = [open_page(PAGE, d="2", dataset="digits"), open_page(PAGE, d="2", dataset="digits")]
    wanted = [compared_spec(model, "digits", 2) for model in PAIR]
    for at in visitors:
        train_button(at).click().run()
        assert not at.exception
    wait_until(lambda: bench.came == wanted[:1])
    assert ui.training.app_queue.training_queue().specs == wanted
    for at in visitors:
        at.run()  # as the page does by itself: the first looked before its run had begun
        assert [bar.text for bar in at.get("progress")] == [
            f"Autoencoder: epoch 0 of {wanted[0].epochs}", "Variational autoencoder: waiting, 1 before it",
        ]  # fmt: skip
        assert not at.button
    bench.let_go(2)
    wait_until(lambda: ui.training.app_queue.training_queue().idle)
    assert bench.came == wanted


def test_progress_is_what_the_process_has_written(bench, empty_store, two_epochs):
    at = open_page(PAGE, d="2", dataset="digits")
    train_button(at).click().run()
    spec = compared_spec("ae", "digits", 2)

    def leave(progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        get_or_train(empty_store, spec, execution=FLOAT32, on_epoch=leave)
    wait_until(lambda: live(spec.key) is not None)
    at.run()
    bar = at.get("progress")[0]
    assert (bar.text, bar.value) == ("Autoencoder: epoch 1 of 2", 50)


def test_a_failed_training_is_said_and_can_be_asked_for_again(bench, empty_store):
    at = open_page(PAGE, d="2", dataset="digits")
    bench.ends = [Ended("the loss was no longer a number in epoch 3.")] * 2
    train_button(at).click().run()
    bench.let_go(2)
    wait_until(lambda: ui.training.app_queue.training_queue().idle)
    at.run()
    assert [error.value for error in at.error] == ["The loss was no longer a number in epoch 3."] * 2
    said(at, "Not trained yet on Small digits")
    train_button(at).click().run()
    assert not at.error
    wait_until(lambda: len(bench.came) == 3)


def test_a_full_desk_asks_to_come_back(bench, empty_store):
    for number, spec in enumerate(specs(LONGEST_QUEUE)):
        assert not ui.training.app_queue.training_queue().ask([spec], f"visitor {number}")
    wait_until(lambda: len(bench.came) == 1)
    at = open_page(PAGE, d="2", dataset="digits")
    train_button(at).click().run()
    assert [warning.value for warning in at.warning] == [
        "Too many runs are waiting already. Try again when one has finished."
    ]
    assert len(ui.training.app_queue.training_queue().specs) == LONGEST_QUEUE


def test_the_time_told_is_reckoned_from_the_most_similar_run_that_was_measured(shipped, empty_store, monkeypatch):
    monkeypatch.setattr(ui.training.app_queue.datasets, "is_here", lambda name: True)  # nothing of MNIST is read
    spec = shipped_run(dataset="mnist", model="ae", latent_dim=2, hidden=(128, 64), seed=0)
    assert estimated_seconds(spec) is None
    said(open_page(PAGE, d="2"), "Training takes for a while;")
    copy_runs(shipped, empty_store, [spec.key])
    seconds = shipped.load(spec.key).provenance["training_seconds"]
    assert estimated_seconds(replace(spec, epochs=3 * spec.epochs)) == pytest.approx(3 * seconds)
    assert estimated_seconds(replace(spec, hidden=(512, 256))) > 1.5 * seconds
    assert estimated_seconds(compared_spec("ae", "digits", 2)) < seconds / 2
    assert estimated_seconds(compared_spec("conv_ae", "mnist", 2)) is None
    assert estimated_seconds(shipped_run(model="pca")) == 30
    gan = next(one for one in read_manifest() if one.model == "gan")
    copy_runs(shipped, empty_store, [gan.key])
    assert estimated_seconds(gan) == pytest.approx(shipped.load(gan.key).provenance["training_seconds"])
    assert estimated_seconds(compared_spec("conv_ae", "mnist", 2)) is None  # a GAN's convolutions tell nothing of it
    told = said(open_page(PAGE, d="2"), "Variational autoencoder, d = 2. Training takes about (.*?);")[1]
    amount, unit = told.split()
    assert int(amount) * {"seconds": 1, "minutes": 60}[unit] == pytest.approx(seconds, rel=0.4)


def test_pressing_train_ends_with_both_runs_in_the_store_and_on_the_page(shipped, empty_store, two_epochs):
    """Real processes, two epochs each."""
    copy_runs(shipped, empty_store, [shipped_run(dataset="digits", model="classifier").key])
    wanted = [compared_spec(model, "digits", 2, (128,)) for model in PAIR]
    assert [spec.epochs for spec in wanted] == [2, 2]
    at = open_page(PAGE, d="2", dataset="digits", depth="128")
    train_button(at).click().run()
    wait_until(lambda: ui.training.app_queue.training_queue().idle, seconds=240)
    assert ui.training.app_queue.training_queue().failures == {}
    at.run()
    assert not at.exception and not at.error
    assert [header["key"] for header in payload_headers(at)[:2]] == [spec.key for spec in wanted]
    assert "The numbers" in subheaders(at)
    for spec in wanted:
        run = store().load(spec.key)
        assert (run.spec, len(run.history)) == (spec, 2)
        assert set(run.metrics["test"]["samples"]) == {*SOURCES, "reconstructions"}
