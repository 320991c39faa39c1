"""A process of its own for what others have sent: the lowest priority, limits, and a sentence where it cannot be used.

Whatever a file contains, the process that reads it may end; the one that asked, and all whom it serves, go on. Its exit
status 0 means success; `USER_ERROR`, that the last line of standard error, which begins with "Error: ", is a message
for the user.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

USER_ERROR = 3


def confine(memory: int, seconds: int) -> None:
    """Give this process the lowest priority, and limit it, where the system can.

    Args:
        memory: bytes of address space.
        seconds: of the processor.
    """
    with suppress(OSError, AttributeError):  # not every system has priorities
        os.nice(19)
    try:
        import resource
    except ImportError:  # not every system has limits
        return
    for kind, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, seconds)):
        with suppress(OSError, ValueError):  # not offered, or a lower limit is set already
            resource.setrlimit(kind, (most, resource.getrlimit(kind)[1]))


def failed(sentence: str) -> int:
    """Say why; returns the exit status."""
    print(f"Error: {sentence}", file=sys.stderr, flush=True)
    return USER_ERROR
