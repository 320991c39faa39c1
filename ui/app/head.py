"""What goes into the head of every document: the page's styles, what its first elements will ask for, and what waits.

The browser reads the styles there before it draws anything; sent as an element of the page they would arrive after its
first elements, which then would move. What draws text with HTML, formulas or instruments the front end would ask for
only once they are there, and would show grey bars of another size until then. Plotly keeps the browser busy for half a
second before it draws: it waits until the opening of a page is on screen.
"""

from __future__ import annotations

import logging

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.app.late import late
from ui.figures.markup import PAGE_STYLE
from ui.streamlit_private import early_files

_END = b"</head>"
_FIRST_SCRIPT = b'<script type="module"'  # what waits is said before it
_LEFT_OUT = (b"accept-encoding", b"if-none-match", b"if-modified-since")  # the document is read, and never the same
_CHANGED = (b"content-length", b"etag", b"last-modified")

_log = logging.getLogger(__name__)
_in_place = False


def styles_in_head() -> bool:
    """Whether documents of this process carry the styles; where they do not, each run must send them."""
    return _in_place


class StylesInHead:
    """Middleware: puts the styles at the end of the head of every HTML document; everything else passes untouched."""

    def __init__(self, app: ASGIApp) -> None:
        global _in_place
        self.app = app
        _in_place = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = scope.get("headers", ())
        if scope["type"] != "http" or not any(name == b"accept" and b"text/html" in value for name, value in headers):
            await self.app(scope, receive, send)
            return
        kept = [(name, value) for name, value in headers if name not in _LEFT_OUT]
        await self.app({**scope, "headers": kept}, receive, _Document(send))


class _Document:
    """Gathers a document and sends it on with the styles; anything that is no document is sent on as it comes."""

    def __init__(self, send: Send) -> None:
        self.send = send
        self.start: Message | None = None
        self.body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            kind = dict(message["headers"]).get(b"content-type", b"")
            if message["status"] == 200 and kind.startswith(b"text/html"):
                self.start = message
                return
        elif self.start and message["type"] == "http.response.body":
            self.body += message.get("body", b"")
            if message.get("more_body"):
                return
            body = _with_styles(self.body)
            kept = [(name, value) for name, value in self.start["headers"] if name.lower() not in _CHANGED]
            length = (b"content-length", str(len(body)).encode())
            await self.send({**self.start, "headers": [*kept, length]})
            await self.send({"type": "http.response.body", "body": body})
            return
        await self.send(message)


def _with_styles(document: bytes) -> bytes:
    global _in_place
    before, end, after = document.partition(_END)
    if not end:
        if _in_place:
            _log.warning("Streamlit's document has no %s; each run sends the page's styles instead", _END.decode())
        _in_place = False
        return document
    start, script, rest = before.partition(_FIRST_SCRIPT)
    waits = late()
    before = start + (waits.element().encode() if waits and script else b"") + script + rest
    return before + PAGE_STYLE.encode() + _early(before).encode() + end + after


def _early(before: bytes) -> str:
    """Links to `early_files`, but for those that the document names itself."""
    modules, fonts = early_files()
    links = [f'<link rel="modulepreload" crossorigin href="./{one}">' for one in modules if one.encode() not in before]
    links += [f'<link rel="preload" as="font" type="font/woff2" crossorigin href="./{one}">' for one in fonts]
    return "".join(links)
