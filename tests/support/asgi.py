"""Answers of the app's own routes, without a server."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.datastructures import Headers

from ui.app.server import routes


class Answer(NamedTuple):
    """One answer."""

    status: int
    headers: Headers
    content: bytes


def ask(path: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> Answer:
    """What is answered to one request, by the app's routes as they are now.

    Args:
        path: as a browser writes it; a server hands it on decoded.
        headers: of the request.
        method: of the request.
    """
    said: list[Any] = []

    async def request() -> None:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            said.append(message)

        scope = {
            "type": "http", "http_version": "1.1", "method": method, "scheme": "http", "path": unquote(path),
            "root_path": "", "query_string": b"", "server": ("127.0.0.1", 80),
            "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
        }  # fmt: skip
        await Starlette(routes=routes())(scope, receive, send)

    asyncio.run(request())
    content = b"".join(message.get("body", b"") for message in said)
    return Answer(said[0]["status"], Headers(raw=said[0]["headers"]), content)
