"""app.py as `streamlit run` serves it, without a browser: over HTTP and its WebSocket."""

from __future__ import annotations

import http.client
import importlib.metadata
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import cache

import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from streamlit import config
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.testing.v1 import AppTest
from streamlit.web.server.app_discovery import discover_asgi_app
from websockets.sync.client import connect

from benchmarks.serving import Server, serve
from ui.app import server
from ui.chapters import chapters

from .helpers import ROOT

# An app of its own, with an address of its own and pages that fail.
SMALL = """
import streamlit as st
from pathlib import Path
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from ui.app.server import life_span, routes, say_that_it_failed

async def answer(request):
    return PlainTextResponse(request.path_params["digest"])

app = st.App(
    Path(__file__).with_name("script.py"), routes=routes({"tensors": [Route("/{digest}", answer)]}),
    lifespan=life_span, on_script_error=say_that_it_failed,
)
"""
FAILING = """
import streamlit as st

@st.fragment
def part():
    raise ValueError("the secret of the part")

st.write("before")
if "part" in st.query_params:
    part()
raise KeyError("the secret of the page")
"""


def get(app: Server, path: str) -> tuple[int, str]:
    """Status and content of one answer."""
    host, _, base = app.url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=30)
    try:
        connection.request("GET", f"/{base}{path}" if base else path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def visit(app: Server, page: str = "", query: str = "") -> list[ForwardMsg]:
    """All that a visitor's first run says."""
    url = app.url.replace("http://", "ws://")
    found = []
    with connect(f"{url}/_stcore/stream", subprotocols=["streamlit"], max_size=None, open_timeout=60) as socket:
        message = BackMsg()
        message.rerun_script.page_name = page
        message.rerun_script.query_string = query
        socket.send(message.SerializeToString())
        while not found or found[-1].WhichOneof("type") != "script_finished":
            found.append(ForwardMsg.FromString(socket.recv(timeout=60)))
    assert found[-1].script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
    return found


def declared(said: Sequence[ForwardMsg]) -> list[str]:
    """The pages in the menu that the visitor is shown."""
    (menu,) = [message.navigation for message in said if message.HasField("navigation")]
    return [page.page_name for page in menu.app_pages]


def markdown(said: Sequence[ForwardMsg]) -> str:
    elements = [message.delta.new_element for message in said if message.HasField("delta")]
    return "\n".join(element.markdown.body for element in elements if element.HasField("markdown"))


def failures(said: Sequence[ForwardMsg]) -> list[str]:
    elements = [message.delta.new_element for message in said if message.HasField("delta")]
    return [element.alert.body for element in elements if element.HasField("alert")] + [
        element.exception.message for element in elements if element.HasField("exception")
    ]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Server]]:
    """Base path -> the small app served below it; started once for the tests of this file."""
    with ExitStack() as running:

        @cache
        def below(base: str) -> Server:
            folder = tmp_path_factory.mktemp("small")
            (folder / "app.py").write_text(SMALL, encoding="utf-8")
            (folder / "script.py").write_text(FAILING, encoding="utf-8")
            return running.enter_context(serve(folder / "app.py", environment={"PYTHONPATH": str(ROOT)}, base=base))

        yield below


def test_app_py_serves_every_page_and_the_very_first_visitor_may_come_by_a_deep_link():
    titles = [chapter.in_menu or chapter.title for chapter in chapters()]
    assert discover_asgi_app(ROOT / "app.py").import_string == "app:app"
    with serve() as app:
        said = visit(app, "reduction")
        assert declared(said) == titles and failures(said) == []
        assert "Reduction" in titles and markdown(said)
        home = visit(app)
        assert declared(home) == titles and failures(home) == [] and "## The path" in markdown(home)
        assert get(app, "/_stcore/health") == (200, "ok")
        assert get(app, "/reduction")[0] == 200


@pytest.mark.parametrize("base", ["", "/vae"])
def test_addresses_of_our_own_answer_and_what_is_unknown_below_them_is_404(small, base):
    app = small(base)
    assert get(app, "/tensors/a1") == (200, "a1")
    for unknown in ("/tensors", "/tensors/a/b"):
        assert get(app, unknown)[0] == 404
    assert get(app, "/_stcore/health") == (200, "ok")


@pytest.mark.parametrize(("query", "secret"), [("", "of the page"), ("part=1", "of the part")])
def test_a_visitor_reads_one_sentence_of_an_error_and_the_log_has_the_trace(small, query, secret):
    app = small("")
    said = visit(app, query=query)
    assert failures(said) == [server.FAILED] and markdown(said) == "before"
    assert f"the secret {secret}" in app.log() and "script.py" in app.log()


def test_a_failure_is_one_sentence():
    def script() -> None:
        from ui.app.server import say_that_it_failed

        assert say_that_it_failed(ValueError("secret")) is True

    at = AppTest.from_function(script).run()
    assert [error.value for error in at.error] == [server.FAILED] and not at.exception


@pytest.mark.parametrize("base", ["", "vae", "/vae/", "a/b"])
def test_routes_are_below_the_base_path(base):
    before = config.get_option("server.baseUrlPath")
    route = Route("/{digest}", lambda request: PlainTextResponse(""))
    try:
        config.set_option("server.baseUrlPath", base)
        mount, bare = server.routes({"tensors": [route]})
    finally:
        config.set_option("server.baseUrlPath", before)
    prefix = f"/{base.strip('/')}" if base else ""
    assert isinstance(mount, Mount) and mount.path == bare.path == f"{prefix}/tensors" and mount.routes == [route]


def test_no_address_of_our_own_hides_a_page_or_streamlits():
    pages = {chapter.slug for chapter in chapters()}
    assert not set(server.ROUTES) & (pages | {"_stcore", "media", "component", "static", ""})


def test_no_module_beside_the_script_is_named_like_one_of_pythons():
    """Streamlit puts the script's folder first where modules are looked for."""
    ours = {path.stem for path in server.MAIN.parent.iterdir()} - {"__init__", "__pycache__"}
    others = set(sys.stdlib_module_names) | set(importlib.metadata.packages_distributions())
    assert not ours & others
