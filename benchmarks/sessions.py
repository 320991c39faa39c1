"""Simulated browser tabs and their measurements, for the benchmarks that load the app.

A session opens a WebSocket, requests runs of the script, and reads until the script has finished. What its visitor does
with a control reruns the part of the page that Streamlit's front end would rerun: the fragment that the control is in,
or else all of it. It caches large messages and reports their hashes to the server, as the front end does, and gets
references instead of repeated messages. It does nothing else that a browser does: no HTML, no scripts, no rendering.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
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


@dataclass(frozen=True)
class Control:
    """What a visitor can change on the page.

    Attributes:
        id: Streamlit's, which contains its key.
        fragment: the part of the page that reruns for it; empty for all of it.
        options: of a question; none for others.
        component: whether it is one of ours, whose state is JSON.
        data: what a component was given, as JSON.
    """

    id: str
    fragment: str = ""
    options: tuple[str, ...] = ()
    component: bool = False
    data: str = ""


@dataclass(frozen=True)
class Act:
    """A control's new state: the name of its field in Streamlit's `WidgetState`, and its value."""

    control: Control
    field: str
    value: Any


class Session:
    """One tab.

    Attributes:
        controls: the components and questions of the page, by key, in its order.
    """

    def __init__(self, url: str, page: str, cookie: str = "") -> None:
        self.url, self.page, self.cookie = url, page, cookie
        self.cache = MessageCache()
        self.script_hash = ""
        self.controls: dict[str, Control] = {}
        self.states: dict[str, Act] = {}  # id of a control -> what its visitor did last, which every request repeats
        self.query = ""  # the query string as the script has set it
        self.socket: ClientConnection | None = None

    async def open(self) -> int:
        """Connect and run the script for the first time. Returns the bytes received."""
        await self.connect()
        return await self.run()

    async def connect(self) -> None:
        """Connect; a front end whose connection has ended does only that, and waits for its visitor's next action."""
        self.socket = await connect(
            self.url.replace("http", "ws", 1) + "/_stcore/stream",
            subprotocols=[Subprotocol("streamlit")],
            origin=self.url,  # type: ignore[arg-type]
            additional_headers={"Cookie": self.cookie} if self.cookie else None,
            max_size=None,
            proxy=None,
        )

    async def run(self, act: Act | None = None) -> int:
        """Ask for a run and read until it has finished. Returns the bytes received.

        Args:
            act: what the visitor has just done; None reruns all of the page.

        Raises:
            RunFailed: the script failed or showed an error.
        """
        assert self.socket is not None
        await self.socket.send(self.request(act).SerializeToString())
        async with asyncio.timeout(RUN_LIMIT):
            return await self._read_run(self.socket)

    def request(self, act: Act | None) -> BackMsg:
        """The message with which a front end requests a run; see `run`."""
        request = BackMsg()
        client = request.rerun_script
        client.page_script_hash = self.script_hash
        client.page_name = "" if self.script_hash else self.page
        client.cached_message_hashes.extend(self.cache.last_used)
        client.context_info.timezone, client.context_info.locale = "UTC", "en-GB"
        client.context_info.url = f"{self.url}/{self.page}"
        client.query_string = self.query
        if act is not None:
            self.states[act.control.id] = act
            client.fragment_id = act.control.fragment
        for known in self.states.values():
            client.widget_states.widgets.add(id=known.control.id, **{known.field: known.value})
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
                self._note_control(message)
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

    def _note_control(self, message: ForwardMsg) -> None:
        element = message.delta.new_element
        if element.WhichOneof("type") == "bidi_component":
            mounted = element.bidi_component
            control = Control(mounted.id, message.delta.fragment_id, component=True, data=mounted.json)
        elif element.WhichOneof("type") == "radio":
            control = Control(element.radio.id, message.delta.fragment_id, tuple(element.radio.options))
        elif element.WhichOneof("type") == "number_input":
            control = Control(element.number_input.id, message.delta.fragment_id)
        else:
            return
        self.controls[control.id.split("-", 2)[2]] = control  # $$ID-HASH-KEY

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
    act: Callable[[Session, int], Act | None] = lambda _session, _number: None,
) -> None:
    """All reruns of one session, at fixed times; `act` gives what its visitor does for each."""
    for k in range(times):
        if not await timed(phase, first + k * every, partial(session.run, act(session, k))):
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
