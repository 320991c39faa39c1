"""What is done once per server process, before the first page.

Two things decide whether a class can use the app at all: Streamlit runs a full garbage collection after every
script run (streamlit #8977), which walks all of torch unless it is frozen out; and its file watcher walks every
loaded module for each new session (off in .streamlit/config.toml).
"""

from __future__ import annotations

import gc
import os
from functools import cache

import vae_core.browser
import vae_core.checkpoints  # noqa: F401  imported here so that no session's first run pays for it

# For torch, wherever a page comes to need it: one thread, because sessions share the cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@cache
def set_up_process() -> None:
    """Move everything imported so far out of the collector's reach.

    Torch is not among it: pages are drawn from the runs' files, which saves two seconds at the start. A page that
    comes to need torch imports it and calls `gc.freeze` again.
    """
    gc.collect()
    gc.freeze()
