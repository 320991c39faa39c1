"""Uploads have a total, for a session and for all: what is sent is held in memory until the session ends."""

from __future__ import annotations

import asyncio
import http.client
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec
from websockets.sync.client import connect

import ui.streamlit_private
from benchmarks.serving import serve
from ui.app.held_uploads import UploadLimit
from vae_core.datasets.limits import MOST_HELD_OF_ONE

MB = 1_000_000


@pytest.fixture
def manager(monkeypatch) -> MemoryUploadedFileManager:
    """Streamlit's own, without a server."""
    found = MemoryUploadedFileManager("/_stcore/upload_file")
    monkeypatch.setattr(ui.streamlit_private, "_uploads", lambda: found)
    return found


def limited(manager: MemoryUploadedFileManager, **limits: Any) -> UploadLimit:
    async def take(request: Request) -> Response:
        content = b"".join([chunk async for chunk in request.stream()])
        place = request.path_params
        manager.add_file(place["session"], UploadedFileRec(place["file"], "x", "", content))
        return Response(status_code=204)

    route = Route("/_stcore/upload_file/{session}/{file}", take, methods=["PUT"])
    return UploadLimit(Starlette(routes=[route]), **limits)


def put(app: UploadLimit, session: str, file: str, size: int, address: str = "10.0.0.1", wait: float = 0) -> int:
    """The status that is answered to a file of so many bytes."""
    return asyncio.run(sending(app, session, file, size, address, wait))


async def sending(app: UploadLimit, session: str, file: str, size: int, address: str, wait: float = 0) -> int:
    statuses: list[int] = []
    left = size

    async def receive() -> dict[str, Any]:
        nonlocal left
        await asyncio.sleep(wait)
        part = min(left, 100_000)
        left -= part
        return {"type": "http.request", "body": bytes(part), "more_body": left > 0}

    async def send(message: Any) -> None:
        statuses.extend([message["status"]] if message["type"] == "http.response.start" else [])

    scope = {
        "type": "http", "http_version": "1.1", "method": "PUT", "scheme": "http", "root_path": "", "query_string": b"",
        "path": f"/_stcore/upload_file/{session}/{file}", "headers": [], "client": (address, 1),
    }  # fmt: skip
    await app(scope, receive, send)
    return statuses[0]


def test_one_session_has_a_total(manager):
    app = limited(manager, most_of_one=3 * MB, most=100 * MB)
    assert [put(app, "one", str(number), MB) for number in range(4)] == [204, 204, 413, 413]
    assert put(app, "two", "0", MB) == 204
    manager.remove_session_files("one")
    assert put(app, "one", "9", MB) == 204


def test_of_all_sessions_the_address_with_the_most_gives_way(manager):
    app = limited(manager, most_of_one=4 * MB, most=8 * MB)
    for number in range(5):  # each of them is small
        assert put(app, f"hostile-{number}", "0", MB + 400_000, "6.6.6.6") == 204
    assert put(app, "honest", "0", 3 * MB, "10.0.0.1") == 204
    held = ui.streamlit_private.uploads_held()
    assert held["honest"] > 3 * MB and sum(held.values()) <= 8 * MB
    assert 1 <= sum(name.startswith("hostile") for name in held) < 5
    assert put(app, "hostile-9", "0", 4 * MB - 10_000, "6.6.6.6") in (204, 413)
    assert "honest" in ui.streamlit_private.uploads_held()


def test_who_changes_the_half_of_an_address_that_is_theirs_is_one_address(manager):
    app = limited(manager, most_of_one=4 * MB, most=8 * MB)
    for number in range(5):
        assert put(app, f"hostile-{number}", "0", MB + 400_000, f"2001:db8:0:1::{number}") == 204
    assert put(app, "honest", "0", 3 * MB, "2001:db8:0:2::7") == 204  # more than any one of them
    assert ui.streamlit_private.uploads_held()["honest"] > 3 * MB


def test_files_without_content_count_too(manager):
    app = limited(manager, most_of_one=20_000)
    statuses = [put(app, "one", str(number), 0) for number in range(20)]
    assert statuses[:5] == [204] * 5 and statuses[-5:] == [413] * 5


def test_what_is_still_arriving_counts_and_gives_way(manager):
    app = limited(manager, most_of_one=5 * MB, most=5 * MB)

    async def both() -> list[int]:
        slow = asyncio.create_task(sending(app, "slow", "0", 4 * MB, "6.6.6.6", 0.02))
        while not app._arriving or next(iter(app._arriving)).size < 3 * MB:
            await asyncio.sleep(0.01)
        quick = await sending(app, "quick", "0", 2 * MB + 500_000, "10.0.0.1")
        return [await slow, quick]

    assert asyncio.run(both()) == [413, 204]
    assert not app._arriving


def test_a_file_that_never_ends_is_ended(manager):
    app = limited(manager, longest=0.2)
    assert put(app, "slow", "0", 100 * MB, wait=0.05) == 408
    assert not app._arriving


def test_uploads_have_no_total():
    """Ten files of 59 MiB to a session of Home once were held in memory."""
    with serve() as server:
        host = server.url.removeprefix("http://")
        connection = http.client.HTTPConnection(host, timeout=60)
        connection.request("GET", "/_stcore/health")
        answer = connection.getresponse()
        answer.read()
        cookie = answer.headers["Set-Cookie"].split(";")[0]
        headers = {"Cookie": cookie, "X-Xsrftoken": cookie.partition("=")[2]}
        with connect(f"ws://{host}/_stcore/stream", subprotocols=["streamlit"], max_size=None) as socket:
            message = BackMsg()
            message.rerun_script.query_string = ""
            socket.send(message.SerializeToString())
            session = ForwardMsg.FromString(socket.recv(timeout=60)).new_session.initialize.session_id
            statuses = []
            for number in range(4):
                body = (
                    b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
                    + bytes(50 * MB)
                    + b"\r\n--x--\r\n"
                )
                sent = {**headers, "Content-Type": "multipart/form-data; boundary=x"}
                try:
                    connection.request("PUT", f"/_stcore/upload_file/{session}/{number}", body, sent)
                    answer = connection.getresponse()
                    answer.read()
                    statuses.append(answer.status)
                except (BrokenPipeError, ConnectionResetError):  # refused before all of it was sent
                    statuses.append(413)
                    connection.close()
                    connection = http.client.HTTPConnection(host, timeout=60)
    connection.close()
    assert statuses == [204, 204, 413, 413] and MOST_HELD_OF_ONE < 150 * MB
