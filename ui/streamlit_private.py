"""All that the app uses of Streamlit without Streamlit promising it.

Each part was seen on Streamlit `SEEN_ON`. A part that is missing, or takes other arguments, is left out with one
warning in the log; its function says how the app then behaves. `st.App` gives no public way to any of them.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Sequence
from functools import cache, wraps
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

if TYPE_CHECKING:
    # The type of what `st.Page` returns; only type checkers read it.
    from streamlit.navigation.page import StreamlitPage as StreamlitPage

SEEN_ON = "1.67.0"

# The cookie that tells browsers apart: Streamlit's random token against forged requests. Without it, a visitor is
# told apart by session (ui/training/visitor.py).
COOKIE = "_streamlit_xsrf"

# The names (`data-testid`) by which styles and scripts find Streamlit's elements. One that is gone costs its styling,
# or its place in the presentation; the page works on.
TEST_IDS = frozenset(
    [
        "stApp",
        "stButton",
        "stButtonGroup",
        "stCaptionContainer",
        "stDataFrame",
        "stDownloadButton",
        "stElementContainer",
        "stFileUploader",
        "stHeader",
        "stHeaderActionElements",
        "stHeading",
        "stHorizontalBlock",
        "stHtml",
        "stMain",
        "stMainBlockContainer",
        "stMarkdown",
        "stNumberInput",
        "stPageLink",
        "stPlotlyChart",
        "stRadio",
        "stRadioOption",
        "stSelectbox",
        "stSidebar",
        "stSlider",
        "stTextInput",
        "stToolbar",
        "stVerticalBlock",
    ]
)

_log = logging.getLogger(__name__)
_put_in_place: set[Callable[..., Any]] = set()  # what is the app's own among Streamlit's functions


@cache
def _warn(part: str) -> None:
    """Once for each part in a process."""
    _log.warning("Streamlit's %s is not as it was in %s; the app does without it", part, SEEN_ON)


def _takes(function: Callable[..., Any], names: Sequence[str]) -> bool:
    return callable(function) and list(inspect.signature(function).parameters) == list(names)


def remember_theme() -> bool:
    """Let Streamlit read the theme once, and again when its configuration file has been changed.

    Streamlit reads it anew in every run, a sixth of what a run costs; without the part it goes on doing so.

    Returns:
        Whether the theme is remembered; a second call changes nothing.
    """
    try:
        from streamlit import config
        from streamlit.proto.NewSession_pb2 import CustomThemeConfig
        from streamlit.runtime import app_session

        populate = app_session._populate_theme_msg
        on_config_parsed = config.on_config_parsed
    except (ImportError, AttributeError):
        _warn("theme reader")
        return False
    if populate in _put_in_place:
        return True
    if (
        not _takes(populate, ["msg", "section"])
        or "force_connect" not in inspect.signature(on_config_parsed).parameters
    ):
        _warn("theme reader")
        return False
    known: dict[str, CustomThemeConfig] = {}

    @wraps(populate)
    def recall(msg: CustomThemeConfig, section: str = "theme") -> None:
        if section not in known:
            theme = CustomThemeConfig()
            populate(theme, section)
            known[section] = theme
        if known[section].ByteSize():
            msg.MergeFrom(known[section])

    on_config_parsed(known.clear, force_connect=True)
    _put_in_place.add(recall)
    app_session._populate_theme_msg = recall
    return True


def welcome_returning_visitors() -> bool:
    """Run the whole page for visitors who come back to a process that does not know them: theirs has died.

    Streamlit's client keeps the page as it is and waits for what its visitor does. If that concerns a part of the page
    (a fragment), the new session knows no such part and ignores it, and everything after it. Here the whole page runs
    instead, with the state that the client sends along. Without the part, such a visitor has to reload the page.

    Returns:
        Whether they are welcomed; a second call changes nothing.
    """
    try:
        from streamlit.proto.ClientState_pb2 import ClientState
        from streamlit.runtime.app_session import AppSession

        original = AppSession.request_rerun
    except (ImportError, AttributeError):
        _warn("request for a rerun")
        return False
    if original in _put_in_place:
        return True
    fields = ClientState.DESCRIPTOR.fields_by_name
    if not _takes(original, ["self", "client_state"]) or not {"fragment_id", "is_auto_rerun"} <= set(fields):
        _warn("request for a rerun")
        return False
    have_run: WeakSet[AppSession] = WeakSet()

    @wraps(original)
    def request_rerun(session: AppSession, client_state: ClientState | None) -> None:
        if client_state and client_state.fragment_id and session not in have_run:
            whole = ClientState()
            whole.CopyFrom(client_state)
            whole.fragment_id, whole.is_auto_rerun = "", False
            client_state = whole
        have_run.add(session)
        original(session, client_state)

    _put_in_place.add(request_rerun)
    AppSession.request_rerun = request_rerun  # type: ignore[method-assign, assignment]
    return True
