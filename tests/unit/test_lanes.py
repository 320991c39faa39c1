"""Scripts of pages take turns: how many run at once, in which order, and whom nobody waits for."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from ui.app.lanes import Lanes

PATIENCE = 30.0  # seconds, for what must happen


def begin(run: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


class Run:
    """A script that holds its lane until it is told to end."""

    def __init__(self, lanes: Lanes, log: list[int], number: int) -> None:
        self.lanes, self.log, self.number = lanes, log, number
        self.inside = threading.Event()
        self.may_end = threading.Event()
        self.thread = begin(self._go)

    def _go(self) -> None:
        with self.lanes.lane():
            self.log.append(self.number)
            self.inside.set()
            assert self.may_end.wait(PATIENCE)

    def end(self) -> None:
        self.may_end.set()
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()


def queued(lanes: Lanes, number: int) -> None:
    """Wait until so many runs wait for a lane."""
    ticking = threading.Event()
    for _ in range(int(PATIENCE / 0.01)):
        if len(lanes._waiting) == number:
            return
        ticking.wait(0.01)
    raise AssertionError(f"{len(lanes._waiting)} wait, not {number}")


def test_at_most_two_run_at_once_and_the_others_in_the_order_in_which_they_came():
    lanes, log = Lanes(lanes=2, longest=PATIENCE), []
    runs = []
    for number in range(6):
        runs.append(Run(lanes, log, number))
        if number < 2:
            assert runs[-1].inside.wait(PATIENCE)
        else:
            queued(lanes, number - 1)
    for number, run in enumerate(runs):
        assert run.inside.wait(PATIENCE)
        assert log == list(range(min(number + 2, 6)))[: len(log)]
        assert len(log) <= number + 2, "more than two at once"
        run.end()
        if number + 2 < len(runs):  # before another ends: two that are let in together wake in any order
            assert runs[number + 2].inside.wait(PATIENCE)
    assert log == list(range(6))


def test_a_run_that_lasts_long_holds_nobody_up():
    lanes, log = Lanes(lanes=1, longest=0.02), []
    first = Run(lanes, log, 0)
    assert first.inside.wait(PATIENCE)
    second = Run(lanes, log, 1)
    assert second.inside.wait(PATIENCE), "waits for a run that computes"
    assert not first.may_end.is_set()
    first.end()
    second.end()


def test_a_long_run_that_ends_takes_no_lane_away():
    lanes, log = Lanes(lanes=1, longest=0.02), []
    first = Run(lanes, log, 0)
    assert first.inside.wait(PATIENCE)
    second = Run(lanes, log, 1)
    assert second.inside.wait(PATIENCE)
    lanes.longest = PATIENCE  # from now on the second counts as long as it lasts
    first.end()
    third = Run(lanes, log, 2)
    queued(lanes, 1)
    assert not third.inside.is_set()
    second.end()
    assert third.inside.wait(PATIENCE)
    third.end()


def test_an_error_frees_the_lane():
    lanes = Lanes(lanes=1, longest=PATIENCE)
    with pytest.raises(ValueError, match="of the page"), lanes.lane():
        raise ValueError("of the page")
    ended = []
    with lanes.lane():
        ended.append(True)
    assert ended
    assert not lanes._since
