"""The set-up of the server process before any page runs.

Three costs decide how large a class the app can serve. Garbage collections traverse all of torch unless it is frozen
(Streamlit's own collection after every script run, #8977, is off in .streamlit/config.toml; Python's remain).
Streamlit's file watcher traverses every loaded module for each new session (off there, too). And Streamlit reads the
theme again in every rerun, in six passes over all of its options, which takes a sixth of a rerun.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
import time

# Imported here so that no session's first run pays for them.
import vae_core.payloads.plane
import vae_core.storage.store  # noqa: F401
from ui.app.descriptors import raise_limit
from ui.streamlit_private import keep_unsent_messages, remember_theme, welcome_returning_visitors

# For torch, if a page imports it: one thread, because sessions share the cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")


THAWED_EVERY = 600.0  # seconds: what visitors left behind in frozen state is freed by then

_modules_frozen = 0
_thawed = 0.0  # when all was last collected
_freezing = threading.Lock()


def set_up_process() -> None:
    """Raise the limit on descriptors, cache the theme, and exclude all that was imported so far from collection.

    Called when the server starts, and in every rerun.

    After a rerun that imported more (plotly, pandas; torch, on a page that computes) it freezes again: unfrozen objects
    would be traversed in every collection, while all visitors wait. That freezes the state of whoever is there, too;
    so now and then everything is thawed and collected before. Torch is not imported here: pages need the runs' files
    alone, which saves two seconds until the first digit.
    """
    global _modules_frozen, _thawed
    now = time.monotonic()
    if len(sys.modules) == _modules_frozen and now - _thawed < THAWED_EVERY:
        return
    if not _freezing.acquire(blocking=False):
        return  # another visitor's rerun does it
    try:
        if not _modules_frozen:
            raise_limit()
            remember_theme()
            welcome_returning_visitors()
            keep_unsent_messages()
        if now - _thawed >= THAWED_EVERY:
            gc.unfreeze()
            _thawed = now
        gc.collect()
        gc.freeze()
        _modules_frozen = len(sys.modules)
    finally:
        _freezing.release()
