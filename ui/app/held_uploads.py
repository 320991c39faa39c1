"""How much of visitors' uploads the server holds in memory: a limit for each session, and one for all.

Streamlit bounds one file alone, and keeps as many of them as a session sends. Where all of them together would be too
much, whoever holds the most gives way: the address with the most bytes, and of its sessions the largest. A visitor who
sends little is not refused because others have sent much.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.streamlit_private import drop_uploads, uploads_held
from ui.training.visitor import neighbourhood
from vae_core.datasets.limits import LONGEST_SENDING, MOST_HELD, MOST_HELD_OF_ONE

_UPLOAD = re.compile(r"/_stcore/upload_file/([^/]+)/[^/]+$")
_LOOKED_EVERY = 250_000  # bytes that arrive between two looks at what is held
_ADDRESSES_KEPT = 4_096  # sessions whose address is remembered


@dataclass(eq=False)
class _Arriving:
    """A file on its way.

    Attributes:
        session: whose it is.
        size: bytes that have arrived.
        looked: the size at the last look.
        given_up: whether it has to make room for others.
    """

    session: str
    size: int = 0
    looked: int = -_LOOKED_EVERY
    given_up: bool = False


class UploadLimit:
    """Middleware: refuses uploads beyond the limits, with status 413; everything else passes untouched.

    Args:
        app: what it stands before.
        most_of_one: bytes of one session.
        most: bytes of all sessions of this process.
        longest: seconds that one file may take to arrive.
    """

    def __init__(
        self,
        app: ASGIApp,
        most_of_one: int = MOST_HELD_OF_ONE,
        most: int = MOST_HELD,
        longest: float = LONGEST_SENDING,
    ) -> None:
        self.app, self.most_of_one, self.most, self.longest = app, most_of_one, most, longest
        self._arriving: set[_Arriving] = set()
        self._addresses: OrderedDict[str, str] = OrderedDict()  # of sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        found = _UPLOAD.search(scope.get("path", "")) if scope.get("method") == "PUT" else None
        if found is None:
            await self.app(scope, receive, send)
            return
        arriving = _Arriving(found[1])
        client = str((scope.get("client") or ("",))[0])
        self._note_address(arriving.session, neighbourhood(client) or client)
        self._arriving.add(arriving)
        begun = False

        async def counted() -> Message:
            message = await receive()
            arriving.size += len(message.get("body", b""))
            self._admit(arriving)
            return message

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            async with asyncio.timeout(self.longest):
                await self.app(scope, counted, noted)
        except TimeoutError:
            if not begun:
                await PlainTextResponse("The file took too long to arrive.", 408)(scope, receive, send)
        finally:
            self._arriving.discard(arriving)

    def _note_address(self, session: str, address: str) -> None:
        self._addresses[session] = address
        self._addresses.move_to_end(session)
        while len(self._addresses) > _ADDRESSES_KEPT:
            self._addresses.popitem(last=False)

    def _admit(self, arriving: _Arriving) -> None:
        """Let more of a file in, after others have made room if need be.

        Raises:
            HTTPException: there is no room for it.
        """
        if arriving.given_up:
            raise HTTPException(413, "It had to make room for the files of others; send it again later.")
        if arriving.size - arriving.looked < _LOOKED_EVERY:
            return
        arriving.looked = arriving.size
        held = uploads_held()
        for each in self._arriving:
            held[each.session] = held.get(each.session, 0) + each.size
        if held[arriving.session] > self.most_of_one:
            raise HTTPException(413, f"A visitor may send {self.most_of_one / 1e6:.0f} MB at a time.")
        while sum(held.values()) > self.most:
            gives_way = self._largest(held)
            if gives_way == arriving.session:
                raise HTTPException(413, "The server holds as many files as it can; send it again later.")
            drop_uploads(gives_way)
            for each in self._arriving:
                each.given_up = each.given_up or each.session == gives_way
            del held[gives_way]

    def _largest(self, held: dict[str, int]) -> str:
        """The session that gives way, of those that hold this many bytes."""
        by_address: dict[str, int] = {}
        for session, size in held.items():
            address = self._addresses.get(session, "")
            by_address[address] = by_address.get(address, 0) + size
        return max(held, key=lambda session: (by_address[self._addresses.get(session, "")], held[session]))
