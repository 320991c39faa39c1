"""Train one run for another program, as its child: ``python -m vae_core.training.worker STORE SPEC``.

SPEC is the specification as JSON. The child lives as long as its standard input is open: when the program that
started it closes it, or dies in whatever way, the child stops, and what was trained is kept. It gives way to all else:
its niceness is 19, or what ``VAE_NICE`` says, from 0. Exit status 0 says that the run is in the store, `SAID` that the
last line of standard error, which begins with "Error: ", tells people why not.
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

SAID = 3
STOPPED = 130
GRACE = 5.0  # seconds to leave in good order
NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")


def main() -> int:
    """Train what the arguments say; the exit status."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # some shells start children that ignore it
    threading.Thread(target=_stop_with_the_parent, daemon=True).start()
    niceness = os.environ.get("VAE_NICE") or "19"
    if not niceness.isascii() or not niceness.isdigit():
        return _said(f"VAE_NICE must be a whole number from 0 to 19, not {niceness[:40]!r}.")
    with suppress(OSError, AttributeError):  # a system without priorities
        os.nice(int(niceness))
    from vae_core.errors import VaeCoreError
    from vae_core.spec import RunSpec
    from vae_core.storage.store import Store
    from vae_core.training.jobs import get_or_train

    try:
        spec = RunSpec.from_dict(json.loads(sys.argv[2]))
        get_or_train(Store(Path(sys.argv[1])), spec, film=True)
    except VaeCoreError as error:
        return _said(str(error))
    except KeyboardInterrupt:
        return STOPPED
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, MemoryError) or any(words in str(error).lower() for words in NO_MEMORY):
            return _said("this machine has not enough memory for it; choose narrower layers or smaller batches.")
        raise
    return 0


def _said(sentence: str) -> int:
    print(f"Error: {sentence}", file=sys.stderr, flush=True)
    return SAID


def _stop_with_the_parent() -> None:
    # Not sys.stdin: its lock, held by a thread that waits, would keep the interpreter from ending.
    while os.read(0, 1):
        pass
    _thread.interrupt_main()  # so that a file in the making is removed
    time.sleep(GRACE)
    os._exit(STOPPED)


if __name__ == "__main__":
    sys.exit(main())
