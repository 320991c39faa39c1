"""Train one run in a child process: ``python -m vae_core.training.worker``.

What to train is one line of JSON on standard input, ``{"store": folder, "spec": specification}``. Until it comes, the
process prepares what training needs: one that was started early begins at once. The process runs as long as its
standard input is open: when its parent closes it or dies, the process stops and its finished epochs are kept. Its
niceness is 19, or ``VAE_NICE`` (0 to 19). Exit status 0 means that the run is in the store; `USER_ERROR`, that the last
line of standard error, which begins with "Error: ", is a message for the user.
"""

from __future__ import annotations

import _thread
import json
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

USER_ERROR = 3
STOPPED = 130
GRACE = 5.0  # seconds for an orderly exit
NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")


def main() -> int:
    """Train the run that standard input specifies; returns the exit status."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # some shells start children that ignore it
    niceness = os.environ.get("VAE_NICE") or "19"
    if not niceness.isascii() or not niceness.isdigit():
        return _failed(f"VAE_NICE must be an integer from 0 to 19, not {niceness[:40]!r}.")
    with suppress(OSError, AttributeError):  # not every system has priorities
        os.nice(int(niceness))
    from vae_core.errors import VaeCoreError
    from vae_core.spec import RunSpec
    from vae_core.storage.store import Store
    from vae_core.training.jobs import get_or_train

    _prepare()
    line = _first_line()
    if not line:
        return 0  # the parent has no use for this process
    threading.Thread(target=_stop_with_the_parent, daemon=True).start()
    try:
        asked = json.loads(line)
        get_or_train(Store(Path(asked["store"])), RunSpec.from_dict(asked["spec"]), film=True, download=False)
    except VaeCoreError as error:
        return _failed(str(error))
    except KeyboardInterrupt:
        return STOPPED
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, MemoryError) or any(words in str(error).lower() for words in NO_MEMORY):
            return _failed(
                "this machine does not have enough memory for it; choose narrower layers or smaller batches."
            )
        raise
    return 0


def _prepare() -> None:
    """What every run needs once in a process and can be done before anybody asks for one."""
    import torch

    from vae_core.training.device import choose_device, choose_precision

    torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))])  # the first one makes torch import its compiler, a second
    choose_precision("auto", choose_device())  # measured once


def _first_line() -> bytes:
    """What was sent up to the first line's end; empty if the parent closed the pipe before. See `_stop_with_the_parent`
    for why this is not ``sys.stdin.readline``."""
    line = bytearray()
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            return b""
        line += byte
    return bytes(line)


def _failed(sentence: str) -> int:
    print(f"Error: {sentence}", file=sys.stderr, flush=True)
    return USER_ERROR


def _stop_with_the_parent() -> None:
    # Not sys.stdin: its lock, held by a thread that waits, would keep the interpreter from ending.
    while os.read(0, 1):
        pass
    _thread.interrupt_main()  # so that an unfinished file is removed
    time.sleep(GRACE)
    os._exit(STOPPED)


if __name__ == "__main__":
    sys.exit(main())
