"""What is for the host alone: Streamlit's metrics, which walk all sessions' memory, and its interface for agents.

nginx refuses them (deploy/nginx.conf); here they are refused without it, too, to whoever is not on this machine.
"""

from __future__ import annotations

import ipaddress
import re

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_FOR_THE_HOST = re.compile(r"/_stcore/(?:metrics|agent)(?:/|$)")


class OnlyHere:
    """Middleware: answers 404 for what is not for visitors; everything else passes untouched."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and _FOR_THE_HOST.search(scope.get("path", "")) and not _from_here(scope):
            await PlainTextResponse("Not Found", 404)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def _from_here(scope: Scope) -> bool:
    """Whether somebody on this machine asks, and no proxy for somebody else."""
    if any(name == b"x-forwarded-for" for name, _ in scope.get("headers", ())):
        return False
    try:
        return ipaddress.ip_address((scope.get("client") or ("",))[0]).is_loopback
    except ValueError:
        return False
