"""A sweep on this machine: as one program on a GPU where that can be, else one process per core with one thread each.

Two threads in one small network wait for each other more than they help; a separate process for each member keeps
every core busy, and a crash affects one member only.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from vae_core.errors import VaeCoreError
from vae_core.execution import Execution
from vae_core.spec import RunSpec
from vae_core.storage.store import Store
from vae_core.sweep.plan import Plan, check_memory, memory_available
from vae_core.training.device import choose_device

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


@dataclass(frozen=True)
class Event:
    """A sweep's report of its progress.

    Attributes:
        key: of the member.
        epoch: number of finished epochs.
        done: whether the member is in the store.
        problem: why it failed; empty if it did not.
    """

    key: str
    epoch: int = 0
    done: bool = False
    problem: str = ""


Listener = Callable[[Event], None]


def train_stacked(plan: Plan, store: Store, *, execution: Execution, on_event: Listener) -> dict[str, str]:
    """Train every group as one program, in this process.

    Returns:
        Key -> reason, for each member that failed.
    """
    from vae_core.training.jobs import train_together

    failures: dict[str, str] = {}
    for group in plan.groups:
        check_memory(group[0], len(group), _free(execution.device))
        failed = train_together(
            store,
            group,
            execution=execution,
            on_epoch=lambda spec, progress: on_event(Event(spec.key, progress.epoch)),
            on_finish=lambda run: on_event(Event(run.key, run.spec.epochs, done=True)),
        )
        for key, error in failed.items():
            failures[key] = str(error)
            on_event(Event(key, problem=str(error)))
    return failures


class _Task(NamedTuple):
    """A worker process's input."""

    spec: RunSpec
    root: Path
    execution: Execution


def train_in_processes(
    plan: Plan,
    store: Store,
    *,
    execution: Execution,
    on_event: Listener,
    workers: int | None = None,
) -> dict[str, str]:
    """Train every member in a separate process, as many at once as there are cores.

    Returns:
        Key -> reason, for each member that failed; the others are in the store.
    """
    count = min(workers or cores(), len(plan.specs))
    check_memory(plan.specs[0], count, memory_available())
    choose_device(execution.device)  # reports an unknown one before anything is started
    context = multiprocessing.get_context("spawn")
    waiting = list(plan.specs)
    running: dict[Connection, tuple[str, Any]] = {}
    failures: dict[str, str] = {}

    def receive(connection: Connection) -> bool:
        """Handle the next event of a worker; returns whether there was one."""
        try:
            event = connection.recv()
        except EOFError:  # it has ended, successfully or not
            return False
        if event.problem:
            failures[event.key] = event.problem
        finished.update([event.key] if event.done else [])
        on_event(event)
        return True

    finished: set[str] = set()
    with _one_thread_each():
        try:
            while waiting or running:
                while waiting and len(running) < count:
                    spec = waiting.pop(0)
                    # A pipe for each: a shared one would stay locked forever if a worker were killed while writing.
                    ours, theirs = context.Pipe(duplex=False)
                    order = _Task(spec, store.root, execution)
                    process = context.Process(target=_work, args=(order, theirs), name=spec.key)
                    process.start()
                    theirs.close()
                    running[ours] = (spec.key, process)
                # On Windows these are PipeConnections, which are no Connections.
                for connection in cast("list[Connection]", wait(list(running))):
                    if receive(connection):
                        continue
                    key, process = running.pop(connection)
                    connection.close()
                    process.join()
                    if key not in finished and key not in failures:
                        failures[key] = f"its process ended with exit status {process.exitcode} before it was done."
                        on_event(Event(key, problem=failures[key]))
        finally:
            for _, process in running.values():
                process.terminate()
            for _, process in running.values():
                process.join()
    return failures


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Limit child processes, which read these variables when they start, to one thread each: they share the cores."""
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ |= _ONE_THREAD
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


_ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _work(order: _Task, events: Connection) -> None:
    """Train one member, from its last finished epoch on; runs in the worker process."""
    import torch

    from vae_core.training.jobs import get_or_train

    torch.set_num_threads(1)
    key = order.spec.key
    try:
        get_or_train(
            Store(order.root),
            order.spec,
            execution=order.execution,
            on_epoch=lambda progress: events.send(Event(key, progress.epoch)),
        )
        events.send(Event(key, order.spec.epochs, done=True))
    except VaeCoreError as error:
        events.send(Event(key, problem=str(error)))


def _free(device: str) -> int | None:
    """Free memory of the training device, in bytes."""
    chosen = choose_device(device)
    if chosen.type == "cuda":
        import torch

        return int(torch.cuda.mem_get_info(chosen)[0])
    return memory_available()
