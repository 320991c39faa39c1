"""Scripts of pages that come at the same moment run a few at a time, in the order in which they came.

When thirty followers are sent to another page, thirty threads would share Python's lock: each gets a thirtieth of it,
and all of them end late, together. One after the other, the first is done at once and the last no later than before;
and switching between threads costs less.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Lanes:
    """At most ``lanes`` runs at once, first come, first served; whoever runs for long no longer counts.

    Args:
        lanes: how many run at once. Two, so that one can go on while the other waits for a file.
        longest: in seconds. A run that lasts longer computes something (a filter, a classifier); the others must not
            wait for it.

    Example:
        >>> lanes = Lanes()
        >>> with lanes.lane():
        ...     print("at most two of these at once")
        at most two of these at once
    """

    def __init__(self, lanes: int = 2, longest: float = 0.25) -> None:
        self.lanes = lanes
        self.longest = longest
        self._lock = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self._since: dict[threading.Event, float] = {}  # of each run that counts: when it began

    @contextmanager
    def lane(self) -> Iterator[None]:
        """Wait for a lane, and hold it for the body of the ``with``."""
        turn = threading.Event()
        with self._lock:
            self._waiting.append(turn)
        self._let_in()
        # Nobody ends a run that has become long, so those who wait look for themselves.
        while not turn.wait(self.longest):
            self._let_in()
        try:
            yield
        finally:
            with self._lock:
                self._since.pop(turn, None)
            self._let_in()

    def _let_in(self) -> None:
        """Forget the runs that last too long, and begin those that have waited longest."""
        now = time.monotonic()
        with self._lock:
            self._since = {turn: since for turn, since in self._since.items() if now - since < self.longest}
            while self._waiting and len(self._since) < self.lanes:
                turn = self._waiting.popleft()
                self._since[turn] = now
                turn.set()


LANES = Lanes()  # of this process
