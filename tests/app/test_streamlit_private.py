"""What the app uses of Streamlit without Streamlit promising it: each part is there, and the app works without it."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import streamlit
from streamlit import config
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import app_session
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

from tests.app.helpers import ROOT, open_page, payloads
from ui import streamlit_private
from ui.app import navigation, process
from ui.streamlit_private import (
    SEEN_ON,
    TEST_IDS,
    keep_unsent_messages,
    remember_theme,
    welcome_returning_visitors,
)

BUNDLE = Path(streamlit.__file__).with_name("static")


@pytest.fixture(autouse=True)
def unwrapped(monkeypatch):
    """Streamlit's own functions; whatever a test puts in their place goes with the test, and warnings are new."""
    for owner, name in (
        (app_session, "_populate_theme_msg"),
        (AppSession, "request_rerun"),
        (ForwardMsgQueue, "clear"),
    ):
        monkeypatch.setattr(owner, name, inspect.unwrap(getattr(owner, name)))
    monkeypatch.setattr(process, "_modules_frozen", 0)
    streamlit_private._warn.cache_clear()


def test_the_parts_were_seen_on_the_version_that_is_installed():
    assert version("streamlit") == SEEN_ON


@pytest.mark.parametrize(
    ("put", "owner", "name"),
    [
        (remember_theme, app_session, "_populate_theme_msg"),
        (welcome_returning_visitors, AppSession, "request_rerun"),
        (keep_unsent_messages, ForwardMsgQueue, "clear"),
    ],
)
def test_a_part_is_there_and_is_wrapped_once(put, owner, name, caplog):
    own = getattr(owner, name)
    assert put()
    wrapped = getattr(owner, name)
    assert wrapped is not own and wrapped.__wrapped__ is own
    assert put() and getattr(owner, name) is wrapped
    assert not caplog.records


def test_a_page_is_of_the_type_that_is_named():
    from streamlit.navigation.page import StreamlitPage

    assert isinstance(streamlit.Page(lambda: None, title="A", url_path="a"), StreamlitPage)


@pytest.mark.parametrize(
    ("put", "owner", "name"),
    [
        (remember_theme, app_session, "_populate_theme_msg"),
        (remember_theme, config, "on_config_parsed"),
        (welcome_returning_visitors, AppSession, "request_rerun"),
        (keep_unsent_messages, ForwardMsgQueue, "clear"),
    ],
)
@pytest.mark.parametrize("how", ["gone", "changed"])
def test_a_part_that_is_not_as_it_was_is_left_out_with_one_warning(put, owner, name, how, monkeypatch, caplog):
    if how == "gone":
        monkeypatch.delattr(owner, name)
    else:
        monkeypatch.setattr(owner, name, lambda other: None)
    changed = getattr(owner, name, None)
    assert not put() and not put()
    assert getattr(owner, name, None) is changed
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    monkeypatch.undo()


@pytest.mark.parametrize(
    ("owner", "name"),
    [(app_session, "_populate_theme_msg"), (config, "on_config_parsed"), (AppSession, "request_rerun")],
)
def test_home_runs_without_a_part(owner, name, monkeypatch, caplog):
    monkeypatch.delattr(owner, name)
    assert payloads(open_page())
    assert "does without it" in caplog.text


def test_home_runs_without_the_type_of_a_page(monkeypatch):
    """Imported anew, the app's pages do without the module that has the type."""
    monkeypatch.setitem(sys.modules, "streamlit.navigation.page", None)
    importlib.reload(navigation)
    assert payloads(open_page())


def test_a_returning_visitor_gets_the_whole_page_once(monkeypatch):
    asked = []

    def request_rerun(self, client_state):
        asked.append(client_state.fragment_id)

    monkeypatch.setattr(AppSession, "request_rerun", request_rerun)
    assert welcome_returning_visitors()
    session = AppSession.__new__(AppSession)
    monkeypatch.setattr(AppSession, "__del__", lambda self: None)
    for _ in range(2):
        AppSession.request_rerun(session, ClientState(fragment_id="part"))
    assert asked == ["", "part"]


def test_what_was_not_sent_yet_outlives_the_start_of_a_part():
    """A page's run and one of its parts' follow each other before the first has left the server."""

    def sent(part: str) -> list[str | None]:
        queue = ForwardMsgQueue()
        for kind, place, of in [("radio", 0, "part"), ("foot", 1, "")]:
            message = ForwardMsg()
            message.metadata.delta_path.extend([0, place])
            message.delta.new_element.markdown.body = kind
            message.delta.fragment_id = of
            queue.enqueue(message)
        queue.enqueue(ForwardMsg(script_finished=ForwardMsg.FINISHED_SUCCESSFULLY))
        queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=[part])
        return [message.delta.new_element.markdown.body or message.WhichOneof("type") for message in queue.flush()]

    assert sent("part") == ["foot", "script_finished"]  # Streamlit's own: if this changes, ours may go
    assert keep_unsent_messages()
    assert sent("part") == sent("another") == ["radio", "foot", "script_finished"]
    queue = ForwardMsgQueue()
    queue.enqueue(ForwardMsg(script_finished=ForwardMsg.FINISHED_SUCCESSFULLY))
    assert len(queue.flush()) == 1 and queue.is_empty()


def test_the_names_of_elements_are_those_that_the_app_uses():
    used = set()
    for file in (ROOT / "ui").rglob("*"):
        if file.suffix in (".css", ".js", ".py") and file.name != "streamlit_private.py":
            used |= set(re.findall(r"[\"'](st[A-Z]\w+)[\"']", file.read_text(encoding="utf-8")))
    assert used == TEST_IDS


def test_streamlits_browser_part_has_every_name():
    shipped: set[str] = set()
    for file in BUNDLE.rglob("*.js"):
        shipped |= set(re.findall(r"[\"'`](st[A-Z]\w+)[\"'`]", file.read_text(encoding="utf-8")))
    assert not TEST_IDS - shipped
