"""The app as a server: its own routes, its set-up before the first visitor, and its message after an error.

All of it is passed to `st.App`, which `streamlit run app.py` finds.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import streamlit as st
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Mount, Route

from ui.app.late import late_route
from ui.app.live_class import CLASS, keep_tidy, live_route
from ui.app.process import set_up_process
from ui.app.warm_up import begin_to_warm_up
from ui.chapters.pictures import PICTURES, pictures_route
from ui.components.modules import MODULES, modules_route
from ui.components.tensors import TENSORS, tensors_route
from ui.lessons.worksheet import WORKSHEET, worksheet_route
from ui.streamlit_private import early_files

# Absolute: a relative path would be resolved against app.py or the working directory, depending on the server.
MAIN = Path(__file__).resolve().with_name("main.py")

FAILED = (
    "A mistake in the app stopped this part of the page; the server's log says which. Reload the page, or go on with "
    "another one."
)

# The first part of an address -> what is answered below it: {"tensors": [Route("/{digest}", …)]} answers
# /tensors/<digest>, and 404 for all else below /tensors, which Streamlit would answer with its page.
ROUTES: Mapping[str, Sequence[BaseRoute]] = {
    CLASS: [live_route()],
    MODULES: [late_route(), modules_route()],
    PICTURES: [pictures_route()],
    TENSORS: [tensors_route()],
    WORKSHEET: [worksheet_route()],
}

NOTHING_HERE = PlainTextResponse("Not Found", 404)


def routes(below: Mapping[str, Sequence[BaseRoute]] = ROUTES) -> list[BaseRoute]:
    """The routes for `st.App`, below ``server.baseUrlPath`` like the pages.

    Args:
        below: see `ROUTES`.
    """
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    found: list[BaseRoute] = []
    for first, answered in below.items():
        path = f"/{base}/{first}" if base else f"/{first}"
        found += [Mount(path, routes=list(answered)), Route(path, NOTHING_HERE)]
    return found


@asynccontextmanager
async def life_span(_app: st.App) -> AsyncIterator[None]:
    """Set up the process before the first visitor, and begin with what they will see."""
    set_up_process()
    early_files()  # takes ten times as long beside the warm-up, when a visitor waits for the document
    begin_to_warm_up()
    tidying = asyncio.create_task(keep_tidy())
    yield
    tidying.cancel()
    with suppress(asyncio.CancelledError):
        await tidying


def say_that_it_failed(_error: Exception) -> bool:
    """Show one sentence in place of the part that failed; Streamlit has logged the traceback.

    Returns:
        True, which suppresses Streamlit's own message.
    """
    st.error(FAILED, icon=":material/error:")
    return True
