"""Read a checkpoint that somebody sent in a child process: ``python -m vae_core.storage.sent_reader SECONDS``.

A file of a few kilobytes may name layers that compute for hours. Here they have SECONDS of the processor; the process
that shows the file reads it again without running its programs. Standard input is a line of JSON, ``[[name, bytes]]``,
and the file's content; nothing is printed. Its exit status is as `vae_core.child` says.
"""

from __future__ import annotations

import json
import sys

from vae_core.child import confine, failed

MOST_MEMORY = 2_000_000_000  # bytes of address space


def main() -> int:
    """Read the checkpoint of standard input; returns the exit status."""
    confine(MOST_MEMORY, int(sys.argv[1]))
    from vae_core.errors import VaeCoreError
    from vae_core.storage.received import parse_sent

    ((name, length),) = json.loads(sys.stdin.buffer.readline())
    try:
        parse_sent(name, sys.stdin.buffer.read(length))
    except VaeCoreError as error:
        return failed(str(error))
    except MemoryError:
        return failed(f"{name} needs more memory to be read than a checkpoint may.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
