"""The app as one process or as several behind nginx, with the same interface for benchmarks."""

from __future__ import annotations

import http.client
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from serving import serve

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from deploy.serve import serving

DIRECT = 0  # instead of a number of replicas: one process, no proxy
ASKED_AT_MOST = 200  # requests, to get a cookie of every replica


@dataclass(frozen=True)
class Group:
    """The processes that serve the app.

    Attributes:
        url: without a slash at the end.
        replicas: how many behind the proxy; `DIRECT` without one.
        processes: their ids, including the proxy's.
    """

    url: str
    replicas: int
    processes: list[int]

    def replica_cookie(self) -> str:
        """The cookie that assigns a browser to a replica, from a request for the page; empty without a proxy."""
        if self.replicas == DIRECT:
            return ""
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=30)
        try:
            connection.request("GET", "/")
            answer = connection.getresponse()
            answer.read()
            return (answer.getheader("Set-Cookie") or "").partition(";")[0]
        finally:
            connection.close()

    def every_replica_cookie(self) -> list[str]:
        """A cookie for each replica."""
        cookies: set[str] = set()
        for _ in range(ASKED_AT_MOST):
            cookies.add(self.replica_cookie())
            if len(cookies) == max(1, self.replicas):
                return sorted(cookies)
        raise RuntimeError(f"the proxy assigned visitors to {len(cookies)} of {self.replicas} replicas only")

    def cpu_seconds(self) -> float:
        """User and system time of the processes and their living children."""
        return sum(int(fields[11]) + int(fields[12]) for fields in self._stats()) / os.sysconf("SC_CLK_TCK")

    def resident_megabytes(self) -> float:
        """Memory of the same processes; shared memory is counted in each."""
        return sum(int(fields[21]) for fields in self._stats()) * os.sysconf("SC_PAGE_SIZE") / 1e6

    def _stats(self) -> list[list[str]]:
        """For each process, the fields of its stat file after its name (proc(5))."""
        found, known = [], set(self.processes)
        for stat in sorted(Path("/proc").glob("[0-9]*/stat"), key=lambda path: int(path.parent.name)):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue  # ended meanwhile
            number = int(stat.parent.name)
            if number in known or int(fields[1]) in known:
                known.add(number)
                found.append(fields)
        return found


@contextmanager
def served(replicas: int, environment: Mapping[str, str] | None = None) -> Iterator[Group]:
    """Serve the app until the block ends.

    Args:
        replicas: how many, behind nginx; `DIRECT` for one process without.
        environment: additional variables.
    """
    if replicas == DIRECT:
        with serve(environment=environment) as server:
            yield Group(server.url, replicas, [server.process.pid])
        return
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("STREAMLIT_", "VAE_"))}
    with serving(replicas, environment={**inherited, **(environment or {})}) as group:
        started = [kept.process for kept in (group.proxy, *group.replicas)]
        yield Group(group.url, replicas, [process.pid for process in started if process])
