"""The training queue: visitors request runs, a few processes train them, and all who requested a run can watch it.

Independent of Streamlit. Addresses take turns, and the visitors of one address do: who asks for many runs, or comes
under many names, waits for those who ask for one. A run that many visitors request is trained once, and stops only when
all of them have left, when it takes too long, or when the host ends it (`halt`); a process that died is restarted and
resumes from its last epoch. The state of a job is
returned as an immutable `Ticket`; its progress is read from the store, where the process writes it after every epoch.
If several processes serve the app, each has a queue, and the queues share the machine's training slots (`place`).
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Protocol

from vae_core.errors import VaeCoreError
from vae_core.spec import RunSpec

LONGEST_QUEUE = 64
MOST_PER_VISITOR, MOST_IN_TURN = 3, 8
MOST_PER_ADDRESS = 48  # a class behind one address asks for that many; a quarter of the queue is left for others
LONGEST_RUN = 1_800.0  # seconds for which one run may have a process: within a lesson, others have their turn
MOST_RESUMED = 2
KEPT_FAILURES = 32
VISITORS_KEPT, ASKED_KEPT = 1_000, 6
DISPLACED = "It had to make room for runs of others in the queue. Ask for it again."
TRY_AGAIN = 0.5  # seconds between attempts while other queues hold all slots


@dataclass(frozen=True)
class Ended:
    """How a worker's process ended.

    Attributes:
        problem: the sentence that says why the run is not in the store; empty if it is.
        killed: whether it was killed or crashed, and is worth another try.
    """

    problem: str = ""
    killed: bool = False


class Worker(Protocol):
    """A process that trains one run."""

    def wait(self) -> Ended:
        """Wait until it has ended."""
        ...

    def stop(self) -> None:
        """Make it end soon, keeping its finished epochs. Does not wait."""
        ...


@dataclass(frozen=True)
class Ticket:
    """The state of a job.

    Attributes:
        spec: of the requested run.
        place: position in the queue: 0 in training, 1 next, and so on.
        before: the specs that are in training or ahead in the queue, oldest first.
        visitors: how many requested it.
        mine: whether the visitor who looks is one of them.
        stopping: whether all of them have left, so that it ends soon.
        note: what happened to it, as a sentence; usually empty.
    """

    spec: RunSpec
    place: int
    before: tuple[RunSpec, ...]
    visitors: int
    mine: bool
    stopping: bool
    note: str


@dataclass
class _Job:
    """A requested run.

    Attributes:
        spec: what is trained.
        asked: the visitors who want it.
        visitor, address: who asked first, and from where: it counts as theirs.
        since: when, in seconds since the epoch.
        ended: the sentence that says why it was ended before it was finished; empty if it was not.
        begun: whether it is in training.
        worker: its process.
        resumed: how often it was started again.
        stopping: whether it is to end soon.
        note: for its visitors.
    """

    spec: RunSpec
    asked: set[str]
    visitor: str = ""
    address: str = ""
    since: float = field(default_factory=time.time)
    ended: str = ""
    begun: bool = False
    worker: Worker | None = None
    resumed: int = 0
    stopping: bool = False
    note: str = ""


@dataclass(frozen=True)
class _Later:
    """A run that waits until its visitor may request it.

    Attributes:
        spec: what is to be trained.
        since: when the visitor asked for it, in seconds since the epoch.
    """

    spec: RunSpec
    since: float


@dataclass
class TrainingQueue:
    """Jobs by key, in the order of their requests; `_lock` guards all of it.

    Attributes:
        start: starts a process for a spec; raises OSError if it cannot, VaeCoreError with a sentence for the visitor.
        workers: how many processes may train at once.
        place: context manager that holds one of the training slots shared by all queues of a machine; yields False if
            none is free.
        held_up: whether jobs wait because other queues hold all slots.
        failures: key -> the sentence it failed with, of the last `KEPT_FAILURES`.
        longest: seconds for which a run may have a process.
    """

    start: Callable[[RunSpec], Worker]
    workers: int = 1
    place: Callable[[], AbstractContextManager[bool]] = lambda: nullcontext(True)
    held_up: bool = False
    failures: dict[str, str] = field(default_factory=dict)
    longest: float = LONGEST_RUN
    _jobs: dict[str, _Job] = field(default_factory=dict)
    _lately: OrderedDict[str, tuple[str, ...]] = field(default_factory=OrderedDict)
    _in_turn: dict[str, dict[str, _Later]] = field(default_factory=dict)
    _addresses: dict[str, str] = field(default_factory=dict)  # of those who have runs that wait for their turn
    _served: OrderedDict[tuple[str, str], int] = field(
        default_factory=OrderedDict
    )  # (address, visitor), ("address", "")
    _begun: int = 0
    _threads: int = 0
    _closed: bool = False
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def ask(self, specs: Sequence[RunSpec], visitor: str, address: str = "") -> str:
        """Request runs, all or none: join the jobs that exist and queue the others.

        Args:
            specs: what to train.
            visitor: who asks.
            address: where from; left out, nobody else counts as coming from there.

        Returns:
            Empty, or the sentence that says why the request was refused.
        """
        return self._ask(specs, visitor, address or visitor, time.time())

    def _ask(self, specs: Sequence[RunSpec], visitor: str, address: str, since: float) -> str:
        with self._lock:
            wanted = {spec.key: spec for spec in specs}
            new = [spec for key, spec in wanted.items() if key not in self._jobs]
            if new and (refusal := self._refusal(len(new), visitor, address)):
                return refusal
            for key, spec in wanted.items():
                self.failures.pop(key, None)
                self._jobs.setdefault(key, _Job(spec, set(), visitor, address, since)).asked.add(visitor)
                self._in_turn.get(visitor, {}).pop(key, None)
            self._remember(list(wanted), visitor)
            while self._threads < min(self.workers, len(self._jobs)):
                self._threads += 1
                threading.Thread(target=self._work, name="training", daemon=True).start()
        return ""

    def ask_in_turn(self, specs: Sequence[RunSpec], visitor: str, address: str = "") -> str:
        """Request runs as `ask` does, but in their order: those beyond what one visitor may have at once wait until
        one of the visitor's runs has ended. Arguments as of `ask`.

        Returns:
            Empty, or the sentence that says why none of them was taken.
        """
        with self._lock:
            before = self._in_turn.get(visitor, {})
            mine, now = self._asked_by(visitor), time.time()
            wanted = before | {spec.key: _Later(spec, now) for spec in specs if spec.key not in mine}
            if len(wanted) > MOST_IN_TURN:
                return f"{len(before)} of your runs wait for their turn; {MOST_IN_TURN} is the most."
            self._in_turn[visitor], self._addresses[visitor] = wanted, address or visitor
            refusal = self._next_in_turn(visitor)
            if refusal and not self._asked_by(visitor):  # none of the visitor's runs will end and try again
                self._forget_line(visitor)
                return refusal
        return ""

    def waits_in_turn(self, visitor: str) -> tuple[RunSpec, ...]:
        """The visitor's runs that are requested only when one of theirs has ended, in their order."""
        with self._lock:
            return tuple(later.spec for later in self._in_turn.get(visitor, {}).values())

    def _next_in_turn(self, visitor: str) -> str:
        """Request as many of a visitor's waiting runs as they may have now; returns the refusal of the next one."""
        line = self._in_turn[visitor]
        while line:
            key, later = next(iter(line.items()))
            if refusal := self._ask([later.spec], visitor, self._addresses[visitor], later.since):
                return refusal
            line.pop(key, None)
        self._forget_line(visitor)
        return ""

    def _next_of_all(self) -> None:
        for visitor in list(self._in_turn):
            self._next_in_turn(visitor)

    def _forget_line(self, visitor: str) -> None:
        del self._in_turn[visitor], self._addresses[visitor]

    def _asked_by(self, visitor: str) -> set[str]:
        return {key for key, job in self._jobs.items() if visitor in job.asked}

    def _refusal(self, more: int, visitor: str, address: str) -> str:
        if self._closed:
            return "The app is about to end, so nothing new is trained."
        mine = len(self._asked_by(visitor))
        if mine + more > MOST_PER_VISITOR:
            return (
                f"You have asked for {mine} runs that are not finished; {MOST_PER_VISITOR} at a time is the most. "
                "Wait for one, or stop one."
            )
        near = sum(job.address == address for job in self._jobs.values())
        if near + more > MOST_PER_ADDRESS:
            return f"{near} runs of people at your address are not finished; {MOST_PER_ADDRESS} is the most. Try later."
        waiting = [job for job in self._jobs.values() if not job.begun]
        free = max(0, self.workers - (len(self._jobs) - len(waiting)))
        if not self._make_room(len(waiting) + more - LONGEST_QUEUE - free, near + more, waiting):
            return "Too many runs are waiting already. Try again when one has finished."
        return ""

    def _make_room(self, needed: int, fair: int, waiting: list[_Job]) -> bool:
        """Drop the last jobs of the addresses that have the most waiting, as long as those keep more than `fair`.

        Returns:
            Whether `needed` places are free now; nothing is dropped if they would not be.
        """
        counts = Counter(job.address for job in waiting)
        dropped: list[_Job] = []
        last_first = self._in_their_order(waiting)[::-1]
        while len(dropped) < needed:
            address, most = counts.most_common(1)[0]
            if most <= fair:
                return False
            counts[address] -= 1
            dropped.append(next(job for job in last_first if job.address == address and job not in dropped))
        for job in dropped:
            del self._jobs[job.spec.key]
            self._note_failure(job.spec.key, DISPLACED)
        return True

    def _in_their_order(self, waiting: list[_Job]) -> list[_Job]:
        """Waiting jobs in the order in which they will begin: the address served longest ago is next, and of its
        visitors the one served longest ago; then first come, first served."""
        served, begun, left, ordered = dict(self._served), self._begun, list(waiting), []
        while left:
            job = min(
                left, key=lambda job: (served.get((job.address, ""), 0), served.get((job.address, job.visitor), 0))
            )
            left.remove(job)
            ordered.append(job)
            begun += 1
            served[job.address, ""] = served[job.address, job.visitor] = begun
        return ordered

    def _note_served(self, job: _Job) -> None:
        self._begun += 1
        for one in ((job.address, ""), (job.address, job.visitor)):
            self._served[one] = self._begun
            self._served.move_to_end(one)
        while len(self._served) > 2 * VISITORS_KEPT:
            self._served.popitem(last=False)

    def _note_failure(self, key: str, sentence: str) -> None:
        self.failures[key] = sentence
        while len(self.failures) > KEPT_FAILURES:
            del self.failures[next(iter(self.failures))]

    def _remember(self, keys: list[str], visitor: str) -> None:
        earlier = [key for key in self._lately.pop(visitor, ()) if key not in keys]
        self._lately[visitor] = (*earlier, *keys)[-ASKED_KEPT:]
        while len(self._lately) > VISITORS_KEPT:
            self._lately.popitem(last=False)

    def asked_lately(self, visitor: str) -> tuple[str, ...]:
        """Keys of the last runs that a visitor requested, newest last, finished or not."""
        with self._lock:
            return self._lately.get(visitor, ())

    def leave(self, key: str, visitor: str) -> bool:
        """Withdraw a visitor's request: the run stops when no request is left.

        Returns:
            Whether the visitor had requested it.
        """
        with self._lock:
            waited = self._in_turn.get(visitor, {}).pop(key, None)
            job = self._jobs.get(key)
            if job is None or visitor not in job.asked:
                return waited is not None
            job.asked.discard(visitor)
            if not job.asked and not job.begun:
                del self._jobs[key]
            elif not job.asked:
                self._stop(job)
            if visitor in self._in_turn:
                self._next_in_turn(visitor)
            return True

    def halt(self, why: str, key: str = "", before: float = math.inf) -> None:
        """End a run, or all, whoever wants it; its finished epochs are kept.

        Args:
            why: the sentence that its visitors read.
            key: of the run; left out, all are ended.
            before: only what was asked for before that time, in seconds since the epoch.
        """

        def meant(one: _Job | _Later) -> bool:
            return (not key or one.spec.key == key) and one.since < before

        with self._lock:
            for line in self._in_turn.values():
                for later in list(filter(meant, line.values())):
                    del line[later.spec.key]
            for job in list(filter(meant, self._jobs.values())):
                self._end(job, why)
            self._next_of_all()  # of those whose other runs are ended, nothing else would ask for the next

    def _end(self, job: _Job, why: str) -> None:
        job.asked.clear()
        if job.begun:
            job.ended = why
            self._stop(job)
        else:
            del self._jobs[job.spec.key]
            self._note_failure(job.spec.key, why)

    def _end_if_it_trains(self, job: _Job, worker: Worker) -> None:
        with self._lock:
            if job.worker is worker:
                self._end(
                    job,
                    f"It has trained for {self.longest / 60:.0f} minutes, the most one run may take before it is the "
                    "turn of others. Its finished epochs are kept: go on, or train it from the command line.",
                )

    def _stop(self, job: _Job) -> None:
        job.stopping = True
        if job.worker:
            job.worker.stop()

    def ticket(self, key: str, visitor: str = "") -> Ticket | None:
        """The state of a run's job; None if there is none."""
        return next((ticket for ticket in self.tickets(visitor) if ticket.spec.key == key), None)

    def tickets(self, visitor: str = "") -> list[Ticket]:
        """All jobs: first those in training, then those waiting, in order."""
        with self._lock:
            begun = [job for job in self._jobs.values() if job.begun]
            order = [*begun, *self._in_their_order([job for job in self._jobs.values() if not job.begun])]
            running = len(begun)
            specs = [job.spec for job in order]
            return [
                Ticket(
                    spec=job.spec,
                    place=max(0, number - running + 1) if not job.begun else 0,
                    before=tuple(specs[:number]) if not job.begun else (),
                    visitors=len(job.asked),
                    mine=visitor in job.asked,
                    stopping=job.stopping,
                    note=job.note,
                )
                for number, job in enumerate(order)
            ]

    @property
    def closed(self) -> bool:
        """Whether it takes no more requests."""
        return self._closed

    @property
    def idle(self) -> bool:
        """Whether nothing is in training or waiting."""
        return not self._jobs

    @property
    def specs(self) -> list[RunSpec]:
        """The specs of all jobs, then of the runs that wait for their turn to become one."""
        with self._lock:
            later = [each.spec for line in self._in_turn.values() for each in line.values()]
            return [*(job.spec for job in self._jobs.values()), *later]

    def close(self) -> None:
        """Accept no more requests, drop waiting jobs, stop running ones. Does not wait."""
        with self._lock:
            self._closed = True
            self._in_turn.clear()
            self._addresses.clear()
            for key, job in list(self._jobs.items()):
                job.asked.clear()
                if job.begun:
                    self._stop(job)
                else:
                    del self._jobs[key]

    # ---- the threads, at most one for each process ------------------------------------------------------------------

    def _work(self) -> None:
        while True:
            with self._lock:
                if all(job.begun for job in self._jobs.values()):
                    self._threads -= 1
                    return
            with self.place() as free:
                self.held_up = not free
                if free:
                    self._work_on_the_next()
            if not free:
                time.sleep(TRY_AGAIN)

    def _work_on_the_next(self) -> None:
        with self._lock:
            waiting = self._in_their_order([job for job in self._jobs.values() if not job.begun])
            if not waiting:
                return
            job = waiting[0]
            job.begun = True
            self._note_served(job)
        problem = self._train(job)
        with self._lock:
            del self._jobs[job.spec.key]
            if job.stopping and job.asked and not self._closed:  # requested again while it was stopping
                self._jobs[job.spec.key] = _Job(job.spec, job.asked, job.visitor, job.address)
            elif problem := problem or job.ended:
                self._note_failure(job.spec.key, problem)
            self._next_of_all()

    def _train(self, job: _Job) -> str:
        """Train a job; returns the sentence that says why it failed, empty if it finished or was stopped."""
        while True:
            with self._lock:
                if job.stopping:
                    return ""
                try:
                    worker = job.worker = self.start(job.spec)
                except OSError as error:
                    return f"Training could not be started ({error.strerror or error})."
                except VaeCoreError as error:
                    return f"It is not trained: {error}"
            limit = threading.Timer(self.longest, self._end_if_it_trains, (job, worker))
            limit.daemon = True
            limit.start()
            ended = worker.wait()
            limit.cancel()
            with self._lock:
                job.worker = None
                if job.stopping or not ended.problem:
                    return ""
                if not ended.killed:
                    return ended.problem
                if job.resumed == MOST_RESUMED:
                    return (
                        f"{ended.problem} It was started {MOST_RESUMED + 1} times; perhaps the machine has too little "
                        "memory for it. The epochs that were finished are kept: training goes on from there when it "
                        "is asked for again."
                    )
                job.resumed += 1
                job.note = f"{ended.problem} It was started again and goes on from its last finished epoch."
