"""All uses of Streamlit's undocumented parts.

Each part was checked with Streamlit `SEEN_ON`. If a part is missing or takes other arguments, the app does without it
and logs one warning; the part's function says how the app then behaves. `st.App` offers no public way to any of them.
"""

from __future__ import annotations

import inspect
import logging
import re
from collections.abc import Callable, Sequence
from functools import cache, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

if TYPE_CHECKING:
    # The type of what `st.Page` returns; only type checkers read it.
    from streamlit.navigation.page import StreamlitPage as StreamlitPage
    from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

SEEN_ON = "1.67.0"

UPLOAD_OVERHEAD = 2_000  # bytes that an uploaded file takes beside its content: its name, its record, its entries

# The names (`data-testid`) by which styles and scripts find Streamlit's elements. If one is missing, its styling
# or its part of the presentation mode is lost; the page still works.
TEST_IDS = frozenset(
    [
        "stApp",
        "stAppSkeleton",
        "stButton",
        "stButtonGroup",
        "stCaptionContainer",
        "stDataFrame",
        "stDownloadButton",
        "stElementContainer",
        "stExpandSidebarButton",
        "stFileUploader",
        "stHeader",
        "stHeaderActionElements",
        "stHeading",
        "stHorizontalBlock",
        "stHtml",
        "stIconMaterial",
        "stLayoutWrapper",
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
        "stSkeleton",
        "stSlider",
        "stTextInput",
        "stToolbar",
        "stTopNavLink",
    ]
)

# What draws elements of nearly every page, and the fonts of formulas; the front end asks for each of them only when the
# first such element is there. They are files of its folder, whose names go on with a digest. Those that are missing
# are left out; pages then move while they open.
EARLY_MODULES = ("BidiComponent", "rehype-raw", "rehype-katex", "Html", "Radio", "ButtonGroup", "Button", "PageLink")
EARLY_FONTS = ("KaTeX_Main-Regular", "KaTeX_Math-Italic")
# What takes the browser long to begin with comes after the opening of the page (ui/app/late.js). If it is missing, it
# comes as it does without us, and pages open later.
LATE_MODULE = "PlotlyChart"
_IMPORTED = re.compile(r"""(?:from|import)\s*["'`]\./([\w.-]+\.js)["'`]""")

_log = logging.getLogger(__name__)
_put_in_place: set[Callable[..., Any]] = set()  # the app's replacements of Streamlit's functions


@cache
def _warn(part: str) -> None:
    """Warn once per part and process."""
    _log.warning("Streamlit's %s is not as it was in %s; the app does without it", part, SEEN_ON)


def _takes(function: Callable[..., Any], names: Sequence[str]) -> bool:
    return callable(function) and list(inspect.signature(function).parameters) == list(names)


def remember_theme() -> bool:
    """Let Streamlit read the theme once, and again only when its configuration file has changed.

    Streamlit reads it in every rerun, which takes a sixth of a rerun; without the part it continues to do so.

    Returns:
        Whether the theme is cached; a second call changes nothing.
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
    """Run the whole page for visitors whose process has died and who reconnect to another.

    Streamlit's client keeps the page and waits for the visitor's next action. If that concerns a part of the page (a
    fragment), the new session does not know the fragment and ignores this action and all later ones. Here the whole
    page runs instead, with the state that the client sends. Without the part, such a visitor has to reload the page.

    Returns:
        Whether this is in effect; a second call changes nothing.
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
            whole_page = ClientState()
            whole_page.CopyFrom(client_state)
            whole_page.fragment_id, whole_page.is_auto_rerun = "", False
            client_state = whole_page
        have_run.add(session)
        original(session, client_state)

    _put_in_place.add(request_rerun)
    AppSession.request_rerun = request_rerun  # type: ignore[method-assign, assignment]
    return True


def keep_unsent_messages() -> bool:
    """Send all of a run's messages, even if a part of the page (a fragment) runs again before they have left.

    When a fragment starts, Streamlit drops its messages of earlier runs that still wait to be sent, but sends the
    earlier run's end all the same. On a busy server the browser then takes the fragment for gone: its controls lose
    what was chosen, and what stands below moves into its place and is overwritten. Without the part, this can happen
    to visitors who change two settings in quick succession.

    Returns:
        Whether this is in effect; a second call changes nothing.
    """
    try:
        from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

        original = ForwardMsgQueue.clear
    except (ImportError, AttributeError):
        _warn("queue of messages")
        return False
    if original in _put_in_place:
        return True
    if not _takes(original, ["self", "retain_lifecycle_msgs", "fragment_ids_this_run"]):
        _warn("queue of messages")
        return False

    @wraps(original)
    def clear(
        queue: ForwardMsgQueue, retain_lifecycle_msgs: bool = False, fragment_ids_this_run: list[str] | None = None
    ) -> None:
        # No message belongs to none of the fragments, so none is dropped, and none is merged with those that follow.
        original(queue, retain_lifecycle_msgs, None if fragment_ids_this_run is None else [])

    _put_in_place.add(clear)
    ForwardMsgQueue.clear = clear  # type: ignore[method-assign, assignment]
    return True


@cache
def early_files() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The modules of `EARLY_MODULES` with all that they import, and `EARLY_FONTS`, as addresses below the app's."""
    import streamlit

    folder = Path(streamlit.__file__).parent / "static" / "static"
    modules, fonts = folder / "js", folder / "media"
    found: dict[str, None] = {}
    waiting = [file.name for name in EARLY_MODULES for file in _only(modules, f"{name}.*.js")]
    while waiting:
        name = waiting.pop(0)
        if name not in found:
            found[name] = None
            waiting += _IMPORTED.findall((modules / name).read_text(encoding="utf-8"))
    letters = [file.name for name in EARLY_FONTS for file in _only(fonts, f"{name}.*.woff2")]
    return tuple(f"static/js/{name}" for name in found), tuple(f"static/media/{name}" for name in letters)


@cache
def late_file() -> str | None:
    """The module `LATE_MODULE`, as an address below the app's; None if there is none."""
    import streamlit

    found = _only(Path(streamlit.__file__).parent / "static" / "static" / "js", f"{LATE_MODULE}.*.js")
    return f"static/js/{found[0].name}" if found else None


def _only(folder: Path, pattern: str) -> list[Path]:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        _warn(f"file {pattern}")
        return []
    return found


def uploads_held() -> dict[str, int]:
    """Bytes of uploaded files that Streamlit holds in memory, by session; without the part, none are counted."""
    manager = _uploads()
    if manager is None:
        return {}
    with manager._lock:
        return {
            session: sum(len(file.data) + UPLOAD_OVERHEAD for file in files.values())
            for session, files in manager.file_storage.items()
        }


def drop_uploads(session: str) -> None:
    """Free the uploaded files of a session; its page finds them gone in its next run."""
    if manager := _uploads():
        manager.remove_session_files(session)


def drop_own_uploads() -> None:
    """Free the uploaded files of the session that calls."""
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    if context := get_script_run_ctx():
        drop_uploads(context.session_id)


def _uploads() -> MemoryUploadedFileManager | None:
    try:
        from streamlit import runtime
        from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

        manager = runtime.get_instance()._uploaded_file_mgr if runtime.exists() else None
    except (ImportError, AttributeError):
        _warn("manager of uploaded files")
        return None
    if manager is None:  # no server, as in a test of a page
        return None
    if not isinstance(manager, MemoryUploadedFileManager) or not hasattr(manager, "file_storage"):
        _warn("manager of uploaded files")
        return None
    return manager
