"""What the server process needs before any page.

Two things decide whether a class can use the app at all: Streamlit runs a full garbage collection after every
script run (streamlit #8977), which walks all of torch unless it is frozen out; and its file watcher walks every
loaded module for each new session (off in .streamlit/config.toml).
"""

from __future__ import annotations

import gc
import os
import sys

import vae_core.browser
import vae_core.checkpoints  # noqa: F401  imported here so that no session's first run pays for it

# For torch, wherever a page comes to need it: one thread, because sessions share the cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")


_modules_frozen = 0


def set_up_process() -> None:
    """Move everything imported so far out of the collector's reach; called at the start of every run.

    A run that imported more (plotly, pandas; torch, on a page that computes) is followed by another freeze: what is
    left unfrozen would be walked after each of everybody's runs. Torch is not imported here: pages are drawn from the
    runs' files, which saves two seconds until the first digit.
    """
    global _modules_frozen
    if len(sys.modules) != _modules_frozen:
        gc.collect()
        gc.freeze()
        _modules_frozen = len(sys.modules)
