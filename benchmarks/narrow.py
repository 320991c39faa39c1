"""A narrow link on the loopback that all its users share: for benchmarks, and for tests of networks that fail.

A TCP proxy in a thread of its own::

    with serve() as server, narrow(server.url, bits_per_second=20e6, latency=0.01) as link:
        page.goto(link.url)
        link.cut()  # every connection ends where it is, and nobody gets through
        link.mend()

Each direction has its rate, which the connections take in turns, a few kilobytes at a time; every byte arrives
`latency` seconds later. Packets' headers, losses and the pace of TCP's first packets are not simulated.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit, urlunsplit

HOST = "127.0.0.1"
CHUNK = 4096  # bytes that one connection sends before the next one's turn
UNDER_WAY = 64  # chunks of one connection
PATIENCE = 10.0  # seconds until the thread must have begun or ended


class Direction:
    """One direction of a link: whoever sends waits until it is free."""

    def __init__(self, bytes_per_second: float) -> None:
        self.rate = bytes_per_second
        self.sent = 0
        self._free_at = 0.0

    async def take(self, size: int) -> None:
        """Wait until `size` bytes are through."""
        now = asyncio.get_running_loop().time()
        self._free_at = max(self._free_at, now) + size / self.rate
        self.sent += size
        if self._free_at > now:
            await asyncio.sleep(self._free_at - now)


class Link:
    """See the module. All connections go through `up` and `down`, whose rates may be changed at any time.

    Attributes:
        url: of what is served at the other end, through the link.
    """

    def __init__(self, url: str, bits_per_second: float, latency: float) -> None:
        self._target = urlsplit(url)
        self.url = ""
        self.latency = latency
        self.up, self.down = Direction(bits_per_second / 8), Direction(bits_per_second / 8)
        self._broken = False
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._begun, self._ended = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=[self._serve()], daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()
        if not self._begun.wait(PATIENCE):
            raise RuntimeError("the link did not begin")

    def stop(self) -> None:
        """End all connections and the thread."""
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(PATIENCE)
        self._loop.close()

    def cut(self) -> None:
        """End every connection in the middle of what it carries, and refuse new ones until `mend`."""
        self._broken = True
        self._loop.call_soon_threadsafe(self._abort_all)

    def mend(self) -> None:
        """Let new connections through again."""
        self._broken = False

    def _abort_all(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._connected, HOST, 0, limit=CHUNK)
        port = server.sockets[0].getsockname()[1]
        self.url = urlunsplit(self._target._replace(netloc=f"{HOST}:{port}"))
        self._begun.set()
        await self._ended.wait()
        server.close()
        self._abort_all()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._broken:
            writer.transport.abort()
            return
        ends = {writer}
        try:
            beyond, onward = await asyncio.open_connection(self._target.hostname, self._target.port, limit=CHUNK)
            ends.add(onward)
            self._open |= ends
            await asyncio.gather(self._carry(reader, onward, self.up), self._carry(beyond, writer, self.down))
        except (OSError, asyncio.CancelledError):
            pass  # either end has gone, or the link has: so does the other
        finally:
            self._open -= ends
            for end in ends:
                end.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, direction: Direction) -> None:
        """One way of one connection, until it ends there; the other way may go on."""
        loop = asyncio.get_running_loop()
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(UNDER_WAY)

        async def arrive() -> None:
            while True:
                due, chunk = await under_way.get()
                await asyncio.sleep(due - loop.time())
                if not chunk:
                    if writer.can_write_eof():
                        writer.write_eof()
                    return
                writer.write(chunk)
                await writer.drain()

        async def depart() -> None:
            chunk = b"-"
            while chunk:
                chunk = await reader.read(CHUNK)
                await direction.take(len(chunk))
                await under_way.put((loop.time() + self.latency, chunk))

        arriving = asyncio.ensure_future(arrive())
        try:
            await depart()
            await arriving
        finally:
            arriving.cancel()
            with suppress(asyncio.CancelledError, OSError):
                await arriving


@contextmanager
def narrow(url: str, *, bits_per_second: float = 1e9, latency: float = 0.0) -> Iterator[Link]:
    """A link to what is served at `url`, until the block ends."""
    link = Link(url, bits_per_second, latency)
    link.start()
    try:
        yield link
    finally:
        link.stop()
