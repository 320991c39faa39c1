"""The app's server in a child process, and a headless Chromium to open it: for benchmarks and browser tests.

Both use 127.0.0.1 only::

    with serve() as server, chromium() as browser:
        page = browser.new_page()
        page.goto(server.url)
"""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parents[1]
HOST = "127.0.0.1"
POLL_SECONDS = 0.01
LOG_SHOWN = 4000  # characters
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class ServerFailed(RuntimeError):
    """The server ended or did not answer in time; the message contains its log."""


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        url: without a slash at the end.
        process: of `streamlit run`.
        log_file: its standard output and error.
        started: wall clock (`time.time`) just before the process began.
        healthy: wall clock when its health check first answered.
    """

    url: str
    process: subprocess.Popen[bytes]
    log_file: Path
    started: float
    healthy: float

    def log(self) -> str:
        """The end of what the server has printed."""
        return _log(self.log_file)

    def cpu_seconds(self) -> float | None:
        """User and system time of the process so far; None if there is no /proc."""
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_megabytes(self) -> float | None:
        """Memory of the process now; None if there is no /proc."""
        try:
            pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        except OSError:
            return None
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextmanager
def serve(
    app: Path = ROOT / "app.py",
    *,
    environment: Mapping[str, str] | None = None,
    options: Sequence[str] = (),
    base: str = "",
    timeout: float = 60.0,
) -> Iterator[Server]:
    """Run the app on a free port until the block ends. An error in the block gets the server's log as a note.

    Args:
        app: the script; its folder becomes the working directory, so that its `.streamlit/config.toml` is used.
        environment: additional variables; of the present ones, Streamlit's and the app's are removed.
        options: further options of `streamlit run`.
        base: the path below which everything is served, such as ``/vae``; part of the server's `url`.
        timeout: seconds until the server must be healthy.

    Raises:
        ServerFailed: it did not start.
    """
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", app.name, "--server.headless", "true"]
    command += ["--server.port", str(port), "--server.address", HOST, "--server.baseUrlPath", base, *options]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("STREAMLIT_", "VAE_"))}
    with tempfile.TemporaryDirectory(prefix="vae-playground-") as folder:
        log_file = Path(folder) / "server.log"
        with log_file.open("wb") as output:
            started = time.time()
            process = subprocess.Popen(
                command, cwd=app.parent, env={**inherited, **(environment or {})}, stdin=subprocess.DEVNULL,
                stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
        try:
            _wait_until_healthy(process, port, f"{base}/_stcore/health", log_file, timeout)
            yield Server(f"http://{HOST}:{port}{base}", process, log_file, started, time.time())
        except ServerFailed:
            raise
        except Exception as error:
            error.add_note(f"The server's log ends:\n{_log(log_file)}")
            raise
        finally:
            _end(process)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium: the system's, or the one that Playwright has installed."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed_chromium(), args=list(CHROMIUM_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def installed_chromium() -> str | None:
    """The system's Chromium or Chrome; None leaves the choice to Playwright."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def free_port() -> int:
    """A free port."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])


def _wait_until_healthy(
    process: subprocess.Popen[bytes], port: int, health: str, log_file: Path, timeout: float
) -> None:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ServerFailed(f"The server ended with status {process.returncode}. Its log:\n{_log(log_file)}")
        if _healthy(port, health):
            return
        time.sleep(POLL_SECONDS)
    raise ServerFailed(f"The server was not healthy after {timeout:g} s. Its log:\n{_log(log_file)}")


def _healthy(port: int, health: str) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", health)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _log(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")[-LOG_SHOWN:].strip() or "(empty)"


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
