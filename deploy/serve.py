"""Serve the app by several processes behind nginx, until stopped::

    python -m deploy.serve --replicas 2 --port 8501

A replica that dies, or does not answer for a while, is restarted; meanwhile another one serves its visitors. All share
one store of runs, one folder of images and one cookie secret. SIGTERM and Ctrl+C stop all processes in order.
"""

from __future__ import annotations

import argparse
import http.client
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from deploy.proxy import (
    ONLY_OURS,
    PROJECT,
    CannotServe,
    configuration,
    framed_elsewhere,
    nginx,
    pack_static,
    write_configuration,
)
from vae_core.storage.manifest import SHIPPED
from vae_core.storage.store import SUFFIX

LOOPBACK = "127.0.0.1"
MOST_REPLICAS = 64
HUGGING_FACE = "https://huggingface.co"  # shows a Space in a frame of its own site
SPACES_PROXIES = "10.0.0.0/8"  # a Space is reached through its host's own network alone
START_LIMIT = 120.0  # seconds until a process must answer
LOOK_EVERY = 0.2  # seconds
ASK_EVERY, ANSWER_LIMIT, MOST_SILENCES = 5.0, 10.0, 3  # health checks: seconds, seconds, in a row
LONG_LIFE, LONGEST_PAUSE = (
    10.0,
    30.0,
)  # seconds: a process that ran that long is restarted at once, others with growing delay
PATIENCE = 10.0  # seconds until a process that does not stop is killed


@dataclass
class Kept:
    """A process that is restarted whenever it ends or stops answering, until `ask_to_stop`.

    Attributes:
        name: for the log.
        command, environment: how to start it.
        port, health: port and path of its health check.
        process: the current one.
    """

    name: str
    command: list[str]
    environment: Mapping[str, str]
    port: int
    health: str = "/_stcore/health"
    process: subprocess.Popen[bytes] | None = None
    _stopping: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Start it and supervise it from now on."""
        self._begin()
        self._thread = threading.Thread(target=self._supervise, name=self.name, daemon=True)
        self._thread.start()

    def _begin(self) -> None:
        # In a process group of its own: Ctrl+C reaches this program alone, which then ends the others in order.
        self.process = subprocess.Popen(
            self.command, cwd=PROJECT, env=dict(self.environment), stdin=subprocess.DEVNULL, start_new_session=True
        )

    def _supervise(self) -> None:
        pause = 0.0
        while not self._stopping.is_set():
            assert self.process is not None
            began = time.monotonic()
            why = self._until_it_ends()
            if self._stopping.is_set():
                return
            pause = 0.0 if time.monotonic() - began >= LONG_LIFE else min(LONGEST_PAUSE, 2 * pause + 1)
            say(f"{self.name} {why}; it is restarted{f' in {pause:.0f} s' if pause else ''}.")
            if self._stopping.wait(pause):
                return
            self._begin()

    def _until_it_ends(self) -> str:
        assert self.process is not None
        answered, silences = False, 0
        asked = time.monotonic()
        limit = asked + START_LIMIT
        while not self._stopping.wait(LOOK_EVERY):
            if (status := self.process.poll()) is not None:
                return f"ended ({_cause(status)})"
            if time.monotonic() - asked < ASK_EVERY:
                continue
            healthy = answers(self.port, self.health)
            asked = time.monotonic()
            answered = answered or healthy
            silences = 0 if healthy else silences + answered
            if silences == MOST_SILENCES or (not answered and asked > limit):
                self.process.kill()
                self.process.wait()
                return "did not answer any more" if answered else f"did not answer within {START_LIMIT:.0f} s"
        return "was stopped"

    def wait_until_healthy(self) -> None:
        """Wait until it answers for the first time.

        Raises:
            CannotServe: it ended, or took too long.
        """
        limit = time.monotonic() + START_LIMIT
        while not answers(self.port, self.health):
            assert self.process is not None
            if self.process.poll() is not None:
                raise CannotServe(f"{self.name} could not be started; its output is above.")
            if time.monotonic() > limit:
                raise CannotServe(f"{self.name} did not answer within {START_LIMIT:.0f} s.")
            time.sleep(0.02)

    def ask_to_stop(self) -> None:
        """Ask it to end; does not wait."""
        self._stopping.set()
        if self._thread:
            self._thread.join()
        if self.process and self.process.poll() is None:
            self.process.terminate()

    def wait(self) -> None:
        """Wait until it has ended; kills it if that takes too long."""
        if self.process is None:
            return
        try:
            self.process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@dataclass(frozen=True)
class Group:
    """The processes that serve the app.

    Attributes:
        url: of the proxy, without a slash at the end.
        replicas: the app's processes.
        proxy: nginx.
    """

    url: str
    replicas: tuple[Kept, ...]
    proxy: Kept


@contextmanager
def serving(
    replicas: int,
    *,
    address: str = LOOPBACK,
    port: int = 0,
    frame_ancestors: str = ONLY_OURS,
    trusted_proxies: str = "",
    environment: Mapping[str, str] | None = None,
    static: Path | None = None,
) -> Iterator[Group]:
    """Run replicas and nginx, all of them answering, until the block ends.

    Args:
        replicas: how many.
        address, port: where nginx listens; 0 is any free port.
        frame_ancestors: see `proxy.content_security_policy`.
        trusted_proxies: see `proxy.trusted`.
        environment: of the replicas; default: this process's.
        static: Streamlit's files as `proxy.pack_static` makes them; default: made here, in a second.

    Raises:
        CannotServe: the message says why.
    """
    program = nginx()
    port = port or free_port()
    given = dict(os.environ if environment is None else environment)
    given.setdefault("STREAMLIT_SERVER_COOKIE_SECRET", secrets.token_hex(32))
    if framed_elsewhere(frame_ancestors):
        given.setdefault("STREAMLIT_SERVER_XSRF_COOKIE_SAME_SITE", "none")
    with tempfile.TemporaryDirectory(prefix="vae-playground-") as name:
        folder = Path(name)
        apps = [_replica(number, free_port(), given) for number in range(1, replicas + 1)]
        text = configuration(
            folder,
            f"{address}:{port}",
            [f"{LOOPBACK}:{app.port}" for app in apps],
            static=pack_static(static or folder),
            frame_ancestors=frame_ancestors,
            trusted_proxies=trusted_proxies,
        )
        command = [program, "-p", str(folder), "-c", str(write_configuration(folder, text)), "-e", "stderr"]
        proxy = Kept("nginx", command, given, port, "/proxy/health")
        try:
            for app in apps:
                app.start()
            for app in apps:
                app.wait_until_healthy()
            proxy.start()
            proxy.wait_until_healthy()
            yield Group(f"http://{LOOPBACK}:{port}", tuple(apps), proxy)
        finally:
            for process in (proxy, *apps):
                process.ask_to_stop()
            for process in (proxy, *apps):
                process.wait()


def _replica(number: int, port: int, environment: Mapping[str, str]) -> Kept:
    command = [
        sys.executable, "-m", "streamlit", "run", "app.py",
        "--server.headless", "true", "--server.address", LOOPBACK, "--server.port", str(port),
        "--logger.hideWelcomeMessage", "true",
    ]  # fmt: skip
    return Kept(f"replica {number}", command, environment, port)


def prepare(home: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Make `home` the one folder that the app writes to.

    Its ``runs/`` is the store, in which the shipped runs appear as links; ``data/`` has images, ``tmp/`` temporaries.

    Returns:
        The environment with these folders. An explicit VAE_STORE or VAE_DATA takes precedence.

    Raises:
        CannotServe: the folder cannot be written to.
    """
    runs, data, temporary = home / "runs", home / "data", home / "tmp"
    try:
        for folder in (runs, data, temporary):
            folder.mkdir(parents=True, exist_ok=True)
        for link in runs.glob(f"*{SUFFIX}"):
            if link.is_symlink() and not link.exists():  # to a run that an earlier version shipped
                link.unlink()
        for shipped in SHIPPED.glob(f"*{SUFFIX}"):
            with suppress(FileExistsError):
                (runs / shipped.name).symlink_to(shipped)
    except OSError as error:
        raise CannotServe(
            f"{home} cannot be written to ({error.strerror or error}); mount a folder there, or name another one "
            "in VAE_HOME."
        ) from error
    own = {"VAE_STORE": str(runs), "VAE_DATA": str(data), "TMPDIR": str(temporary), "HOME": str(home)}
    return {
        **environment,
        **own,
        **{name: environment[name] for name in ("VAE_STORE", "VAE_DATA") if environment.get(name)},
    }


def answers(port: int, path: str) -> bool:
    """Whether the health check at this port and path succeeds."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=ANSWER_LIMIT)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def free_port() -> int:
    """A free port of the loopback."""
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        return int(listener.getsockname()[1])


def say(sentence: str) -> None:
    """Write a line to the log."""
    print(sentence, flush=True)


def _cause(status: int) -> str:
    return f"status {status}" if status >= 0 else signal.Signals(-status).name


def arguments() -> argparse.Namespace:
    """Parse the command line; defaults come from the environment."""
    environment = os.environ
    ancestors = environment.get("VAE_FRAME_ANCESTORS") or (
        f"{ONLY_OURS} {HUGGING_FACE}" if environment.get("SPACE_ID") else ONLY_OURS
    )
    proxies = environment.get("VAE_TRUSTED_PROXIES") or (SPACES_PROXIES if environment.get("SPACE_ID") else "")
    parser = argparse.ArgumentParser(description="The app by several processes behind nginx.")
    parser.add_argument("--replicas", default=environment.get("VAE_REPLICAS") or "2", metavar="N", help="how many (2)")
    parser.add_argument("--address", default=LOOPBACK, help=f"where nginx listens ({LOOPBACK}; 0.0.0.0 is everywhere)")
    parser.add_argument("--port", type=int, default=8501, help="where nginx listens (8501)")
    parser.add_argument("--home", default=environment.get("VAE_HOME"), metavar="FOLDER", help="the one to write to")
    parser.add_argument("--frame-ancestors", default=ancestors, metavar="ORIGINS", help="who may show it in a frame")
    parser.add_argument(
        "--trusted-proxies", default=proxies, metavar="ADDRESSES", help="whose X-Forwarded-For is believed"
    )
    parser.add_argument("--static", type=Path, metavar="FOLDER", help="Streamlit's files, packed before")
    chosen = parser.parse_args()
    if not (chosen.replicas.isascii() and chosen.replicas.isdigit() and 1 <= int(chosen.replicas) <= MOST_REPLICAS):
        parser.error(f"--replicas (or VAE_REPLICAS) must be an integer from 1 to {MOST_REPLICAS}")
    chosen.replicas = int(chosen.replicas)
    return chosen


def main() -> int:
    """Serve until stopped; returns the exit status."""
    chosen = arguments()
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    try:
        environment = dict(os.environ)
        if chosen.home:
            environment = prepare(Path(chosen.home).resolve(), environment)
            tempfile.tempdir = environment["TMPDIR"]
        with serving(
            chosen.replicas,
            address=chosen.address,
            port=chosen.port,
            frame_ancestors=chosen.frame_ancestors,
            trusted_proxies=chosen.trusted_proxies,
            environment=environment,
            static=chosen.static,
        ) as group:
            say(f"{chosen.replicas} replicas answer at {group.url}")
            stopped.wait()
    except CannotServe as error:
        say(f"Error: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
