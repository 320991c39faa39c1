"""deploy.serve is killed: what it started ends, and another start does not take strangers' answers for its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys

import pytest

from deploy.proxy import CannotServe, nginx
from deploy.serve import answers, check_free, free_port

from .helpers import ROOT, wait_until

linux = pytest.mark.skipif(sys.platform != "linux", reason="the death of a parent is told on Linux alone")


def is_free(port: int) -> bool:
    """Whether another start could listen there."""
    try:
        check_free("127.0.0.1", port)
    except CannotServe:
        return False
    return True


def test_a_port_that_is_taken_is_said():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CannotServe, match=f"127.0.0.1:{port} cannot be listened at"):
            check_free("127.0.0.1", port)
    check_free("127.0.0.1", free_port())


@linux
def test_after_sigkill_orphans_serve_on(tmp_path):
    try:
        nginx()
    except CannotServe:
        pytest.skip("no nginx on this machine")
    port = free_port()
    command = [sys.executable, "-m", "deploy.serve", "--replicas", "1", "--port", str(port), "--home", str(tmp_path)]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("STREAMLIT_", "VAE_"))}
    with subprocess.Popen(command, cwd=ROOT, env=inherited, stdout=subprocess.PIPE, text=True) as served:
        assert "1 replicas answer" in served.stdout.readline()
        assert answers(port, "/_stcore/health")
        os.kill(served.pid, signal.SIGKILL)
        wait_until(lambda: not answers(port, "/proxy/health"))
    wait_until(lambda: is_free(port))  # nginx closes its listener a moment after it stops answering
