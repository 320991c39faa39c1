"""The queue's worker: `vae_core.training.worker` as a child process that ends with its parent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

from ui.training.queue import Ended
from vae_core.clone import PROJECT
from vae_core.spec import RunSpec
from vae_core.training.worker import USER_ERROR

SHOWN_OF_LOG = 4_000  # bytes
PATIENCE = 10.0  # seconds until a process that does not stop is killed


class TrainingProcess:
    """A process that imports what training needs and waits for one run to train.

    It reads from a pipe: it ends when the pipe is closed, because nobody needs it or because this program has died.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(self) -> None:
        self.log = tempfile.TemporaryFile()  # noqa: SIM115  closed by `ProcessWorker.wait` or `close`
        # One thread: the visitors' pages share the cores.
        environment = {**os.environ, "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "vae_core.training.worker"],
                cwd=PROJECT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self.log,
            )  # fmt: skip
        except OSError:
            self.log.close()
            raise

    def alive(self) -> bool:
        """Whether it still waits."""
        return self.process.poll() is None

    def close(self) -> None:
        """End a process that was never used: there is nothing that it could leave half done."""
        assert self.process.stdin is not None  # it is a pipe
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.log.close()


class ProcessWorker:
    """Trains one spec into a store, in a process that ends when its pipe is closed, by `stop` or with this program.

    Args:
        spec: what to train.
        store: the folder of runs.
        waiting: a process that was started before; left out, one is started now.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(self, spec: RunSpec, store: Path, waiting: TrainingProcess | None = None) -> None:
        started = waiting or TrainingProcess()
        self.log, self.process = started.log, started.process
        asked = json.dumps({"store": str(store.resolve()), "spec": spec.to_dict()})
        assert self.process.stdin is not None  # it is a pipe
        with suppress(BrokenPipeError):  # it has ended already: `wait` says how
            self.process.stdin.write(f"{asked}\n".encode())
            self.process.stdin.flush()

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self.process.pid

    def wait(self) -> Ended:
        """See `ui.training.queue.Worker`."""
        status = self.process.wait()
        assert self.process.stdin is not None  # it is a pipe
        with suppress(BrokenPipeError):
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
