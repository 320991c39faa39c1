"""What the server process needs before any page.

Three things decide how large a class can use the app: garbage collections, which walk all of torch unless it is frozen
out (Streamlit's own after every script run, #8977, is off in .streamlit/config.toml; Python's are left); Streamlit's
file watcher, which walks every loaded module for each new session (off there too); and in every run it reads the theme
anew, going six times through all of its options, a sixth of what a run costs.
"""

from __future__ import annotations

import gc
import os
import sys

# Imported here so that no session's first run pays for them; every plane asks scipy for its nearest points.
import scipy.spatial  # noqa: F401

import vae_core.payloads.plane
import vae_core.storage.store  # noqa: F401
from ui.streamlit_private import remember_theme, welcome_returning_visitors

# For torch, wherever a page comes to need it: one thread, because sessions share the cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")


_modules_frozen = 0


def set_up_process() -> None:
    """Remember the theme, and move all that was imported so far out of the collector's reach.

    Called as the server starts, and in every run.

    A run that imported more (plotly, pandas; torch, on a page that computes) is followed by another freeze: what is
    left unfrozen would be walked in every collection, while everybody waits. Torch is not imported here: pages are
    drawn from the runs' files, which saves two seconds until the first digit.
    """
    global _modules_frozen
    if not _modules_frozen:
        remember_theme()
        welcome_returning_visitors()
    if len(sys.modules) != _modules_frozen:
        gc.collect()
        gc.freeze()
        _modules_frozen = len(sys.modules)
