"""The page's styles lie in the head of every document, and nothing else that is served changes."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import pytest
import streamlit
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route

from tests.support.asgi import ask
from ui.app import head, late
from ui.app.head import StylesInHead, styles_in_head
from ui.components.modules import FOR_GOOD
from ui.figures.markup import PAGE_STYLE
from ui.streamlit_private import EARLY_FONTS, EARLY_MODULES, LATE_MODULE, early_files

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = "<html><head><title>x</title></head><body>" + "y" * 2_000 + "</body></html>"
SCRIPTS = '<html><head><script type="module" src="./static/js/index.js"></script></head></html>'
HTML = {"accept": "text/html,*/*"}


@dataclass(frozen=True)
class Answer:
    status_code: int
    headers: dict[str, str]
    content: bytes

    @property
    def text(self) -> str:
        zipped = self.headers.get("content-encoding") == "gzip"
        return (gzip.decompress(self.content) if zipped else self.content).decode()


class Client:
    """Asks an ASGI application, as a server does."""

    def __init__(self, app) -> None:
        self.app = app

    def get(self, path: str, headers: dict[str, str]) -> Answer:
        sent = []

        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message) -> None:
            sent.append(message)

        scope = {
            "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"",
            "root_path": "", "scheme": "http", "http_version": "1.1", "server": ("test", 80), "client": ("test", 1),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }  # fmt: skip
        asyncio.run(self.app(scope, receive, send))
        start, *bodies = sent
        answered = {name.decode(): value.decode() for name, value in start["headers"]}
        return Answer(start["status"], answered, b"".join(body["body"] for body in bodies))


@pytest.fixture
def client(monkeypatch) -> Client:
    monkeypatch.setattr(head, "_in_place", False)

    def document(_request) -> HTMLResponse:
        return HTMLResponse(DOCUMENT, headers={"etag": '"1"', "cache-control": "no-cache"})

    routes = [
        Route("/", document),
        Route("/asks", lambda _request: HTMLResponse(f"<head><link href='./{early_files()[0][-1]}'></head>")),
        Route("/scripts", lambda _request: HTMLResponse(SCRIPTS)),
        Route("/odd", lambda _request: HTMLResponse("no head")),
        Route("/text", lambda _request: PlainTextResponse("</head>")),
        Route("/gone", lambda _request: HTMLResponse(DOCUMENT, 404)),
    ]
    return Client(Starlette(routes=routes, middleware=[Middleware(StylesInHead), Middleware(GZipMiddleware)]))


def test_a_document_carries_the_styles_and_what_its_elements_will_ask_for(client):
    answer = client.get("/", headers=HTML)
    before, _, after = DOCUMENT.partition("</head>")
    added = answer.text.removeprefix(f"{before}{PAGE_STYLE}").removesuffix(f"</head>{after}")
    addresses = re.findall(r'<link rel="(?:modulepreload|preload)"[^>]* href="\./([^"]+)">', added)
    assert len(addresses) == added.count("<") and len(set(addresses)) == len(addresses)
    folder = Path(streamlit.__file__).parent / "static"
    assert all((folder / address).is_file() for address in addresses)
    for name in (*EARLY_MODULES, *EARLY_FONTS):
        assert sum(f"/{name}." in address for address in addresses) == 1
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert "etag" not in answer.headers and answer.headers["cache-control"] == "no-cache"
    assert styles_in_head()


def test_plotly_waits_for_the_opening_of_the_page(client):
    script = '<script type="module" src="./static/js/index.js">'
    before, _, after = client.get("/scripts", headers=HTML).text.partition(script)
    element = re.search(r'<script data-module="\./([^"]+)" data-map="([^"]+)">([^<]+)</script>$', before)
    ((scope, (file, waits)),) = (
        (scope, *one.items()) for scope, one in json.loads(unescape(element[2]))["scopes"].items()
    )
    assert (Path(streamlit.__file__).parent / file.replace("./static", "static/static")).is_file()
    assert file.startswith(scope) and f"/{LATE_MODULE}." in file and script not in after
    assert waits == f"./{element[1]}" and element[3] == (ROOT / "ui/app/late_map.js").read_text(encoding="utf-8")
    status, headers, module = ask(f"/{element[1]}")
    assert status == 200 and headers["content-type"].startswith("text/javascript")
    assert headers["cache-control"] == FOR_GOOD
    assert module.decode().startswith((ROOT / "ui/app/late.js").read_text(encoding="utf-8"))
    assert f'import(new URL("{file.removeprefix("./")}", document.baseURI))' in module.decode()
    assert ask(f"/modules/{'0' * 16}/late.js").status == 404


def test_without_the_module_nothing_waits_and_nothing_is_served(client, monkeypatch):
    monkeypatch.setattr(late, "late_file", lambda: None)
    digest = late.late().digest
    late.late.cache_clear()
    try:
        assert client.get("/scripts", headers=HTML).text.startswith(SCRIPTS.partition("</head>")[0])
        assert ask(f"/modules/{digest}/late.js").status == 404
    finally:
        late.late.cache_clear()


def test_what_the_document_asks_for_itself_is_not_named_again(client):
    modules, _ = early_files()
    assert f"./{modules[-1]}" in client.get("/", headers=HTML).text
    assert client.get("/asks", headers=HTML).text.count(modules[-1]) == 1


def test_a_browser_that_has_the_document_gets_it_anew(client):
    assert client.get("/", headers={**HTML, "if-none-match": '"1"'}).status_code == 200


def test_all_else_passes(client):
    assert client.get("/text", headers=HTML).text == "</head>"
    assert client.get("/gone", headers=HTML).text == DOCUMENT
    plain = client.get("/", headers={"accept": "*/*", "accept-encoding": "gzip"})
    assert plain.headers["content-encoding"] == "gzip" and plain.text == DOCUMENT


def test_a_document_without_a_head_is_left_and_the_runs_send_the_styles(client, caplog):
    assert client.get("/odd", headers=HTML).text == "no head"
    assert not styles_in_head()
    assert "sends the page's styles" in caplog.text
