"""Simulated browser tabs and their measurements, for the benchmarks that load the app.

A session opens a WebSocket, requests runs of the script, and reads until the script has finished. It caches large
messages and reports their hashes to the server, as Streamlit's front end does, and gets references instead of repeated
messages. It does nothing else that a browser does: no HTML, no scripts, no rendering.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import numpy as np
from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

RUN_LIMIT = 60.0  # seconds after which a run counts as lost
FINISHED_WELL = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)


class RunFailed(Exception):
    """A run that did not succeed."""


@dataclass
class MessageCache:
    """The large messages that a front end keeps, by hash: those used in one of its last `age` runs."""

    age: int = 2
    runs: int = 0
    last_used: dict[str, int] = field(default_factory=dict)

    def see(self, message: ForwardMsg) -> None:
        """Cache a message, or resolve a reference to a cached one.

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
    """The measurements of all sessions for one kind of run.

    Attributes:
        seconds: of each successful run.
        received: bytes of each.
        errors: one line for each failed run.
        server_cpu: seconds of processor time the server took for the phase.
        own_cpu: the same for this process.
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
        self.components: dict[str, str] = {}  # key of a component on the page -> its id
        self.query = ""  # the query string as the script has set it
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

    async def run(self, committed: Mapping[str, Any] | None = None) -> int:
        """Ask for a run and read until it has finished. Returns the bytes received.

        Args:
            committed: key of a component -> the state that its visitor has just committed.

        Raises:
            RunFailed: the script failed or showed an error, or there is no such component.
        """
        assert self.socket is not None
        await self.socket.send(self.request(committed or {}).SerializeToString())
        async with asyncio.timeout(RUN_LIMIT):
            return await self._read_run(self.socket)

    def request(self, committed: Mapping[str, Any]) -> BackMsg:
        """The message with which a front end requests a run; see `run`."""
        request = BackMsg()
        client = request.rerun_script
        client.page_script_hash = self.script_hash
        client.page_name = "" if self.script_hash else self.page
        client.cached_message_hashes.extend(self.cache.last_used)
        client.context_info.timezone, client.context_info.locale = "UTC", "en-GB"
        client.context_info.url = f"{self.url}/{self.page}"
        client.query_string = self.query
        for key, state in committed.items():
            if key not in self.components:
                raise RunFailed(f"there is no component {key!r} on the page")
            client.widget_states.widgets.add(id=self.components[key], json_value=json.dumps(state))
        return request

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
            elif kind == "page_info_changed":
                self.query = message.page_info_changed.query_string
            elif kind == "delta":
                trouble = trouble or shown_error(message)
                self._note_component(message)
            elif kind == "page_not_found":
                trouble = f"there is no page {self.page}"
            elif kind == "script_finished" and started:
                if message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                    continue  # the page itself requested another run: the visitor waits for that one
                if message.script_finished not in FINISHED_WELL:
                    trouble = trouble or ForwardMsg.ScriptFinishedStatus.Name(message.script_finished).lower()
                self.cache.end_run()
                if trouble:
                    raise RunFailed(trouble)
                return received

    def _note_component(self, message: ForwardMsg) -> None:
        element = message.delta.new_element
        if element.WhichOneof("type") == "bidi_component":
            identity = element.bidi_component.id  # $$ID-HASH-KEY
            self.components[identity.split("-", 2)[2]] = identity

    async def close(self) -> None:
        """Close the connection."""
        if self.socket is not None:
            await self.socket.close()


def shown_error(message: ForwardMsg) -> str:
    """The text of an exception or an error box in this message; empty if it has none."""
    element = message.delta.new_element
    kind = element.WhichOneof("type")
    if kind == "exception":
        return f"exception: {element.exception.type} {element.exception.message}"
    if kind == "alert" and element.alert.format == Alert.ERROR:
        return f"error box: {element.alert.body}"
    return ""


async def timed(phase: Phase, due: float, work: Any) -> bool:
    """Wait until `due` (`time.perf_counter`), await `work()`, and record how long after `due` it ended."""
    await asyncio.sleep(max(0.0, due - time.perf_counter()))
    try:
        received = await work()
    except (RunFailed, WebSocketException, OSError) as error:  # OSError: refused, timed out
        phase.errors.append(f"{type(error).__name__}: {error}")
        return False
    phase.seconds.append(time.perf_counter() - due)
    phase.received.append(received)
    return True


async def rerun(
    phase: Phase,
    session: Session,
    first: float,
    times: int,
    every: float,
    committed: Callable[[Session, int], Mapping[str, Any] | None] = lambda _session, _number: None,
) -> None:
    """All reruns of one session, at fixed times; `committed` gives what its visitor commits in each."""
    for k in range(times):
        if not await timed(phase, first + k * every, partial(session.run, committed(session, k))):
            return  # the rest of this run would be mistaken for the next


class Costs(Protocol):
    """The process or the group of processes that serves the app."""

    def cpu_seconds(self) -> float | None:
        """Processor time so far; None if it is not known."""
        ...


class Clock:
    """Adds the time of a block to a phase."""

    def __init__(self, phase: Phase, server: Costs) -> None:
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
