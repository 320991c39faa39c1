"""Visitors who come back to a process that does not know them: theirs has died, and another one answers now.

Streamlit's client then keeps the page as it is and waits for what its visitor does. If that concerns a part of the
page (a fragment), the new session knows no such part and ignores it (streamlit 1.67, `AppSession.request_rerun`), and
everything after it. Here the whole page runs instead, with the state that the client sends along.
"""

from __future__ import annotations

from functools import wraps
from weakref import WeakSet

from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.app_session import AppSession

_have_run: WeakSet[AppSession] = WeakSet()
_original = AppSession.request_rerun


@wraps(_original)
def _request_rerun(session: AppSession, client_state: ClientState | None) -> None:
    if client_state and client_state.fragment_id and session not in _have_run:
        whole = ClientState()
        whole.CopyFrom(client_state)
        whole.fragment_id, whole.is_auto_rerun = "", False
        client_state = whole
    _have_run.add(session)
    _original(session, client_state)


def welcome_returning_visitors() -> None:
    """From now on; a second call changes nothing."""
    AppSession.request_rerun = _request_rerun  # type: ignore[method-assign, assignment]
