"""A class on one server: how long simulated sessions wait for a page to open and to run again.

Each session is what a browser tab is to the server: a WebSocket on which it asks for a run of the script and reads
until the script has finished. It remembers large messages and tells the server so, as Streamlit's front end does,
and gets references to them when they come again. What a browser does besides is not here: no HTML, scripts or
drawing. All sessions live in one process, beside the server on the same machine; nothing leaves it.

Run, with nothing else running on the machine::

    python benchmarks/classroom.py
    python benchmarks/classroom.py --page explorer --sessions 30 --reruns 20 --every 1 --json classroom.json

1. One session opens the page and leaves: the server's first run imports and reads what all later ones share.
2. ``--sessions`` open it, evenly over ``--open-within`` seconds. Measured: connecting to `script_finished`.
3. Each asks for ``--reruns`` runs, one every ``--every`` seconds, sessions evenly apart. Measured: from when a run
   was due (not from when it could be sent: a slow server must not slow down its own test) to `script_finished`.

A script that does not finish successfully, or that shows an exception or an error box, is an error.

Goals on two cores: 30 sessions opening Home within 3 s, p95 at most 0.5 s; one rerun a second each, p95 at most 0.1 s.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.metadata
import json
import os
import platform
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from serving import Server, serve
from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from training import BUSY, processor
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

GOALS = {"opening": 0.5, "rerun": 0.1}  # seconds, p95
RUN_LIMIT = 60.0  # seconds after which a run counts as lost
SETTLE = 1.0  # seconds between the two phases


class RunFailed(Exception):
    """A run that ended otherwise than well."""


@dataclass
class MessageCache:
    """The large messages that a front end keeps, by hash: those used in one of its last `age` runs."""

    age: int = 2
    runs: int = 0
    last_used: dict[str, int] = field(default_factory=dict)

    def see(self, message: ForwardMsg) -> None:
        """Keep a message, or use one that is kept.

        Raises:
            RunFailed: a reference to a message that this session does not have.
        """
        if message.WhichOneof("type") == "ref_hash":
            if message.ref_hash not in self.last_used:
                raise RunFailed("a reference to an unknown message")
            self.last_used[message.ref_hash] = self.runs
        elif message.metadata.cacheable:
            self.last_used[message.hash] = self.runs

    def end_run(self) -> None:
        """Forget what has not been used lately."""
        self.runs += 1
        self.last_used = {key: used for key, used in self.last_used.items() if self.runs - used <= self.age}


@dataclass
class Phase:
    """What all sessions saw of one kind of run.

    Attributes:
        seconds: of each run that ended well.
        received: bytes of each.
        errors: one line for each other one.
        server_cpu: seconds of processor time the server took for the phase.
        own_cpu: the same of this process.
        wall: seconds the phase lasted.
    """

    seconds: list[float] = field(default_factory=list)
    received: list[int] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    server_cpu: float | None = None
    own_cpu: float = 0.0
    wall: float = 0.0

    def quantiles(self) -> tuple[float, float, float]:
        """Median, 95th percentile and longest, in seconds."""
        if not self.seconds:
            return (float("nan"),) * 3
        middle, high, longest = np.percentile(self.seconds, [50, 95, 100])
        return float(middle), float(high), float(longest)


class Session:
    """One tab."""

    def __init__(self, url: str, page: str, cookie: str = "") -> None:
        self.url, self.page, self.cookie = url, page, cookie
        self.cache = MessageCache()
        self.script_hash = ""
        self.socket: ClientConnection | None = None

    async def open(self) -> int:
        """Connect and run the script for the first time. Returns the bytes received."""
        self.socket = await connect(
            self.url.replace("http", "ws", 1) + "/_stcore/stream",
            subprotocols=[Subprotocol("streamlit")],
            origin=self.url,  # type: ignore[arg-type]
            additional_headers={"Cookie": self.cookie} if self.cookie else None,
            max_size=None,
            proxy=None,
        )
        return await self.run()

    async def run(self) -> int:
        """Ask for a run and read until it has finished. Returns the bytes received.

        Raises:
            RunFailed: the script failed or showed an error.
        """
        assert self.socket is not None
        request = BackMsg()
        client = request.rerun_script
        client.page_script_hash = self.script_hash
        client.page_name = "" if self.script_hash else self.page
        client.cached_message_hashes.extend(self.cache.last_used)
        client.context_info.timezone, client.context_info.locale = "UTC", "en-GB"
        client.context_info.url = f"{self.url}/{self.page}"
        await self.socket.send(request.SerializeToString())
        async with asyncio.timeout(RUN_LIMIT):
            return await self._read_run(self.socket)

    async def _read_run(self, socket: ClientConnection) -> int:
        received, started, trouble = 0, False, ""
        while True:
            data = await socket.recv(decode=False)
            received += len(data)
            message = ForwardMsg.FromString(data)  # type: ignore[arg-type]  # 0.04 ms for a megabyte
            kind = message.WhichOneof("type")
            self.cache.see(message)
            if kind == "new_session":
                started = True
                self.cache.age = message.new_session.config.max_cached_message_age
            elif kind == "navigation":
                self.script_hash = message.navigation.page_script_hash
            elif kind == "delta":
                trouble = trouble or shown_error(message)
            elif kind == "page_not_found":
                trouble = f"there is no page {self.page}"
            elif kind == "script_finished" and started:
                if message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                    continue  # the page asked for another run itself: the visitor waits for that one
                if message.script_finished != ForwardMsg.FINISHED_SUCCESSFULLY:
                    trouble = trouble or ForwardMsg.ScriptFinishedStatus.Name(message.script_finished).lower()
                self.cache.end_run()
                if trouble:
                    raise RunFailed(trouble)
                return received

    async def close(self) -> None:
        """Hang up."""
        if self.socket is not None:
            await self.socket.close()


def shown_error(message: ForwardMsg) -> str:
    """What an exception or an error box in this message says; empty for any other."""
    element = message.delta.new_element
    kind = element.WhichOneof("type")
    if kind == "exception":
        return f"exception: {element.exception.type} {element.exception.message}"
    if kind == "alert" and element.alert.format == Alert.ERROR:
        return f"error box: {element.alert.body}"
    return ""


async def timed(phase: Phase, due: float, work: Any) -> bool:
    """Wait until `due` (`time.perf_counter`), await `work()`, and note how long after `due` it ended."""
    await asyncio.sleep(max(0.0, due - time.perf_counter()))
    try:
        received = await work()
    except (RunFailed, WebSocketException, OSError) as error:  # OSError: refused, timed out
        phase.errors.append(f"{type(error).__name__}: {error}")
        return False
    phase.seconds.append(time.perf_counter() - due)
    phase.received.append(received)
    return True


async def rerun(phase: Phase, session: Session, first: float, times: int, every: float) -> None:
    """All reruns of one session, at fixed times."""
    for k in range(times):
        if not await timed(phase, first + k * every, session.run):
            return  # what is left of this run would be taken for the next


class Clock:
    """Adds what a block cost to a phase."""

    def __init__(self, phase: Phase, server: Server) -> None:
        self.phase, self.server = phase, server

    def __enter__(self) -> Clock:
        self.before = time.perf_counter(), time.process_time(), self.server.cpu_seconds()
        return self

    def __exit__(self, *_error: object) -> None:
        wall, own, server = self.before
        self.phase.wall = time.perf_counter() - wall
        self.phase.own_cpu = time.process_time() - own
        after = self.server.cpu_seconds()
        self.phase.server_cpu = None if server is None or after is None else after - server


async def attend(server: Server, chosen: argparse.Namespace) -> tuple[float, dict[str, Phase], list[float | None]]:
    """The three steps at the head of this module. Returns the first session's seconds, phases, megabytes."""
    first = Session(server.url, chosen.page)
    began = time.perf_counter()
    await first.open()
    warm_up = time.perf_counter() - began
    await first.close()
    await asyncio.sleep(SETTLE)
    memory = [server.resident_megabytes()]

    sessions = [Session(server.url, chosen.page) for _ in range(chosen.sessions)]
    phases = {"opening": Phase(), "rerun": Phase()}
    try:
        with Clock(phases["opening"], server):
            start, gap = time.perf_counter() + 0.1, chosen.open_within / chosen.sessions
            opened = await asyncio.gather(
                *(timed(phases["opening"], start + i * gap, each.open) for i, each in enumerate(sessions))
            )
        await asyncio.sleep(SETTLE)
        memory.append(server.resident_megabytes())
        with Clock(phases["rerun"], server):
            start, gap = time.perf_counter() + 0.1, chosen.every / chosen.sessions
            await asyncio.gather(
                *(
                    rerun(phases["rerun"], each, start + i * gap, chosen.reruns, chosen.every)
                    for i, each in enumerate(sessions)
                    if opened[i]
                )
            )
        memory.append(server.resident_megabytes())
    finally:
        await asyncio.gather(*(each.close() for each in sessions))
    return warm_up, phases, memory


def table(phases: dict[str, Phase]) -> str:
    """One row per phase, in Markdown."""
    lines = [
        "| phase | runs | errors | p50 | p95 | longest | received per run | server CPU per run | server CPU | ours |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, phase in phases.items():
        middle, high, longest = (f"{1000 * value:.0f} ms" for value in phase.quantiles())
        runs = len(phase.seconds) + len(phase.errors)
        size = f"{np.mean(phase.received) / 1000:,.0f} kB" if phase.received else ""
        cost = load = ""
        if phase.server_cpu is not None:
            cost, load = f"{1000 * phase.server_cpu / max(runs, 1):.0f} ms", f"{phase.server_cpu / phase.wall:.0%}"
        lines.append(
            f"| {name} | {runs} | {len(phase.errors)} | {middle} | {high} | {longest} | {size} | {cost} | {load} "
            f"| {phase.own_cpu / phase.wall:.0%} |"
        )
    return "\n".join(lines)


def verdicts(phases: dict[str, Phase]) -> list[str]:
    """Each goal, met or not."""
    lines = []
    for name, goal in GOALS.items():
        phase = phases[name]
        if not phase.seconds and not phase.errors:
            continue
        high = phase.quantiles()[1]
        met = "met" if high <= goal and not phase.errors else "NOT met"
        lines.append(f"- {met}: {name} p95 at most {1000 * goal:.0f} ms without errors; {1000 * high:.0f} ms.")
    return lines


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Waiting times of a class of simulated sessions on one server.")
    parser.add_argument("--sessions", type=int, default=30, metavar="N", help="how many (30)")
    parser.add_argument("--open-within", type=float, default=3.0, metavar="S", help="they open in so many seconds (3)")
    parser.add_argument("--reruns", type=int, default=20, metavar="N", help="of each session (20)")
    parser.add_argument("--every", type=float, default=1.0, metavar="S", help="seconds between a session's reruns (1)")
    parser.add_argument("--page", default="", help="the page's name in the URL (Home)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every measurement here")
    chosen = parser.parse_args()
    if chosen.sessions < 1 or chosen.reruns < 0 or chosen.open_within < 0 or chosen.every < 0:
        parser.error("numbers must not be negative, and there must be a session")
    return chosen


def main() -> int:
    """Measure and print; 1 if any run went wrong."""
    chosen = arguments()
    load = os.getloadavg()[0]
    with serve() as server:
        try:
            warm_up, phases, memory = asyncio.run(attend(server, chosen))
        except RunFailed as error:
            sys.exit(f"The page does not work even for one session: {error}")

    names = ("streamlit", "starlette", "uvicorn", "websockets", "torch")
    machine = {
        "processor": processor(), "cores": os.cpu_count(), "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in names}, "load_at_start": load,
    }  # fmt: skip
    print(
        f"{chosen.sessions} sessions opening {chosen.page or 'Home'} within {chosen.open_within:g} s, then "
        f"{chosen.reruns} reruns each, one every {chosen.every:g} s. One session had opened it before, "
        f"in {warm_up:.2f} s."
    )
    print(
        f"Machine: {machine['processor']}, {machine['cores']} cores, sessions beside the server; "
        f"streamlit {machine['streamlit']}, Python {machine['python']}.\n"
    )
    print(table(phases))
    print("\nCPU: 100% is one core busy. Ours: the sessions'.")
    if None not in memory:
        before, opened, after = memory
        print(f"Server's memory: {before:.0f} MB before, {opened:.0f} MB with all open, {after:.0f} MB at the end.")
    print("\n" + "\n".join(verdicts(phases)))
    if load > BUSY:
        print(f"- Note: the machine was busy at the start (load average {load:.1f}): repeat before quoting.")
    errors = [error for phase in phases.values() for error in phase.errors]
    for error in dict.fromkeys(errors):
        print(f"- Error, {errors.count(error)} times: {error}")
    if chosen.json:
        document = {
            "machine": machine,
            "options": {name: getattr(chosen, name) for name in ("sessions", "open_within", "reruns", "every", "page")},
            "warm_up_seconds": warm_up,
            "server_megabytes": memory,
            "phases": {
                name: {**dict(zip(("p50", "p95", "max"), phase.quantiles(), strict=True)), **asdict(phase)}
                for name, phase in phases.items()
            },
        }
        chosen.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
