"""Who has pictures read when: addresses take turns, a visitor has one thing read at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from ui.training import own_images, turns
from ui.training.turns import MOST_OF_ADDRESS, MOST_WAITING, Busy, Turns
from vae_core.datasets.limits import MEMORY_OF_READER, MOST_READERS

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


def test_a_visitor_has_one_thing_read_at_a_time_and_of_an_address_a_class_waits(reading, monkeypatch):
    here = reading(1)
    here.come("ann", "school")
    with pytest.raises(Busy, match="still being read"), here.turns.turn("ann", "elsewhere"):
        pass
    monkeypatch.setattr(turns, "MOST_OF_ADDRESS", 3)
    monkeypatch.setattr(turns, "MOST_WAITING", 4)
    for number in range(2):
        here.come(f"v{number}", "school")
    with pytest.raises(Busy, match="Many others"), here.turns.turn("late", "school"):
        pass
    here.come("bob", "10.0.0.1")
    with pytest.raises(Busy, match="Many others"), here.turns.turn("cem", "10.0.0.2"):
        pass
    assert MOST_OF_ADDRESS < MOST_WAITING


def test_a_class_of_two_hundred_behind_one_address_is_read(reading):
    """Of 200 who sent at the same moment, 188 were once told that their pictures could not be used."""
    here = reading(1)
    here.come("teacher", "school")
    for number in range(200):
        here.come(f"v{number}", "school")
        here.let_go(f"v{number}")
    assert here.places["v199"] == 200
    here.let_go("teacher")
    wait_until(lambda: len(here.began) == 201)
    assert here.began[1:] == [f"v{number}" for number in range(200)]  # first come, first served


def test_addresses_take_turns_those_served_longest_ago_first(reading):
    here = reading(1)
    for name in ("b0", "a0"):
        here.come(name, name[0])
    here.let_go("b0")
    wait_until(lambda: here.began == ["b0", "a0"])
    for name in ("a1", "a2", "c1", "b1", "d1", "c2", "a3"):
        here.come(name, name[0])
        here.let_go(name)
    here.let_go("a0")
    wait_until(lambda: len(here.began) == 9)
    assert here.began[2:] == ["c1", "d1", "b1", "a1", "c2", "a2", "a3"]


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
