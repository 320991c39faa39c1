"""Descriptors: every visitor takes some four of them, and a process may have only so many.

Who has left keeps three for ``disconnectedSessionTTL``, some 400 in all: Streamlit keeps 128 such sessions at most.

Where they run out, nothing works any more: no file can be read and no connection taken, not even that of a health
check. So the limit is raised as far as the system allows, the last ones are kept from new visitors, and the health
check says that it is over while it still can.
"""

from __future__ import annotations

import logging
import os
from contextlib import suppress

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

MOST_WANTED = 65_536  # far more than the sessions that a process can serve; some systems name no limit at all
FOR_SESSIONS = 64  # as long as that many are free, visitors are let in: one takes four, a page opens files beside
FOR_HEALTH = 16  # with fewer, a page can fail at any time
TRY_AGAIN_LATER = 1013  # of a WebSocket

_log = logging.getLogger(__name__)


def raise_limit() -> int | None:
    """Raise this process's limit on descriptors as far as it may; returns it, or None where there is none."""
    try:
        import resource
    except ImportError:  # not every system has limits
        return None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_WANTED if hard == resource.RLIM_INFINITY else min(hard, MOST_WANTED)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # macOS allows less than it says
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def are_free(count: int) -> bool:
    """Whether this process can open so many more descriptors."""
    opened: list[int] = []
    try:
        opened.append(os.open(os.devnull, os.O_RDONLY))
        while len(opened) < count:
            opened.append(os.dup(opened[0]))
    except OSError:
        return False
    finally:
        for descriptor in opened:
            os.close(descriptor)
    return True


class DescriptorGuard:
    """Middleware: the health check fails where descriptors run out, and before that no more visitors are let in."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope.get("path", "")
        if scope["type"] == "http" and path.endswith("/_stcore/health") and not are_free(FOR_HEALTH):
            _log.error("The process has no more descriptors")
            await PlainTextResponse("no more descriptors", 503)(scope, receive, send)
        elif scope["type"] == "websocket" and path.endswith("/_stcore/stream") and not are_free(FOR_SESSIONS):
            _log.warning("A visitor was sent away: the process is short of descriptors")
            await receive()  # that it wants to connect
            await send({"type": "websocket.close", "code": TRY_AGAIN_LATER})
        else:
            await self.app(scope, receive, send)
