"""Gives every browser the cookie by which the server knows it again (`ui.training.visitor`), with the first page."""

from __future__ import annotations

import streamlit as st
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.training.visitor import COOKIE, issue, read

LASTS = 180 * 24 * 3600  # seconds: a term


class VisitorCookie:
    """Middleware: adds the cookie to a page for a browser that has none of ours; everything else passes untouched."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = dict(scope.get("headers", ()))
        wants_page = scope["type"] == "http" and b"text/html" in headers.get(b"accept", b"")
        if not wants_page or read(cookie_parser(headers.get(b"cookie", b"").decode("latin-1")).get(COOKIE, "")):
            await self.app(scope, receive, send)
            return

        async def with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                message = {**message, "headers": [*message["headers"], (b"set-cookie", _cookie().encode())]}
            await send(message)

        await self.app(scope, receive, with_cookie)


def _cookie() -> str:
    # As Streamlit's own: in a frame of another site, a browser keeps it only so.
    framed = str(st.get_option("server.xsrfCookieSameSite") or "").lower() == "none"
    flags = "SameSite=None; Secure" if framed else "SameSite=Lax"
    return f"{COOKIE}={issue()}; Path=/; Max-Age={LASTS}; HttpOnly; {flags}"
