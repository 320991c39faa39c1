"""What is done once per server process, before the first page.

Two things decide whether a class can use the app at all: Streamlit runs a full garbage collection after every
script run (streamlit #8977), which walks all of torch unless it is frozen out; and its file watcher walks every
loaded module for each new session (off in .streamlit/config.toml).
"""

from __future__ import annotations

import gc
from functools import cache

import torch

import vae_core.browser
import vae_core.checkpoints  # noqa: F401  imported here so that no session's first run pays for it


@cache
def set_up_process() -> None:
    """Give torch one thread (sessions share the cores) and move everything imported out of the collector's reach."""
    torch.set_num_threads(1)
    gc.collect()
    gc.freeze()
