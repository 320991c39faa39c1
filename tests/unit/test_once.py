"""What many ask for at the same moment is computed once."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ui.once import once


def test_threads_that_ask_together_share_one_computation() -> None:
    calls: list[int] = []

    @once(maxsize=4)
    def slow(number: int) -> list[int]:
        calls.append(number)
        time.sleep(0.05)
        return [number]

    together = threading.Barrier(12)

    def ask(number: int) -> list[int]:
        together.wait()
        return slow(number)

    with ThreadPoolExecutor(12) as threads:
        results = list(threads.map(ask, [1, 2, 3] * 4))
    assert sorted(calls) == [1, 2, 3]
    assert all(result is slow(result[0]) for result in results)
    assert not slow._flights


def test_other_arguments_do_not_wait() -> None:
    begun, may_end = threading.Event(), threading.Event()

    @once(maxsize=4)
    def held(name: str) -> str:
        if name == "slow":
            begun.set()
            assert may_end.wait(10)
        return name

    with ThreadPoolExecutor(1) as threads:
        slow = threads.submit(held, "slow")
        assert begun.wait(10)
        assert held("fast") == "fast" and not slow.done()
        may_end.set()
        assert slow.result() == "slow"


def test_an_error_is_not_kept_and_the_next_one_computes() -> None:
    tries: list[int] = []

    @once(maxsize=1)
    def fails_first() -> int:
        tries.append(0)
        if len(tries) == 1:
            raise ValueError("not yet")
        return len(tries)

    with pytest.raises(ValueError, match="not yet"):
        fails_first()
    assert fails_first() == fails_first() == 2 and not fails_first._flights


def test_only_so_many_results_are_kept() -> None:
    calls: list[int] = []

    @once(maxsize=1)
    def one(number: int) -> int:
        calls.append(number)
        return number

    assert [one(1), one(1), one(2), one(1)] == [1, 1, 2, 1] and calls == [1, 2, 1]
    one.cache_clear()
    one(1)
    assert calls == [1, 2, 1, 1]


def test_it_may_ask_itself() -> None:
    @once(maxsize=None)
    def factorial(number: int) -> int:
        return number * factorial(number=number - 1) if number else 1

    assert factorial(5) == 120
