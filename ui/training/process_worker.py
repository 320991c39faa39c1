"""The queue's worker: `vae_core.training.worker` as a child process that ends with its parent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from ui.training.queue import Ended
from vae_core.spec import RunSpec
from vae_core.storage.manifest import PROJECT
from vae_core.training.worker import USER_ERROR

SHOWN_OF_LOG = 4_000  # bytes
PATIENCE = 10.0  # seconds until a process that does not stop is killed


class ProcessWorker:
    """Trains one spec into a store.

    The process reads from a pipe to which nothing is written: it ends when the pipe is closed, by `stop` or because
    this program has died.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(self, spec: RunSpec, store: Path) -> None:
        self.log = tempfile.TemporaryFile()  # noqa: SIM115  closed by `wait`
        command = [sys.executable, "-m", "vae_core.training.worker", str(store.resolve()), json.dumps(spec.to_dict())]
        # One thread: the visitors' pages share the cores.
        environment = {**os.environ, "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
        try:
            self.process = subprocess.Popen(
                command, cwd=PROJECT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self.log
            )
        except OSError:
            self.log.close()
            raise

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self.process.pid

    def wait(self) -> Ended:
        """See `ui.training.queue.Worker`."""
        status = self.process.wait()
        assert self.process.stdin is not None  # it is a pipe
        self.process.stdin.close()
        with self.log:
            size = self.log.seek(0, os.SEEK_END)
            self.log.seek(max(0, size - SHOWN_OF_LOG))
            lines = self.log.read().decode("utf-8", "replace").splitlines()
        if status == 0:
            return Ended()
        messages = [line for line in lines if line.startswith("Error: ")]
        if status == USER_ERROR and messages:
            return Ended(messages[-1].removeprefix("Error: "))
        if status < 0:
            return Ended(f"The training process was ended from outside ({_signal_name(-status)}).", killed=True)
        last = lines[-1][:200] if lines else "without a message"
        return Ended(f"The training process ended with status {status} ({last}).")

    def stop(self) -> None:
        """See `ui.training.queue.Worker`."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        impatient = threading.Timer(PATIENCE, self._kill)
        impatient.daemon = True
        impatient.start()

    def _kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
