"""Who has pictures read when: addresses take turns, a visitor has one thing read at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from ui.training import own_images
from ui.training.turns import MOST_OF_ADDRESS, MOST_WAITING, Turns
from vae_core.datasets.limits import MEMORY_OF_READER, MOST_READERS
from vae_core.errors import UnusableImages

from .helpers import wait_until


class Reading:
    """Visitors who read until they are let go."""

    def __init__(self, turns: Turns) -> None:
        self.turns, self.began = turns, []
        self.go: dict[str, threading.Event] = {}
        self.places: dict[str, int] = {}
        self.threads: list[threading.Thread] = []

    def come(self, visitor: str, address: str) -> None:
        self.go[visitor] = threading.Event()
        thread = threading.Thread(target=self._read, args=(visitor, address))
        thread.start()
        self.threads.append(thread)
        wait_until(lambda: visitor in self.began or visitor in self.places)

    def _read(self, visitor: str, address: str) -> None:
        with self.turns.turn(visitor, address, lambda place: self.places.__setitem__(visitor, place)):
            self.began.append(visitor)
            assert self.go[visitor].wait(30)

    def let_go(self, visitor: str) -> None:
        self.go[visitor].set()


@pytest.fixture
def reading() -> Iterator[Callable[[int], Reading]]:
    made: list[Reading] = []

    def make(most: int) -> Reading:
        made.append(Reading(Turns(lambda: most)))
        return made[-1]

    yield make
    for each in made:
        for event in each.go.values():
            event.set()
        for thread in each.threads:
            thread.join(30)


def test_one_upload_reader(reading):
    """Behind two small zips of one visitor an honest upload once waited six minutes."""
    here = reading(1)
    for number in range(5):
        here.come(f"hostile{number}", "6.6.6.6")
    here.come("ann", "10.0.0.1")
    assert here.began == ["hostile0"] and here.places["ann"] == 1 and here.places["hostile1"] == 1
    here.let_go("hostile0")
    wait_until(lambda: here.began[1:] == ["ann"])
    here.let_go("ann")
    wait_until(lambda: here.began[2:] == ["hostile1"])


def test_several_read_at_once_where_there_is_memory(reading, monkeypatch):
    here = reading(2)
    for name in ("a", "b", "c"):
        here.come(name, name)
    assert here.began == ["a", "b"] and here.places["c"] == 2
    for free, most in ((None, 1), (0, 1), (2.5 * MEMORY_OF_READER, 2), (100 * MEMORY_OF_READER, MOST_READERS)):
        monkeypatch.setattr(own_images, "memory_available", lambda free=free: free)
        assert own_images._readers() == most


def test_a_visitor_has_one_thing_read_at_a_time_and_few_of_an_address_wait(reading):
    here = reading(1)
    here.come("ann", "school")
    with pytest.raises(UnusableImages, match="still being read"), here.turns.turn("ann", "elsewhere"):
        pass
    for number in range(MOST_OF_ADDRESS - 1):
        here.come(f"v{number}", "school")
    with pytest.raises(UnusableImages, match="many others"), here.turns.turn("late", "school"):
        pass
    assert MOST_OF_ADDRESS < MOST_WAITING


def test_who_leaves_while_waiting_is_out_of_the_line(reading):
    here = reading(1)
    here.come("ann", "a")

    class Left(Exception):
        """As Streamlit ends a script."""

    def leave(place: int) -> None:
        raise Left

    with pytest.raises(Left), here.turns.turn("bob", "b", leave):
        pass
    here.come("cem", "c")
    assert here.places["cem"] == 1
    here.let_go("ann")
    wait_until(lambda: here.began == ["ann", "cem"])


def test_nobody_known_is_somebody_else_each_time(reading):
    here = reading(2)
    with here.turns.turn(""), here.turns.turn(""):
        pass
