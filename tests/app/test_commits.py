"""What components commit comes from a visitor's browser: it may be anything, and costs no more than a link."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import ui.components.canvas
import ui.components.mount
from ui.components.album import Purpose, checked
from ui.components.dial import released_at
from ui.links.url_state import MAX_PINS, committed, flag, points, view
from ui.runs.selection import explorable

from .helpers import open_page, tables

PINS, VIEW = points("z", "points"), view("view", "a view")
HUGE = 10**400
NEVER_COORDINATES: list[Any] = [HUGE, -HUGE, 1e5, float("nan"), float("inf"), True, None, "1", [], {}]


@pytest.mark.parametrize("wanted", [PINS, VIEW])
@pytest.mark.parametrize(
    "value", [None, True, 7, 1.5, "0,0,1", "0,1;2,3", {}, {"0": [1, 2]}, [[]], [None], [[1, 2, 3]]]
)
def test_a_commit_that_is_no_such_value_is_nothing(wanted, value):
    assert committed(wanted, value) is None


@pytest.mark.parametrize("bad", NEVER_COORDINATES)
def test_a_commit_has_the_bounds_of_a_link(bad):
    assert committed(PINS, [[0, 1], [bad, 0]]) is None
    assert committed(VIEW, [bad, 0, 1]) is None and committed(VIEW, [0, 0, bad]) is None


def test_a_commit_takes_as_many_pins_as_a_link_and_a_view_that_is_one():
    some = [[number / 2, -number] for number in range(MAX_PINS)]
    assert committed(PINS, some) == some == PINS.parse(PINS.text(some))
    assert committed(PINS, []) == []
    assert committed(PINS, [*some, [0, 0]]) is None
    assert committed(VIEW, [0, 1.5, 2]) == VIEW.parse("0,1.5,2")
    assert committed(VIEW, [0, 1.5, 0]) is None and committed(VIEW, [0, 0, -1]) is None


def test_what_no_component_commits_is_never_taken():
    assert committed(flag("present", "whether"), True) is None


@pytest.mark.parametrize("pins", [[[1, 2]] * 200_000, "x" * 500_000, [["NaN", {}]], {"a": 1}, [[HUGE, 1]]])
def test_one_message_takes_the_memory(pins, monkeypatch):
    """A message of 0.6 MB with 50,000 pins once made a table of as many rows, for 0.8 GB."""
    sent = SimpleNamespace(pins=pins, view=[1, 2])
    monkeypatch.setattr(ui.components.canvas, "mount", lambda *_, **__: sent)
    at = open_page("pages/explorer.py", run=next(iter(explorable())), z="0.5,1")
    pinned = [table["pin"] for table in tables(at) if "pin" in table]
    assert pinned == [["1"]]  # those of the link
    assert at.query_params["z"] == "0.5,1" and "view" not in at.query_params


@pytest.mark.parametrize("marks", [None, 3, "abc", [1], {"a": "012"}, {"a": {"0": 1}}, {"a": [True, -1, HUGE, 1.0]}])
def test_marks_that_are_none_are_left_out(marks):
    assert checked(marks, [Purpose("a", "A", "A", 3)], 10) == {"a": []}


def test_of_very_many_marks_only_as_many_are_read_as_there_are_photographs():
    class Counted(list):
        read = 0

        def __getitem__(self, place):
            assert place == slice(None, 10)
            return super().__getitem__(place)

    assert checked({"a": Counted([5] * 1000)}, [Purpose("a", "A", "A", 3)], 10) == {"a": [5]}


@pytest.mark.parametrize("position", [None, True, "1", 1.0, -1, 4, HUGE, [1]])
def test_a_position_that_is_no_stop_is_none(position):
    assert released_at(position, 4) is None
    assert released_at(3, 4) == 3
