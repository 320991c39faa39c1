"""Have what a visitor sent read by a process of its own, see `vae_core.child`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from ui.training.turns import Busy
from vae_core.child import USER_ERROR
from vae_core.clone import PROJECT


class Refused(Exception):
    """What was sent cannot be used; the message is for the visitor."""


class TookTooMuch(Exception):
    """It was stopped: the message says what it took too much of."""


class TookTooLong(TookTooMuch):
    """By the clock, which on a busy machine is not the file's fault."""


def read_in_child(module: str, arguments: Sequence[str], files: Sequence[tuple[str, bytes]], *, limit: float) -> bytes:
    """Run ``python -m module`` on files; returns its standard output.

    Args:
        module: reads, from standard input, a line of JSON, ``[[name, bytes], …]``, and the files' contents.
        arguments: for its command line.
        files: name and content of each.
        limit: seconds.

    Raises:
        Refused: with the module's message.
        TookTooMuch: time of the processor, or memory.
        TookTooLong: time by the clock.
        Busy: it could not be started.
    """
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    try:
        # A file, not a pipe: a pipe is filled in small pieces, each under the interpreter lock that all pages need.
        with tempfile.TemporaryFile() as sent:
            sent.write(json.dumps([[name, len(content)] for name, content in files]).encode() + b"\n")
            for _, content in files:
                sent.write(content)
            sent.seek(0)
            done = subprocess.run(
                [sys.executable, "-m", module, *arguments], cwd=PROJECT, env=environment, stdin=sent,
                capture_output=True, timeout=limit, check=False,
            )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise TookTooLong(f"more than {limit:.0f} s") from error
    except OSError as error:  # no process can be started, or the folder for temporary files is full
        raise Busy(f"Reading could not be started ({error.strerror or error}). Try again later.") from error
    if done.returncode == 0:
        return done.stdout
    lines = done.stderr.decode("utf-8", "replace").splitlines()
    messages = [line for line in lines if line.startswith("Error: ")]
    if done.returncode == USER_ERROR and messages:
        raise Refused(messages[-1].removeprefix("Error: "))
    if done.returncode < 0:
        raise TookTooMuch("too much time or memory")
    raise RuntimeError(f"the reader ended with status {done.returncode}: {' '.join(lines[-1:])[:500]}")
