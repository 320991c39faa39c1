"""A sweep on this machine: as one program on a GPU, else one process per core with one thread each.

Two threads in one small network wait for each other more than they help; a process of its own for each member keeps
every core busy, and one member's end is nobody else's.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from vae_core.checkpoints import Store
from vae_core.errors import VaeCoreError
from vae_core.spec import RunSpec
from vae_core.sweep.plan import Plan, check_memory, memory_available

POLL_SECONDS = 0.2


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


def train_stacked(
    plan: Plan, store: Store, *, data_root: Path | None, device: str, precision: str, on_event: Listener
) -> dict[str, str]:
    """Every group as one program, in this process.

    Returns:
        Key -> why it failed, of the members that did.
    """
    from vae_core.training.jobs import train_together

    failures: dict[str, str] = {}
    for group in plan.groups:
        check_memory(group[0], len(group), _free(device))
        failed = train_together(
            store,
            group,
            data_root=data_root,
            device=device,
            precision=precision,
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
    data_root: Path | None
    device: str
    precision: str


def train_in_processes(
    plan: Plan,
    store: Store,
    *,
    data_root: Path | None,
    device: str,
    precision: str,
    on_event: Listener,
    workers: int | None = None,
) -> dict[str, str]:
    """Every member in a process of its own, as many at once as there are cores.

    Returns:
        Key -> why it failed, of the members that did; the others are in the store.
    """
    count = min(workers or cores(), len(plan.specs))
    check_memory(plan.specs[0], count, memory_available())
    context = multiprocessing.get_context("spawn")
    told: multiprocessing.Queue[Event] = context.Queue()
    waiting = list(plan.specs)
    running: dict[str, Any] = {}
    failures: dict[str, str] = {}
    finished: set[str] = set()

    def hear(block: bool) -> None:
        try:
            while True:
                event = told.get(timeout=POLL_SECONDS) if block else told.get_nowait()
                if event.problem:
                    failures[event.key] = event.problem
                elif event.done:
                    finished.add(event.key)
                on_event(event)
        except queue.Empty:
            return

    # The children read these when they start: a thread more in one of them is a core less for another.
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ |= _ONE_THREAD
    try:
        while waiting or running:
            while waiting and len(running) < count:
                spec = waiting.pop(0)
                order = _Order(spec, store.root, data_root, device, precision)
                process = context.Process(target=_work, args=(order, told), name=spec.key)
                process.start()
                running[spec.key] = process
            hear(block=True)
            for key in [key for key, process in running.items() if not process.is_alive()]:
                process = running.pop(key)
                process.join()
                hear(block=False)
                if key not in finished and key not in failures:
                    failures[key] = f"its process ended with exit status {process.exitcode} before it was done."
                    on_event(Event(key, problem=failures[key]))
    finally:
        for process in running.values():
            process.terminate()
        for process in running.values():
            process.join()
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
    return failures


_ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _work(order: _Order, told: multiprocessing.Queue[Event]) -> None:
    """A worker process: one member, from its last finished epoch on."""
    import torch

    torch.set_num_threads(1)
    key = order.spec.key
    try:
        Store(order.root).get_or_train(
            order.spec,
            data_root=order.data_root,
            device=order.device,
            precision=order.precision,
            on_epoch=lambda progress: told.put(Event(key, progress.epoch)),
        )
        told.put(Event(key, order.spec.epochs, done=True))
    except VaeCoreError as error:
        told.put(Event(key, problem=str(error)))


def _free(device: str) -> int | None:
    from vae_core.training.device import choose_device

    where = choose_device(device)
    if where.type == "cuda":
        import torch

        return int(torch.cuda.mem_get_info(where)[0])
    return memory_available()
