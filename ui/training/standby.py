"""A training process kept ready, so that the first epoch comes a second after the click and not after six.

Importing torch and its optimisers takes most of that time. Pages on which somebody may soon train call `prepare`; the
queue takes the process that waits, if there is one. It ends after a while without visitors.
"""

from __future__ import annotations

import threading
import time

from ui.training.process_worker import TrainingProcess
from vae_core.sweep.plan import memory_available

IDLE = 600.0  # seconds without a call of `prepare` until the process ends
LEAST_MEMORY = 2e9  # bytes that must be free: a waiting process holds about 0.4 GB


class Standby:
    """At most one waiting process. Its methods may be called from any thread."""

    def __init__(self, idle: float = IDLE) -> None:
        self._idle = idle
        self._lock = threading.Lock()
        self._process: TrainingProcess | None = None
        self._timer: threading.Timer | None = None
        self._until = 0.0

    def prepare(self) -> None:
        """Have a process wait, from now on for `IDLE` seconds; nothing where memory is short."""
        with self._lock:
            self._forget_the_dead()
            if self._process is None:
                free = memory_available()
                if free is not None and free < LEAST_MEMORY:
                    return
                try:
                    self._process = TrainingProcess()
                except OSError:
                    return  # the queue will meet the same error where it can be shown
            self._until = time.monotonic() + self._idle
            if self._timer is None:
                self._watch(self._idle)

    def take(self) -> TrainingProcess | None:
        """The waiting process, which then is the caller's; None if there is none."""
        with self._lock:
            self._forget_the_dead()
            process, self._process = self._process, None
        return process

    def _forget_the_dead(self) -> None:
        # One that was ended from outside, such as for lack of memory: its pipe and its log are still open here.
        if self._process and not self._process.alive():
            self._process.close()
            self._process = None

    def close(self) -> None:
        """End the waiting process."""
        if process := self.take():
            process.close()

    def _watch(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._look)
        self._timer.daemon = True
        self._timer.start()

    def _look(self) -> None:
        with self._lock:
            left = self._until - time.monotonic()
            if left > 0:
                self._watch(left)
                return
            self._timer = None
        self.close()
