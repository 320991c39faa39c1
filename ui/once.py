"""Results that are computed once for all visitors, even where a whole class asks for them at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import lru_cache, update_wrapper
from typing import Any, Generic, ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


@dataclass
class _Flight:
    """A computation for some arguments: who has the lock computes, the others wait for the result."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    askers: int = 0


class Once(Generic[Arguments, Result]):
    """A function with `functools.lru_cache` that does not compute for the same arguments in two threads at once.

    The cache alone lets every thread compute that asks before the first has finished: with sixty visitors who answer
    the same question, sixty times. Errors are not kept. Arguments must be hashable.
    """

    def __init__(self, function: Callable[Arguments, Result], maxsize: int | None) -> None:
        self._cached = lru_cache(maxsize)(function)
        self._changing = threading.Lock()
        self._flights: dict[Hashable, _Flight] = {}
        update_wrapper(self, function)

    def __call__(self, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        """The function's result."""
        asked: Any = (args, tuple(sorted(kwargs.items())))
        with self._changing:
            flight = self._flights.setdefault(asked, _Flight())
            flight.askers += 1
        try:
            with flight.lock:
                return self._cached(*args, **kwargs)  # type: ignore[arg-type]  # typeshed wants them declared hashable
        finally:
            with self._changing:
                flight.askers -= 1
                if not flight.askers:
                    del self._flights[asked]

    def cache_clear(self) -> None:
        """Forget all results."""
        self._cached.cache_clear()


def once(maxsize: int | None) -> Callable[[Callable[Arguments, Result]], Once[Arguments, Result]]:
    """Decorator: at most this many results are kept, those used last."""
    return lambda function: Once(function, maxsize)
