"""The β dial's page: what it is sent, what its link restores, and that its numbers are the runs'."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ui.chapters.beta.sweep import best_for_samples, stops_of
from ui.runs.resources import store
from vae_core.storage.store import Store

from .helpers import boxes, charts, copy_runs, open_page, payload_headers, predict, seen, subheaders, tables

PAGE = "pages/beta.py"
LABELS = {
    2: ["0", "0.01", "0.1", "0.3", "1", "2", "4", "8", "16", "100", "KL only"],
    16: ["0", "0.1", "1", "2", "4", "16", "100"],
}


def measured(line, *path):
    value = line.metrics["test"]
    for name in path:
        value = value[name]
    return value


@pytest.mark.parametrize("d", [2, 16])
def test_the_page_is_whole_and_sends_the_dial_then_the_start_and_its_neighbours(d):
    at = seen(PAGE, d=str(d))
    assert not at.error and not at.warning
    dial, *rest = payload_headers(at)
    kinds = ["stop", "bundle", "bundle", *{2: ["plane"] * 3, 16: []}[d], "thumbnails", *["thumbnails"][: d == 2]]
    assert [dial["kind"], *[header["kind"] for header in rest]] == ["dial", *kinds]
    assert len(rest[1]["parts"]) == 2  # the start's neighbours
    stops = [rest[0], *rest[1]["parts"], *rest[2]["parts"]]
    start = LABELS[d].index("1")
    order = [stop["index"] for stop in stops]
    assert sorted(order) == list(range(len(LABELS[d]))) and order[0] == start
    assert [abs(index - start) for index in order] == sorted(abs(index - start) for index in order)
    assert subheaders(at)[0] == "What it costs"
    assert boxes(at) == ["The mathematics, with the numbers on screen", "This in code", "Sources"]
    assert len(tables(at)) == 3 and len(charts(at)) == 2


@pytest.mark.parametrize("d", [2, 16])
def test_the_dials_numbers_are_the_runs(d):
    dial = payload_headers(seen(PAGE, d=str(d)))[0]
    for stop, line in zip(dial["stops"], stops_of(d), strict=True):
        assert stop["key"] == line.key
        assert stop["reconstruction"] == measured(line, "reconstruction")
        assert stop["kl"] == measured(line, "kl")
        assert stop["hole_rate"] == measured(line, "samples", "prior", "hole_rate")
        assert sum(stop["active"]) == measured(line, "active_units")
        assert stop["n"] == 10_000


def test_everything_sent_for_the_first_position_and_in_all_is_small():
    at = seen(PAGE)
    sizes = [len(element.proto.bytes) for element in at.get("bidi_component")]
    assert sizes[0] + sizes[1] < 1_500_000
    assert sum(sizes[:-1]) < 8_000_000


@pytest.mark.parametrize("label", ["0", "16", "KL only"])
def test_a_link_starts_the_dial_at_its_beta(label):
    at = seen(PAGE, beta=label)
    dial, first, *_ = payload_headers(at)
    assert dial["stops"][dial["options"]["start"]]["label"] == label
    assert first["index"] == dial["options"]["start"]
    assert at.query_params["beta"] == [label] or at.query_params["beta"] == label


def test_the_table_and_the_curve_have_the_runs_numbers():
    at = seen(PAGE)
    table, lines = tables(at)[0], stops_of(2)
    assert table["β"] == LABELS[2]
    assert table["reconstruction"] == [f"{measured(line, 'reconstruction'):.1f}" for line in lines]
    assert [int(units) for units in table["active units"]] == [measured(line, "active_units") for line in lines]
    curve, ring = charts(at)[0]["data"]
    assert curve["text"] == LABELS[2][:9]  # without the two where no rate is left
    assert np.allclose(curve["y"], [measured(line, "reconstruction") for line in lines[:9]])
    assert ring["x"] == [measured(lines[4], "kl")]


@pytest.mark.parametrize("d", [2, 16])
def test_the_best_beta_is_the_one_whose_samples_are_nearest(d):
    distances = [measured(line, "samples", "prior", "frechet") for line in stops_of(d)]
    best, told = best_for_samples(d)
    assert best == int(np.argmin(distances))
    assert f"{distances[best]:.0f}" in told
    at = open_page(PAGE, d=str(d))
    assert "**Yes.**" in predict(at, "nearest to real digits", best)


def test_a_store_without_the_sweep_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("VAE_STORE", str(tmp_path))
    at = open_page(PAGE)
    assert at.error and all("python -m vae_core rebuild" in error.value for error in at.error)
    assert boxes(at) == ["This in code", "Sources"]


def test_members_that_are_missing_leave_the_others_on_the_dial(tmp_path, monkeypatch):
    copy_runs(store(), Store(tmp_path), [stops_of(2)[place].key for place in (0, 4, 9)])
    monkeypatch.setenv("VAE_STORE", str(tmp_path))
    dial = payload_headers(open_page(PAGE))[0]
    assert json.dumps([stop["label"] for stop in dial["stops"]]) == '["0", "1", "100"]'
