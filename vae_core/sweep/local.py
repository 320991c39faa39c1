"""A sweep on this machine: as one program on a GPU where that can be, else one process per core with one thread each.

Two threads in one small network wait for each other more than they help; a process of its own for each member keeps
every core busy, and one member's end is nobody else's.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, NamedTuple

from vae_core.errors import VaeCoreError
from vae_core.execution import Execution
from vae_core.spec import RunSpec
from vae_core.storage.store import Store
from vae_core.sweep.plan import Plan, check_memory, memory_available
from vae_core.training.device import choose_device


@dataclass(frozen=True)
class Event:
    """What a sweep tells while it runs.

    Attributes:
        key: of the member.
        epoch: finished epochs.
        done: whether the member is in the store.
        problem: why it is not going to be; empty if all is well.
    """

    key: str
    epoch: int = 0
    done: bool = False
    problem: str = ""


Listener = Callable[[Event], None]


def train_stacked(plan: Plan, store: Store, *, execution: Execution, on_event: Listener) -> dict[str, str]:
    """Every group as one program, in this process.

    Returns:
        Key -> why it failed, of the members that did.
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


class _Order(NamedTuple):
    """What a worker process is given."""

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
    """Every member in a process of its own, as many at once as there are cores.

    Returns:
        Key -> why it failed, of the members that did; the others are in the store.
    """
    count = min(workers or cores(), len(plan.specs))
    check_memory(plan.specs[0], count, memory_available())
    choose_device(execution.device)  # an unknown one is said before anything is started
    context = multiprocessing.get_context("spawn")
    waiting = list(plan.specs)
    running: dict[Connection, tuple[str, Any]] = {}
    failures: dict[str, str] = {}

    def hear(line: Connection) -> bool:
        """The next event of a worker; whether there was one."""
        try:
            event = line.recv()
        except EOFError:  # it has ended, well or not
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
                    # A line for each: one that all share stays locked for good where a worker is killed while writing.
                    ours, theirs = context.Pipe(duplex=False)
                    order = _Order(spec, store.root, execution)
                    process = context.Process(target=_work, args=(order, theirs), name=spec.key)
                    process.start()
                    theirs.close()
                    running[ours] = (spec.key, process)
                for line in wait(list(running)):
                    assert isinstance(line, Connection)  # nothing else was waited for
                    if hear(line):
                        continue
                    key, process = running.pop(line)
                    line.close()
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
    """Children read these when they start: a thread more in one of them is a core less for another."""
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


def _work(order: _Order, told: Connection) -> None:
    """A worker process: one member, from its last finished epoch on."""
    import torch

    from vae_core.training.jobs import get_or_train

    torch.set_num_threads(1)
    key = order.spec.key
    try:
        get_or_train(
            Store(order.root),
            order.spec,
            execution=order.execution,
            on_epoch=lambda progress: told.send(Event(key, progress.epoch)),
        )
        told.send(Event(key, order.spec.epochs, done=True))
    except VaeCoreError as error:
        told.send(Event(key, problem=str(error)))


def _free(device: str) -> int | None:
    """Bytes that are free where the training is going to be."""
    where = choose_device(device)
    if where.type == "cuda":
        import torch

        return int(torch.cuda.mem_get_info(where)[0])
    return memory_available()
