"""Descriptors run out: the limit is raised, the last ones are kept, and the health check tells the truth."""

from __future__ import annotations

import asyncio
import http.client
import subprocess
import sys
from contextlib import ExitStack

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

import ui.app.descriptors
from benchmarks.serving import serve

from .helpers import ROOT

RAISED = """
import resource
from ui.app.process import set_up_process
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 1000))
set_up_process()
assert resource.getrlimit(resource.RLIMIT_NOFILE) == (1000, 1000)
"""
RUNNING_OUT = """
import os, resource
from ui.app.descriptors import are_free
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
assert are_free(50) and not are_free(200)
held = []
while are_free(10):
    held.append(os.dup(0))
before = len(os.listdir("/proc/self/fd"))
assert not are_free(10) and are_free(3)
assert len(os.listdir("/proc/self/fd")) == before
"""


@pytest.mark.parametrize("script", [RAISED, RUNNING_OUT])
def test_in_a_process_of_its_own(script):
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def health(url: str) -> int:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)
    try:
        connection.request("GET", "/_stcore/health")
        return connection.getresponse().status
    finally:
        connection.close()


def enter(url: str, visitors: ExitStack) -> ClientConnection | None:
    """A visitor's WebSocket once their page has run; None if the visitor was sent away."""
    try:
        socket = visitors.enter_context(
            connect(f"{url.replace('http', 'ws')}/_stcore/stream", subprotocols=["streamlit"])
        )
        run(socket)
    except (WebSocketException, OSError):
        return None
    return socket


def run(socket: ClientConnection) -> None:
    """The page, to its end."""
    message = BackMsg()
    message.rerun_script.query_string = ""
    socket.send(message.SerializeToString())
    while ForwardMsg.FromString(socket.recv(timeout=60)).WhichOneof("type") != "script_finished":
        pass


def test_descriptors_run_out_while_health_says_200(tmp_path, monkeypatch):
    """With 256 of them, the 61st visitor once ended the page for all, and the health check said that all was well."""
    launcher = tmp_path / "python"
    launcher.write_text(f'#!/bin/sh\nulimit -n 256\nexec {sys.executable} "$@"\n')
    launcher.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(launcher))
    with serve() as running, ExitStack() as visitors:
        let_in = []
        while socket := enter(running.url, visitors):
            let_in.append(socket)
            assert len(let_in) < 120
        assert len(let_in) > 10
        assert health(running.url) == 200  # who is in has what they need; others are sent away
        run(let_in[0])


def test_the_health_check_fails_where_descriptors_have_run_out(monkeypatch):
    monkeypatch.setattr(ui.app.descriptors, "are_free", lambda count: count <= 3)
    said = []

    async def app(scope, receive, send):
        said.append("passed")

    async def send(message):
        said.append(message.get("status", message.get("code")))

    async def receive():
        return {"type": "websocket.connect"}

    guard = ui.app.descriptors.DescriptorGuard(app)
    for kind, path in (("http", "/x/_stcore/health"), ("websocket", "/_stcore/stream"), ("http", "/explorer")):
        asyncio.run(guard({"type": kind, "path": path}, receive, send))
    assert [one for one in said if one] == [503, 1013, "passed"]
