"""What the server process is set up with."""

from __future__ import annotations

import gc
import gzip
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
from streamlit import config
from streamlit.proto.NewSession_pb2 import CustomThemeConfig
from streamlit.runtime import app_session

from ui.app import process
from ui.app.warm_up import warm_up
from ui.chapters.home.planes import PLANES, plane_of
from ui.components import tensors
from ui.components.tensors import TensorCache
from ui.runs.resources import thumbnail_sheet
from ui.streamlit_private import remember_theme
from vae_core.errors import VaeCoreError

SECTIONS = ["theme", *(f"theme.{category.value}" for category in config.CustomThemeCategories)]


@pytest.fixture
def original(monkeypatch):
    """Streamlit's own function; whatever a test puts in its place goes with the test."""
    own = getattr(app_session._populate_theme_msg, "__wrapped__", app_session._populate_theme_msg)
    monkeypatch.setattr(app_session, "_populate_theme_msg", own)
    return own


def told(populate, section: str) -> CustomThemeConfig:
    msg = CustomThemeConfig()
    populate(msg, section)
    return msg


@pytest.mark.parametrize("section", SECTIONS)
def test_the_theme_that_is_remembered_is_streamlits(section, original):
    wanted = told(original, section)
    remember_theme()
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: told(app_session._populate_theme_msg, section), range(8)):
            assert found == wanted and found.SerializeToString() == wanted.SerializeToString()
    assert bool(wanted.ByteSize()) == (section in ("theme", "theme.light", "theme.dark"))


def test_a_session_is_told_the_same_theme(original):
    """With its parts in their places, and none where nothing is set."""

    def whole() -> CustomThemeConfig:
        msg = CustomThemeConfig()
        populate = app_session._populate_theme_msg
        populate(msg)
        for part, section in ((msg.light, "theme.light"), (msg.dark, "theme.dark"), (msg.sidebar, "theme.sidebar")):
            populate(part, section)
        return msg

    wanted = whole()
    remember_theme()
    assert whole() == wanted and not whole().HasField("sidebar") and whole().light.primary_color.startswith("#")


def test_a_configuration_that_was_changed_is_read_again(original):
    remember_theme()
    before = told(app_session._populate_theme_msg, "theme.light")
    colour = config.get_option("theme.light.primaryColor")
    try:
        config.set_option("theme.light.primaryColor", "#123456")
        assert told(app_session._populate_theme_msg, "theme.light") == before
        config._on_config_parsed.send()
        assert told(app_session._populate_theme_msg, "theme.light").primary_color == "#123456"
    finally:
        config.set_option("theme.light.primaryColor", colour)
        config._on_config_parsed.send()


def test_what_a_visitor_left_in_frozen_state_is_freed(monkeypatch):
    """Freezing while a visitor is there once kept that visitor's state for ever."""
    clock = [0.0]
    monkeypatch.setattr(process.time, "monotonic", lambda: clock[0] + 1e6)
    monkeypatch.setattr(process, "_modules_frozen", 0)
    monkeypatch.setattr(process, "_thawed", 0.0)

    class State:
        """Of a session, with a reference to itself, as those have."""

    state = State()
    state.itself = state
    left = weakref.ref(state)
    process.set_up_process()
    del state
    try:
        clock[0] = process.THAWED_EVERY - 1
        process.set_up_process()
        gc.collect()
        assert left() is not None  # frozen
        clock[0] = process.THAWED_EVERY
        process.set_up_process()
        assert left() is None
    finally:
        gc.unfreeze()


def test_messages_are_as_small_as_the_app_allows():
    assert config.get_option("server.maxWidgetStateSize") == 1 and config.get_option("server.maxMessageSize") <= 8


def test_who_comes_back_after_a_minute_finds_what_they_sent_and_nobodys_state_stays_for_long():
    assert 60 < config.get_option("server.disconnectedSessionTTL") <= 120


def test_what_home_shows_is_ready_before_anybody_asks(monkeypatch):
    cache = TensorCache(None)
    monkeypatch.setattr(tensors, "tensor_cache", lambda: cache)
    warm_up()
    for payload in (*(plane_of(*plane) for plane in PLANES), thumbnail_sheet("mnist")):
        kept = cache.find(payload.header["body"]["id"])
        assert kept and gzip.decompress(kept.packed) == payload.body


def test_a_store_without_homes_runs_is_no_fault_of_the_server(monkeypatch, tmp_path):
    cache = TensorCache(None)
    monkeypatch.setattr(tensors, "tensor_cache", lambda: cache)
    monkeypatch.setenv("VAE_STORE", str(tmp_path))
    warm_up()
    assert cache.find(thumbnail_sheet("mnist").header["body"]["id"])
    with pytest.raises(VaeCoreError):
        plane_of(*PLANES[0])
