"""What a server prepares while the first browser still loads Streamlit's scripts: all that Home needs.

The browser takes a second for them, in which the server had nothing to do. A visitor who comes earlier, or to another
page, waits for nothing but what their own page needs: imports and cached functions that are under way are shared.
"""

from __future__ import annotations

import threading
from contextlib import suppress

from ui.components.tensors import offer_packed
from vae_core.errors import VaeCoreError


def warm_up() -> None:
    """Import what Home imports; compute, offer and pack what its planes show."""
    # Every plane asks scipy for its nearest points. Here, because these take longer to import than all of the server.
    import scipy.spatial  # noqa: F401

    import ui.chapters.home.path
    import ui.components.canvas
    import ui.components.lesson
    import ui.stage.steps  # noqa: F401
    from ui.chapters.home.planes import PLANES, plane_of
    from ui.runs.resources import thumbnail_sheet

    # A run or images that are missing: the page says so in their place.
    for model, title in PLANES:
        with suppress(VaeCoreError):
            offer_packed(plane_of(model, title))
    with suppress(VaeCoreError):
        offer_packed(thumbnail_sheet("mnist"))


def begin_to_warm_up() -> None:
    """Do it beside the server, which answers meanwhile."""
    threading.Thread(target=warm_up, name="warm-up", daemon=True).start()
