"""Who may have something read now: a few at a time, one of a visitor, and addresses take turns.

Reading pictures takes seconds of the processor and perhaps gigabytes. Whoever sends much waits for those who send
little, as in the training queue (`ui.training.queue`).
"""

from __future__ import annotations

import math
import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from heapq import heapify, heappop, heapreplace

from vae_core.errors import VaeCoreError

MOST_OF_ADDRESS = 300  # that wait: a class sends at the same moment, and those who wait cost little
MOST_WAITING = 600  # of all
LOOK_EVERY = 1.0  # seconds: so soon a visitor who has left is noticed
_ADDRESSES_KEPT = 1_000


class Busy(VaeCoreError):
    """Something cannot be read now, whatever it is; a while later perhaps it can."""


@dataclass(eq=False)
class _Waiting:
    visitor: str
    address: str
    reads: bool = False


class Turns:
    """Readers for all visitors of a process.

    Args:
        most: how many may read at once; asked whenever somebody waits, because it depends on the free memory.
    """

    def __init__(self, most: Callable[[], int]) -> None:
        self._most = most
        self._changed = threading.Condition()
        self._all: list[_Waiting] = []
        self._served: OrderedDict[str, int] = OrderedDict()
        self._count = 0
        self._order: dict[_Waiting, int] | None = None  # None after each change

    @contextmanager
    def turn(self, visitor: str, address: str = "", on_wait: Callable[[int], None] | None = None) -> Iterator[None]:
        """Wait for one's turn, and have it until the block ends.

        Args:
            visitor: who wants to read; left out, somebody who has nothing else read.
            address: where from; left out, nobody else counts as coming from there.
            on_wait: called now and then with how many come before; what it raises ends the waiting.

        Raises:
            Busy: the visitor has something read already, or too many wait.
        """
        visitor = visitor or secrets.token_hex(8)  # of whom nothing is known
        mine = _Waiting(visitor, address or visitor)
        with self._changed:
            self._refuse_if_too_many(mine)
            self._all.append(mine)
            self._order = None
        try:
            told = -math.inf
            while (place := self._begin(mine)) != 0:
                if on_wait and time.monotonic() - told >= LOOK_EVERY:  # not at each change: hundreds may wait
                    on_wait(place)
                    told = time.monotonic()
                with self._changed:
                    self._changed.wait(LOOK_EVERY)
            yield
        finally:
            with self._changed:
                self._all.remove(mine)
                self._note_change()

    def _refuse_if_too_many(self, mine: _Waiting) -> None:
        if any(one.visitor == mine.visitor for one in self._all):
            raise Busy("What you sent before is still being read. Try again when it has been.")
        if sum(one.address == mine.address for one in self._all) >= MOST_OF_ADDRESS or len(self._all) >= MOST_WAITING:
            raise Busy("Many others have sent files at this moment. Try again in a minute.")

    def _begin(self, mine: _Waiting) -> int:
        """0 if it is one's turn, which begins; else how many come before, with those who read now."""
        with self._changed:
            reading = sum(one.reads for one in self._all)
            place = self._places()[mine]
            if place > 0 or reading >= max(1, self._most()):
                return reading + place
            mine.reads = True
            self._count += 1
            self._served[mine.address] = self._count
            self._served.move_to_end(mine.address)
            while len(self._served) > _ADDRESSES_KEPT:
                self._served.popitem(last=False)
            self._note_change()  # the next may begin, too
            return 0

    def _note_change(self) -> None:
        self._order = None
        self._changed.notify_all()

    def _places(self) -> dict[_Waiting, int]:
        """Of those who wait: 0 for the next. Found once for each change, not for each of hundreds who look."""
        if self._order is None:
            self._order = {one: place for place, one in enumerate(self._in_their_order())}
        return self._order

    def _in_their_order(self) -> Iterator[_Waiting]:
        lines: dict[str, deque[_Waiting]] = {}
        for one in self._all:
            if not one.reads:
                lines.setdefault(one.address, deque()).append(one)
        # When an address was served, which of those never served came first, and the address.
        turns = [(self._served.get(address, 0), came, address) for came, address in enumerate(lines)]
        heapify(turns)
        count = self._count
        while turns:
            _, came, address = turns[0]
            yield lines[address].popleft()
            if lines[address]:
                count += 1
                heapreplace(turns, (count, came, address))
            else:
                heappop(turns)
