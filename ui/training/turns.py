"""Who may have something read now: a few at a time, one of a visitor, and addresses take turns.

Reading pictures takes seconds of the processor and perhaps gigabytes. Whoever sends much waits for those who send
little, as in the training queue (`ui.training.queue`).
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from vae_core.errors import UnusableImages

MOST_OF_ADDRESS = 12  # that wait: a class sends at the same moment
MOST_WAITING = 60  # of all
LOOK_EVERY = 0.5  # seconds: so soon a visitor who has left is noticed
_ADDRESSES_KEPT = 1_000


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

    @contextmanager
    def turn(self, visitor: str, address: str = "", on_wait: Callable[[int], None] | None = None) -> Iterator[None]:
        """Wait for one's turn, and have it until the block ends.

        Args:
            visitor: who wants to read; left out, somebody who has nothing else read.
            address: where from; left out, nobody else counts as coming from there.
            on_wait: called now and then with how many come before; what it raises ends the waiting.

        Raises:
            UnusableImages: the visitor has something read already, or too many wait.
        """
        visitor = visitor or secrets.token_hex(8)  # of whom nothing is known
        mine = _Waiting(visitor, address or visitor)
        with self._changed:
            self._refuse_if_too_many(mine)
            self._all.append(mine)
        try:
            while (place := self._begin(mine)) != 0:
                if on_wait:
                    on_wait(place)
                with self._changed:
                    self._changed.wait(LOOK_EVERY)
            yield
        finally:
            with self._changed:
                self._all.remove(mine)
                self._changed.notify_all()

    def _refuse_if_too_many(self, mine: _Waiting) -> None:
        if any(one.visitor == mine.visitor for one in self._all):
            raise UnusableImages("what you sent before is still being read; send this when it has been.")
        if sum(one.address == mine.address for one in self._all) >= MOST_OF_ADDRESS or len(self._all) >= MOST_WAITING:
            raise UnusableImages("many others have sent pictures at this moment; try again in a minute.")

    def _begin(self, mine: _Waiting) -> int:
        """0 if it is one's turn, which begins; else how many come before, with those who read now."""
        with self._changed:
            reading = sum(one.reads for one in self._all)
            order = self._in_their_order()
            place = order.index(mine)
            if reading + place >= max(1, self._most()):
                return reading + place
            mine.reads = True
            self._count += 1
            self._served[mine.address] = self._count
            self._served.move_to_end(mine.address)
            while len(self._served) > _ADDRESSES_KEPT:
                self._served.popitem(last=False)
            return 0

    def _in_their_order(self) -> list[_Waiting]:
        served, count, ordered = dict(self._served), self._count, []
        left = [one for one in self._all if not one.reads]
        while left:
            one = min(left, key=lambda one: served.get(one.address, 0))  # the first of them: first come, first served
            left.remove(one)
            ordered.append(one)
            count += 1
            served[one.address] = count
        return ordered
