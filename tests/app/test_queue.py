"""The training queue: who gets what when, what happens to those who leave, and to processes that die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from ui.training import app_queue
from ui.training import queue as queue_module
from ui.training.process_worker import ProcessWorker
from ui.training.queue import (
    DISPLACED,
    KEPT_FAILURES,
    LONGEST_QUEUE,
    MOST_IN_TURN,
    MOST_PER_ADDRESS,
    MOST_PER_VISITOR,
    Ended,
    TrainingQueue,
)
from ui.training.standby import LEAST_MEMORY, Standby
from vae_core.spec import RunSpec
from vae_core.storage.store import Store

from .helpers import ROOT, Bench, wait_until

KILLED = Ended("The training process was ended from outside (SIGKILL).", killed=True)
LONG = RunSpec("digits", "vae", hidden=(64,), epochs=2_000)


def specs(count: int) -> list[RunSpec]:
    return [RunSpec("digits", "vae", hidden=(16,), epochs=2, seed=seed) for seed in range(count)]


@pytest.fixture
def bench() -> Iterator[Bench]:
    held = Bench()
    yield held
    held.let_go(3 * LONGEST_QUEUE)
    wait_until(lambda: not any(thread.name == "training" for thread in threading.enumerate()))


def places(queue: TrainingQueue, wanted: list[RunSpec]) -> list[int | None]:
    return [ticket.place if (ticket := queue.ticket(spec.key)) else None for spec in wanted]


def test_one_after_the_other_in_the_order_asked(bench):
    queue, wanted = TrainingQueue(bench), specs(3)
    assert places(queue, wanted) == [None, None, None]
    assert queue.ask(wanted[:1], "a") == "" and queue.ask(wanted[1:2], "b") == "" and queue.ask(wanted[2:], "c") == ""
    wait_until(lambda: bench.came == wanted[:1])
    assert places(queue, wanted) == [0, 1, 2]
    assert [ticket.before for ticket in queue.tickets()] == [(), tuple(wanted[:1]), tuple(wanted[:2])]
    bench.let_go()
    wait_until(lambda: bench.came == wanted[:2])
    assert places(queue, wanted) == [None, 0, 1]
    bench.let_go(2)
    wait_until(lambda: queue.idle)
    assert bench.came == wanted and queue.failures == {}


def test_a_hundred_ask_one_trains_all_watch(bench):
    queue, (spec,) = TrainingQueue(bench), specs(1)
    for number in range(100):
        assert queue.ask([spec], f"visitor {number}") == ""
    wait_until(lambda: bench.came == [spec])
    ticket = queue.ticket(spec.key, "visitor 7")
    assert (ticket.visitors, ticket.mine, ticket.place) == (100, True, 0)
    assert not queue.ticket(spec.key, "stranger").mine
    bench.let_go()
    wait_until(lambda: queue.idle)
    assert bench.came == [spec]


def test_several_processes_where_the_machine_has_them(bench):
    queue, wanted = TrainingQueue(bench, workers=2), specs(3)
    queue.ask(wanted, "a")
    wait_until(lambda: len(bench.came) == 2)
    assert set(bench.came) == set(wanted[:2])  # which of the two threads is first is chance
    assert places(queue, wanted) == [0, 0, 1]
    bench.let_go(3)
    wait_until(lambda: queue.idle)


def test_the_queues_of_all_replicas_share_the_machines_places(bench, tmp_path, monkeypatch):
    monkeypatch.setenv("VAE_STORE", str(tmp_path))
    here, there, wanted = (
        TrainingQueue(bench, place=app_queue._place),
        TrainingQueue(bench, place=app_queue._place),
        specs(3),
    )
    here.ask(wanted[:1], "a")
    wait_until(lambda: bench.came == wanted[:1])
    there.ask(wanted[1:], "b")
    wait_until(lambda: there.held_up)
    assert places(there, wanted[1:]) == [1, 2]  # waiting, though nothing trains at this queue
    there.leave(wanted[1].key, "b")
    assert bench.came == wanted[:1]
    bench.let_go()
    wait_until(lambda: here.idle and bench.came == [wanted[0], wanted[2]])
    assert not there.held_up and places(there, wanted[2:]) == [0]
    bench.let_go()
    wait_until(lambda: there.idle)
    monkeypatch.setenv("VAE_STORE", os.devnull)  # nothing can be written there: the worker finds out, and says so
    with app_queue._place() as free:
        assert free


def test_the_queue_is_bounded_and_all_or_nothing(bench):
    queue, wanted = TrainingQueue(bench), specs(LONGEST_QUEUE + 3)
    for number, spec in enumerate(wanted[: LONGEST_QUEUE + 1]):
        assert queue.ask([spec], f"visitor {number}") == ""
    wait_until(lambda: bench.came == wanted[:1])
    assert queue.ask(wanted[-2:], "late") == "Too many runs are waiting already. Try again when one has finished."
    assert places(queue, wanted[-2:]) == [None, None]
    assert queue.ask(wanted[:1], "late") == ""  # what is in already needs no room


def test_a_visitor_has_three_at_a_time_and_may_join_others(bench):
    queue, wanted = TrainingQueue(bench), specs(MOST_PER_VISITOR + 2)
    assert queue.ask(wanted[:MOST_PER_VISITOR], "a") == ""
    refusal = queue.ask(wanted[-2:-1], "a")
    assert refusal.startswith("You have asked for 3 runs that are not finished; 3 at a time is the most.")
    assert queue.ask(wanted[-1:], "b") == "" and queue.ask(wanted[-1:], "a") == ""
    bench.let_go()
    wait_until(lambda: len(bench.came) == 2)
    assert queue.ask(wanted[-2:-1], "a").startswith("You have asked for 3")
    bench.let_go()
    wait_until(lambda: len(bench.came) == 3)
    assert queue.ask(wanted[-2:-1], "a") == ""


def test_runs_beyond_three_follow_in_turn_as_those_of_the_visitor_end(bench):
    queue, wanted = TrainingQueue(bench), specs(MOST_PER_VISITOR + 2)
    assert queue.ask_in_turn(wanted, "a") == ""
    wait_until(lambda: bench.came == wanted[:1])
    assert places(queue, wanted) == [0, 1, 2, None, None]
    assert queue.waits_in_turn("a") == tuple(wanted[MOST_PER_VISITOR:]) and queue.waits_in_turn("b") == ()
    assert queue.specs == wanted  # the images of all of them are in use
    assert queue.ask_in_turn(wanted, "a") == "" and queue.specs == wanted
    bench.let_go()
    wait_until(lambda: places(queue, wanted) == [None, 0, 1, 2, None])
    assert queue.leave(wanted[-1].key, "a") and not queue.leave(wanted[-1].key, "a")
    bench.let_go(3)
    wait_until(lambda: queue.idle)
    assert bench.came == wanted[:-1] and queue.waits_in_turn("a") == ()


def test_who_leaves_a_run_that_waits_gets_the_next_in_turn_and_who_leaves_all_gets_none(bench):
    queue, wanted = TrainingQueue(bench), specs(MOST_PER_VISITOR + 2)
    queue.ask_in_turn(wanted, "a")
    wait_until(lambda: bench.came == wanted[:1])
    queue.leave(wanted[1].key, "a")
    assert places(queue, wanted) == [0, None, 1, 2, None]
    for spec in reversed(wanted):
        queue.leave(spec.key, "a")
    wait_until(lambda: queue.idle)
    assert bench.came == wanted[:1] and queue.specs == []


def test_nothing_waits_in_turn_where_the_queue_is_full_or_closed_or_the_line_too_long(bench):
    queue, wanted = TrainingQueue(bench), specs(LONGEST_QUEUE + 3)
    assert "is the most" in queue.ask_in_turn(wanted[: MOST_IN_TURN + 1], "a") and queue.specs == []
    for number, spec in enumerate(wanted[: LONGEST_QUEUE + 1]):
        queue.ask([spec], f"visitor {number}")
    assert queue.ask_in_turn(wanted[-2:], "late").startswith("Too many runs are waiting")
    assert queue.waits_in_turn("late") == ()
    queue.close()
    assert queue.ask_in_turn(wanted[-2:], "late").startswith("The app is about to end")


def test_one_visitor_holds_the_only_worker(bench):
    """62 jobs of one who comes under a new name each time once filled the queue in 16 s."""
    queue, wanted = TrainingQueue(bench), specs(LONGEST_QUEUE + 12)
    hostile, honest = wanted[:-12], wanted[-12:]
    taken = [spec for number, spec in enumerate(hostile) if not queue.ask([spec], f"name {number}", "6.6.6.6")]
    assert taken == hostile[:MOST_PER_ADDRESS]
    assert queue.ask([hostile[-1]], "another name", "6.6.6.6").startswith(f"{MOST_PER_ADDRESS} runs of people at your")
    wait_until(lambda: bench.came == hostile[:1])
    assert queue.ask(honest[:3], "ann", "10.0.0.1") == "" and queue.ask(honest[3:4], "bob", "10.0.0.2") == ""
    assert places(queue, honest[:4]) == [1, 4, 6, 2]  # next, and from then on every address in its turn
    bench.let_go(6)
    wait_until(lambda: len(bench.came) == 7)
    assert bench.came[1:] == [honest[0], honest[3], hostile[1], honest[1], hostile[2], honest[2]]


def test_the_visitors_of_one_address_take_turns(bench):
    queue, wanted = TrainingQueue(bench), specs(5)
    queue.ask(wanted[:3], "eager", "school")
    queue.ask(wanted[3:4], "ann", "school")
    queue.ask(wanted[4:], "bob", "school")
    bench.let_go(5)
    wait_until(lambda: queue.idle)
    assert bench.came == [wanted[0], wanted[3], wanted[4], wanted[1], wanted[2]]


def test_a_full_queue_makes_room_for_an_address_that_has_little_in_it(bench):
    queue, wanted = TrainingQueue(bench), specs(LONGEST_QUEUE + 4)
    for number, spec in enumerate(wanted[: LONGEST_QUEUE + 1]):
        assert queue.ask([spec], f"name {number}", f"6.6.6.{number % 2}") == ""
    wait_until(lambda: bench.came == wanted[:1])
    assert queue.ask(wanted[-3:], "ann", "10.0.0.1") == ""
    assert places(queue, wanted[-3:])[0] == 2  # after the other address, which had no turn yet
    gone = [spec for spec in wanted[:-3] if queue.ticket(spec.key) is None]
    assert len(gone) == 3 and all(queue.failures[spec.key] == DISPLACED for spec in gone)
    assert len(queue.tickets()) == LONGEST_QUEUE + 1


def test_a_run_has_a_cap(bench):
    queue, (first, second) = TrainingQueue(bench, longest=0.2), specs(2)
    queue.ask([first, second], "a")
    wait_until(lambda: bench.came == [first, second] and queue.idle)
    assert bench.stopped == [first, second]
    assert "the turn of others" in queue.failures[first.key]
    assert queue.ask([first], "a") == "" and queue.failures.keys() == {second.key}


def test_the_host_stops_a_job(bench):
    queue, wanted = TrainingQueue(bench), specs(4)
    queue.ask(wanted[:3], "a")
    wait_until(lambda: bench.came == wanted[:1])
    queue.halt("The host has ended it.", wanted[1].key)
    assert places(queue, wanted) == [0, None, 1, None] and queue.failures[wanted[1].key] == "The host has ended it."
    queue.halt("The host has ended it.", before=time.time() - 60)  # all that was asked for a minute ago
    assert places(queue, wanted) == [0, None, 1, None]
    queue.halt("The host has ended it.")
    wait_until(lambda: queue.idle)
    assert bench.stopped == wanted[:1] and queue.failures.keys() == {spec.key for spec in wanted[:3]}


def test_a_line_that_was_asked_for_after_the_hosts_word_stays(bench):
    queue, wanted = TrainingQueue(bench), specs(2 * MOST_PER_VISITOR + 2)
    early, late = wanted[: MOST_PER_VISITOR + 1], wanted[MOST_PER_VISITOR + 1 :]
    queue.ask_in_turn(early, "a")
    wait_until(lambda: bench.came == early[:1])
    said_at = time.time()
    assert queue.ask_in_turn(late[:1], "a") == queue.ask_in_turn(late[1:], "b") == ""
    assert queue.waits_in_turn("a") == (early[-1], late[0]) and queue.waits_in_turn("b") == ()
    queue.leave(early[1].key, "a")  # so that one of the line is requested only after the host's word
    for _ in range(3):
        queue.halt("The host has ended it.", before=said_at)
    assert queue.failures.keys() == {spec.key for spec in early[2:]}
    assert queue.waits_in_turn("a") == () and all(queue.ticket(spec.key) for spec in late)
    bench.let_go(len(late) + 1)
    wait_until(lambda: queue.idle)
    assert sorted(bench.came[1:], key=wanted.index) == late and queue.specs == []


def test_a_word_on_one_run_takes_it_out_of_its_line_and_leaves_the_others(bench):
    queue, wanted = TrainingQueue(bench), specs(MOST_PER_VISITOR + 2)
    queue.ask_in_turn(wanted, "a")
    queue.halt("The host has ended it.", wanted[-2].key)
    assert queue.waits_in_turn("a") == (wanted[-1],)


def test_what_the_host_ends_without_anything_in_training_lets_the_next_in(bench):
    queue, wanted = TrainingQueue(bench, place=lambda: nullcontext(False)), specs(MOST_PER_VISITOR + 1)
    queue.ask_in_turn(wanted[:-1], "a")
    said_at = time.time()
    queue.ask_in_turn(wanted[-1:], "a")
    queue.halt("The host has ended it.", before=said_at)
    assert places(queue, wanted) == [None] * MOST_PER_VISITOR + [1] and queue.waits_in_turn("a") == ()
    queue.close()


def test_it_stops_when_the_last_who_asked_has_left(bench):
    queue, (first, second) = TrainingQueue(bench), specs(2)
    for visitor in "ab":
        queue.ask([first, second], visitor)
    wait_until(lambda: bench.came == [first])
    assert not queue.leave(first.key, "stranger")
    assert queue.leave(first.key, "a") and queue.leave(second.key, "a")
    assert bench.stopped == [] and places(queue, [first, second]) == [0, 1]
    assert not queue.leave(first.key, "a")
    assert queue.leave(second.key, "b")
    assert places(queue, [second]) == [None]
    assert queue.leave(first.key, "b")
    wait_until(lambda: queue.idle)
    assert bench.stopped == [first] and queue.failures == {}


def test_one_who_asks_while_it_stops_gets_it_again():
    bench = Bench()
    slow = threading.Event()

    class Slow:
        def wait(self) -> Ended:
            assert slow.wait(10)
            return Ended("stopped", killed=True)

        def stop(self) -> None:
            bench.stopped.append(spec)

    (spec,) = specs(1)
    began: list[RunSpec] = []
    queue = TrainingQueue(lambda wanted: began.append(wanted) or (Slow() if len(began) == 1 else bench(wanted)))
    queue.ask([spec], "a")
    wait_until(lambda: len(began) == 1)
    queue.leave(spec.key, "a")
    assert queue.ticket(spec.key).stopping
    assert queue.ask([spec], "b") == ""
    slow.set()
    wait_until(lambda: len(began) == 2)
    ticket = queue.ticket(spec.key, "b")
    assert ticket.mine and ticket.visitors == 1 and not ticket.stopping
    bench.let_go()
    wait_until(lambda: queue.idle)


def test_a_killed_process_is_started_again_twice_and_then_it_is_said(bench):
    queue, (first, second) = TrainingQueue(bench), specs(2)
    bench.ends = [KILLED, KILLED, KILLED]
    queue.ask([first, second], "a")
    for times in (1, 2):
        bench.let_go()
        wait_until(lambda times=times: bench.came == [first] * (times + 1))
        note = queue.ticket(first.key).note
        assert note.startswith(KILLED.problem) and "goes on from its last finished epoch" in note
    bench.let_go()
    wait_until(lambda: bench.came == [first] * 3 + [second])
    assert queue.failures[first.key].startswith(f"{KILLED.problem} It was started 3 times;")
    assert queue.ask([first], "a") == "" and queue.failures == {}


def test_what_is_remembered_is_bounded(monkeypatch):
    kept = 20  # of a thousand: the bound is what counts here
    assert kept < queue_module.VISITORS_KEPT
    monkeypatch.setattr(queue_module, "VISITORS_KEPT", kept)
    queue, many = TrainingQueue(lambda spec: Fails()), specs(KEPT_FAILURES + 3)

    class Fails:
        def wait(self) -> Ended:
            return Ended("no.")

        def stop(self) -> None:
            """Nothing to stop."""

    for number, spec in enumerate(many):
        assert queue.ask([spec], f"visitor {number}") == ""
        wait_until(lambda: queue.idle)
    assert list(queue.failures) == [spec.key for spec in many[3:]]
    for number in range(kept):
        assert queue.asked_lately(f"visitor {len(many) - 1}") == (many[-1].key,)
        queue.ask(many[:1], f"other {number}")
        wait_until(lambda: queue.idle)
    assert queue.asked_lately(f"visitor {len(many) - 1}") == ()


def test_a_closed_desk_stops_all_and_takes_nothing(bench):
    queue, wanted = TrainingQueue(bench), specs(3)
    queue.ask(wanted, "a")
    wait_until(lambda: bench.came == wanted[:1])
    queue.close()
    wait_until(lambda: queue.idle)
    assert bench.stopped == wanted[:1] and bench.came == wanted[:1]
    assert queue.ask(wanted, "a") == "The app is about to end, so nothing new is trained."


def test_a_process_that_cannot_be_started_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no python"))
    queue, (spec,) = TrainingQueue(lambda wanted: ProcessWorker(wanted, tmp_path)), specs(1)
    queue.ask([spec], "a")
    wait_until(lambda: queue.idle)
    assert queue.failures[spec.key] == "Training could not be started (No such file or directory)."


# ---- real processes --------------------------------------------------------------------------------------------------


def test_what_cannot_be_trained_ends_in_its_sentence(tmp_path):
    blocked = tmp_path / "runs"
    blocked.write_text("in the way")
    ended = ProcessWorker(specs(1)[0], blocked).wait()
    assert not ended.killed and ended.problem.startswith(f"could not read {blocked}/")
    elsewhere = RunSpec("own-1x28x28-0123456789ab", "vae", hidden=(16,), epochs=2)
    ended = ProcessWorker(elsewhere, tmp_path / "other").wait()
    assert not ended.killed and ended.problem.startswith("the images own-1x28x28-0123456789ab are not in ")


def begun(store: Store, spec: RunSpec, epochs: int) -> None:
    wait_until(lambda: store.epochs_done(spec.key) >= epochs, seconds=120)


def test_a_run_survives_kills_and_ends_as_if_undisturbed(tmp_path):
    spec = RunSpec("digits", "vae", hidden=(32,), epochs=60)
    store, workers = Store(tmp_path / "killed"), []

    def start(wanted: RunSpec) -> ProcessWorker:
        workers.append(ProcessWorker(wanted, store.root))
        return workers[-1]

    queue = TrainingQueue(start)
    queue.ask([spec], "a")
    begun(store, spec, 10)
    os.kill(workers[0].pid, signal.SIGKILL)
    wait_until(lambda: len(workers) == 2)
    wait_until(lambda: queue.idle, seconds=240)
    assert queue.failures == {}
    run = store.load(spec.key)
    undisturbed = Store(tmp_path / "undisturbed")
    assert ProcessWorker(spec, undisturbed.root).wait() == Ended()
    other = undisturbed.load(spec.key)
    for name, weight in run.weights.items():
        assert np.array_equal(weight, other.weights[name])
    assert run.metrics == other.metrics
    for name in ("film/epochs", "film/rebuilt", "film/originals"):
        assert np.array_equal(run.extras[name], other.extras[name])


def test_stopping_keeps_what_was_trained_and_leaves_no_process(tmp_path):
    store, workers = Store(tmp_path), []
    queue = TrainingQueue(lambda wanted: workers.append(ProcessWorker(wanted, tmp_path)) or workers[-1])
    queue.ask([LONG], "a")
    begun(store, LONG, 3)
    queue.leave(LONG.key, "a")
    wait_until(lambda: queue.idle)
    assert workers[0].process.returncode is not None
    done = store.epochs_done(LONG.key)
    assert 3 <= done < LONG.epochs and queue.failures == {}
    assert not list((tmp_path / ".partial").glob("*.tmp"))
    queue.ask([LONG], "b")
    begun(store, LONG, done + 1)
    queue.close()
    wait_until(lambda: queue.idle)


@pytest.fixture
def memory(monkeypatch):
    """As much as a waiting process needs, whatever else runs on this machine."""
    monkeypatch.setattr("ui.training.standby.memory_available", lambda: LEAST_MEMORY)


def test_no_process_waits_where_memory_is_short(monkeypatch):
    monkeypatch.setattr("ui.training.standby.memory_available", lambda: LEAST_MEMORY - 1)
    standby = Standby()
    standby.prepare()
    assert standby.take() is None


def test_a_process_that_waits_begins_the_next_run_and_ends_unused(tmp_path, memory):
    standby = Standby()
    assert standby.take() is None
    standby.prepare()
    standby.prepare()
    waiting = standby.take()
    assert waiting.alive() and standby.take() is None
    (spec,) = specs(1)
    worker = ProcessWorker(spec, tmp_path, waiting)
    assert worker.pid == waiting.process.pid and worker.wait() == Ended()
    assert Store(tmp_path).load(spec.key).spec == spec
    standby.prepare()
    unused = standby._process.process
    standby.close()
    assert unused.returncode is not None and standby.take() is None


def test_a_process_that_nobody_needs_for_long_ends(memory):
    standby = Standby(idle=0.5)
    standby.prepare()
    process = standby._process.process
    wait_until(lambda: process.returncode is not None)
    standby.prepare()
    standby._process.process.kill()  # from outside
    wait_until(lambda: standby._process is None or not standby._process.alive(), seconds=60)
    assert standby.take() is None


APP = """
import sys, time
from pathlib import Path
from ui.training.queue import TrainingQueue
from ui.training.process_worker import ProcessWorker
from vae_core.spec import RunSpec

def start(spec):
    worker = ProcessWorker(spec, Path(sys.argv[1]))
    print(worker.pid, flush=True)
    return worker

TrainingQueue(start).ask([RunSpec("digits", "vae", hidden=(64,), epochs=2_000)], "a")
time.sleep(600)
"""


def test_training_ends_with_the_app_even_if_that_is_killed(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", APP, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as app:
        worker = int(app.stdout.readline())
        begun(Store(tmp_path), LONG, 2)
        assert is_alive(worker)
        app.kill()
    wait_until(lambda: not is_alive(worker))  # of the lowest priority
    assert Store(tmp_path).epochs_done(LONG.key) >= 2


def is_alive(pid: int) -> bool:
    """A zombie that nobody has collected is dead."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("niceness", ["-5", "1.5", "low", "²"])
def test_a_niceness_that_is_none_is_said(niceness, tmp_path, monkeypatch):
    monkeypatch.setenv("VAE_NICE", niceness)
    ended = ProcessWorker(specs(1)[0], tmp_path).wait()
    assert not ended.killed and ended.problem == f"VAE_NICE must be an integer from 0 to 19, not {niceness!r}."


def test_a_visitor_is_told_what_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("VAE_STORE", str(tmp_path))
    monkeypatch.delenv("VAE_FORGETS", raising=False)
    assert app_queue.not_kept() == ""
    monkeypatch.setenv("VAE_FORGETS", "1")
    assert "lost when this app is started again" in app_queue.not_kept()
    monkeypatch.setattr(os, "access", lambda *_: False)  # as on a read-only disk; root may write anywhere else
    assert "can only be read" in app_queue.not_kept()
