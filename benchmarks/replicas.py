"""Throughput of one process, and of several behind nginx, in reruns per second on the same cores.

The sessions are those of sessions.py; each requests the next rerun as soon as its last one has ended, so the servers
always have work. Sessions and servers share the machine: the sessions' share is in the table. Rounds alternate, so
that a change in the machine's speed affects all alike.

Run, with nothing else running on the machine, and nginx installed::

    python benchmarks/replicas.py
    python benchmarks/replicas.py --page regularity --replicas 1 2 --sessions 30 --seconds 15 --rounds 3

Goal on two cores: two replicas reach at least 1.6 times the throughput of one process without a proxy.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import time
from dataclasses import dataclass

import numpy as np
from groups import DIRECT, Group, served
from sessions import RunFailed, Session
from training import BUSY, processor

GOAL = 1.6
SETTLE = 1.0  # seconds


@dataclass(frozen=True)
class Load:
    """One round of one configuration.

    Attributes:
        rate: reruns per second.
        waits: seconds of each rerun.
        server_cpu: seconds of processor time of all servers and the proxy, for each rerun.
        own_cpu: cores used by the sessions.
        sessions_by_replica: number of sessions on each replica.
    """

    rate: float
    waits: list[float]
    server_cpu: float
    own_cpu: float
    sessions_by_replica: dict[str, int]


async def load(group: Group, chosen: argparse.Namespace) -> Load:
    """Open all sessions, then let each request one rerun after the other."""
    cookies = [group.replica_cookie() for _ in range(chosen.sessions)]
    sessions = [Session(group.url, chosen.page, cookie) for cookie in cookies]
    waits: list[float] = []
    try:
        for session in sessions:
            await session.open()
        await asyncio.sleep(SETTLE)

        async def ask_until(end: float, noted: list[float]) -> None:
            async def ask(session: Session) -> None:
                while (began := time.perf_counter()) < end:
                    await session.run()
                    noted.append(time.perf_counter() - began)

            await asyncio.gather(*map(ask, sessions))

        await ask_until(time.perf_counter() + SETTLE, [])
        began, own, servers = time.perf_counter(), time.process_time(), group.cpu_seconds()
        await ask_until(began + chosen.seconds, waits)
        wall = time.perf_counter() - began
        return Load(
            rate=len(waits) / wall,
            waits=waits,
            server_cpu=(group.cpu_seconds() - servers) / len(waits),
            own_cpu=(time.process_time() - own) / wall,
            sessions_by_replica={cookie or "all": cookies.count(cookie) for cookie in sorted(set(cookies))},
        )
    finally:
        await asyncio.gather(*(session.close() for session in sessions))


def name(replicas: int) -> str:
    """The name of a configuration."""
    return "one process, no proxy" if replicas == DIRECT else f"nginx, {replicas} replica{'s' if replicas > 1 else ''}"


def row(replicas: int, rounds: list[Load], base: float) -> str:
    """A line of the table: medians over the rounds, in brackets the lowest and the highest."""
    rates = [each.rate for each in rounds]
    waits = np.concatenate([each.waits for each in rounds])
    middle, high = np.percentile(waits, [50, 95])
    return (
        f"| {name(replicas)} | {statistics.median(rates):.1f} ({min(rates):.1f} to {max(rates):.1f}) "
        f"| {statistics.median(rates) / base:.2f} | {1000 * middle:.0f} ms | {1000 * high:.0f} ms "
        f"| {1000 * statistics.median(each.server_cpu for each in rounds):.1f} ms "
        f"| {statistics.median(each.own_cpu for each in rounds):.2f} |"
    )


def main() -> int:
    """Measure and print; 1 if a run went wrong."""
    parser = argparse.ArgumentParser(description="Reruns per second of one process and of several behind nginx.")
    parser.add_argument("--replicas", type=int, nargs="+", default=[1, 2], metavar="N", help="numbers to try (1 2)")
    parser.add_argument("--sessions", type=int, default=30, metavar="N", help="how many (30)")
    parser.add_argument("--seconds", type=float, default=10.0, metavar="S", help="of each round (10)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="of each configuration (3)")
    parser.add_argument("--page", default="", help="the page's name in the URL (Home)")
    chosen = parser.parse_args()
    if min(*chosen.replicas, chosen.sessions, chosen.rounds) < 1 or chosen.seconds <= 0:
        parser.error("numbers must be at least 1")
    at_start = os.getloadavg()[0]
    ways = [DIRECT, *chosen.replicas]
    rounds: dict[int, list[Load]] = {way: [] for way in ways}
    for _ in range(chosen.rounds):
        for way in ways:
            with served(way) as group:
                try:
                    rounds[way].append(asyncio.run(load(group, chosen)))
                except RunFailed as error:
                    sys.exit(f"{name(way)}: {error}")
    base = statistics.median(each.rate for each in rounds[DIRECT])
    print(
        f"{chosen.sessions} sessions on {chosen.page or 'Home'}, each asking again at once; {chosen.rounds} rounds of "
        f"{chosen.seconds:g} s. Machine: {processor()}, {os.cpu_count()} cores, sessions beside the servers.\n"
    )
    print("| | reruns a second | times the first | p50 | p95 | server CPU per rerun | cores of the sessions |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for way in ways:
        print(row(way, rounds[way], base))
    if 2 in rounds:
        ratio = statistics.median(each.rate for each in rounds[2]) / base
        print(f"\n- {'met' if ratio >= GOAL else 'NOT met'}: two replicas reach at least {GOAL} times; {ratio:.2f}.")
        print(f"- Sessions per replica in the last round: {rounds[2][-1].sessions_by_replica}.")
    if at_start > BUSY:
        print(f"- Note: the machine was busy at the start (load average {at_start:.1f}): repeat before quoting.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
