"""The β dial's page: what it is sent, what its link restores, and that its numbers are the runs'."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

import ui.chapters.beta.costs
import ui.chapters.beta.sampled
from ui.chapters.beta import first as first_effect
from ui.chapters.beta.by_beta import _off_the_line
from ui.chapters.beta.costs import RATE_TICKS, Point, agreement, collapse, price, rate_distortion, starts_differ
from ui.chapters.beta.kept_class import IMAGES, kept
from ui.chapters.beta.overfitting import TITLES, learned, overfitting_text
from ui.chapters.beta.sampled import Distance, best_for_samples
from ui.chapters.beta.sweep import KL_ONLY, label_of, name_of, small, stop_at, stops_of
from ui.chapters.beta.switched_off import DIMENSIONS, switched_off_figure
from ui.runs.aggregate import aggregate_of
from ui.runs.resources import feature_space, held_out, load_run, store
from vae_core.errors import RunNotFound
from vae_core.storage.measured import read_measured
from vae_core.storage.store import Listed, Store
from vae_core.training.schedule import images_per_epoch

from .helpers import (
    boxes,
    charts,
    copy_runs,
    later_kinds,
    open_page,
    payload_headers,
    plotted,
    predict,
    revealed,
    seen,
    subheaders,
    tables,
    words,
)

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
def test_the_page_is_whole_and_its_dial_fetches_the_start_then_its_neighbours(d):
    at = seen(PAGE, d=str(d))
    assert not at.error and not at.warning
    dial, *rest = payload_headers(at)
    assert [dial["kind"], *[header["kind"] for header in rest]] == ["dial", *{2: ["plane"] * 3, 16: []}[d]]
    *stops, sheet = dial["later"]
    assert {stop["kind"] for stop in stops} == {"stop"} and sheet["kind"] == "thumbnails"
    assert all(later_kinds(header) == ["thumbnails"] for header in rest)
    start = LABELS[d].index("1")
    order = [stop["index"] for stop in stops]
    assert sorted(order) == list(range(len(LABELS[d]))) and order[0] == start
    assert [abs(index - start) for index in order] == sorted(abs(index - start) for index in order)
    assert len(subheaders(at)) == {2: 9, 16: 8}[d]  # without the planes of each term alone
    assert boxes(at) == ["The mathematics, with the numbers on screen", "This in code", "Sources"]
    assert len(tables(at)) == 2 and len(charts(at)) == 3  # the others are evidence of questions
    assert "β" in str(at.main) and not revealed(at)


def skip(at, name):
    """Ask for the evidence of a question without an answer."""
    at.session_state[f"skipped-{name}"] = True  # as the button does, which AppTest cannot press within its fragment
    at.run()
    assert not at.exception
    return at


def chart_of(at, about):
    """The one figure whose text alternative begins like this."""
    (found,) = [chart for chart, told in zip(charts(at), words(at), strict=True) if told.startswith(about)]
    return found


CURVE = "Reconstruction against KL"
SAMPLED = "Classifier Fréchet distance"
KEPT = f"Share of {IMAGES}"


def test_evidence_waits_for_an_answer_or_for_being_skipped():
    at = open_page(PAGE)
    for name, about in (("collapse-2", CURVE), ("best-2", SAMPLED), ("kept-2", KEPT)):
        assert not any(told.startswith(about) for told in words(at))
        assert chart_of(skip(at, name), about)
    assert len(tables(at)) == 3
    at.segmented_control(key="beta-d").set_value(16).run()
    assert not at.exception
    assert not any(told.startswith((CURVE, SAMPLED, KEPT)) for told in words(at))  # of another sweep it was not asked


@pytest.mark.parametrize("d", [2, 16])
def test_the_dials_numbers_are_the_runs(d):
    dial = payload_headers(seen(PAGE, d=str(d)))[0]
    for stop, line in zip(dial["stops"], stops_of(d), strict=True):
        assert stop["key"] == line.key
        assert stop["reconstruction"] == measured(line, "reconstruction")
        assert stop["kl"] == measured(line, "kl")
        assert stop["hole_rate"] == measured(line, "samples", "prior", "hole_rate")
        assert sum(stop["active"]) == measured(line, "active_units")
        assert stop["measured"] == "; ".join(
            [
                f"{measured(line, 'n'):,} test digits",
                f"hole rate: {measured(line, 'samples', 'prior', 'n'):,} samples",
                f"σ / spread: dimensions in use, {len(held_out('mnist')):,} held-out digits",
            ]
        )


def test_little_is_given_to_components_and_what_the_dial_fetches_is_small():
    at = seen(PAGE)
    assert sum(len(element.proto.bytes) for element in at.get("bidi_component")) < 60_000
    dial = payload_headers(at)[0]
    sizes = [header["body"]["size"] for header in (dial, *dial["later"])]
    assert sizes[0] + sizes[1] < 500_000
    assert sum(sizes[:-1]) < 4_000_000


def starts_of(line) -> list[Listed]:
    """A stop and the other seeds of it that were measured."""
    alike = replace(line.spec, seed=0)
    return [line, *(one for one in read_measured() if one.spec and replace(one.spec, seed=0) == alike)]


@pytest.mark.parametrize("d", [2, 16])
def test_what_is_said_of_the_starts_is_their_range(d):
    ranges = {}
    for line in stops_of(d):
        heights = [measured(one, "reconstruction") for one in starts_of(line)]
        ranges[label_of(line.spec)] = (min(heights), max(heights))
    widest = max(high - low for low, high in ranges.values())
    told = starts_differ(d)
    assert f"**{widest:.1f} nats**" in told


@pytest.mark.parametrize("label", ["0", "16", "KL only"])
def test_a_link_starts_the_dial_at_its_beta(label):
    at = seen(PAGE, beta=label)
    dial, *_ = payload_headers(at)
    first = dial["later"][0]
    assert dial["stops"][dial["options"]["start"]]["label"] == label
    assert first["index"] == dial["options"]["start"]
    assert at.query_params["beta"] == [label] or at.query_params["beta"] == label


def test_the_table_and_the_curve_have_the_runs_numbers():
    at = skip(open_page(PAGE), "collapse-2")
    table, lines = tables(at)[0], stops_of(2)
    assert table["β"] == LABELS[2]
    assert table["reconstruction"] == [f"{measured(line, 'reconstruction'):.1f}" for line in lines]
    assert [int(units) for units in table["active units"]] == [measured(line, "active_units") for line in lines]
    chart = chart_of(at, CURVE)
    curve, names, again, edge, ring = chart["data"]
    assert edge["y"][0] > max(curve["y"]) and f"{measured(lines[-1], 'reconstruction'):.0f}" in edge["text"][0]
    assert (names["x"], names["y"], names["text"]) == (curve["x"], curve["y"], curve["text"])
    assert curve["text"] == LABELS[2][:-1]  # without the one that never saw a reconstruction
    assert np.allclose(curve["y"], [measured(line, "reconstruction") for line in lines[:-1]])
    assert np.allclose(curve["customdata"], [measured(line, "kl") for line in lines[:-1]])
    others = [[one for one in starts_of(line) if one.key != line.key] for line in lines[:-1]]
    assert [len(some) for some in others] == [2] * len(others)  # each β has three starts
    assert np.allclose(again["y"], [measured(one, "reconstruction") for some in others for one in some])
    assert np.allclose(again["customdata"], [measured(one, "kl") for some in others for one in some])
    ticks = chart["layout"]["xaxis"]["tickvals"]
    assert np.array_equal(np.searchsorted(ticks, curve["x"]), np.searchsorted(RATE_TICKS, curve["customdata"]))
    assert list(np.argsort(curve["x"])) == list(np.argsort(curve["customdata"]))
    assert (ring["x"], ring["y"]) == ([curve["x"][4]], [curve["y"][4]])


@pytest.mark.parametrize("d", [2, 16])
def test_the_ring_stands_on_the_stop_of_the_dial_and_nowhere_else(d):
    for place, label in enumerate(LABELS[d]):
        at = skip(open_page(PAGE, d=str(d), beta=label), f"collapse-{d}")
        curve, _names, _again, *edges, ring = chart_of(at, CURVE)["data"]
        assert [edge["name"] for edge in edges] == [name for name in LABELS[d] if name == KL_ONLY]
        if label == KL_ONLY:  # off the chart: a mark at its edge stands for it
            assert (ring["x"], ring["y"]) == (edges[0]["x"], edges[0]["y"])
        else:
            assert (ring["x"], ring["y"]) == ([curve["x"][place]], [curve["y"][place]])


def test_neighbours_are_told_of_a_sampled_code_and_a_collapsed_one_tells_nothing():
    table = tables(skip(open_page(PAGE), "collapse-2"))[0]
    shares = dict(zip(table["β"], table["neighbours of the same class"], strict=True))
    assert shares["KL only"] == shares["100"] == "10%"
    assert int(shares["1"].rstrip("%")) > 60


@pytest.mark.parametrize(("d", "next_one"), [(2, "0.01"), (16, "0.1")])
def test_near_no_kl_all_images_are_told_apart_and_what_grows_is_mostly_scale(d, next_one):
    none, little = (
        aggregate_of(line.metrics["test"])
        for label in ("0", next_one)
        for line in stops_of(d)
        if label_of(line.spec) == label
    )
    assert none.only_a_bound and little.only_a_bound
    assert none.low - little.high > 0.75 * (none.kl - little.kl)  # what of the difference is surely not information
    table = tables(skip(open_page(PAGE, d=str(d)), f"collapse-{d}"))[0]
    rates = [measured(line, "kl") for line in stops_of(d)]
    for rate, *cells in zip(rates, table["I(x; z)"], table["KL(q(z) ‖ p)"], strict=True):
        if cells[0] == "–":
            assert cells[1] == "–"
            continue
        bounds = [[float(number.replace(",", "")) for number in cell.split(" to ")] for cell in cells]
        (information, most), (low, high) = ((bound[0], bound[-1]) for bound in bounds)
        assert information + high == pytest.approx(rate, abs=0.11) == most + low  # each least with the other's most
    assert table["KL(q(z) ‖ p)"][0] == none.in_nats() and none.low > 0.75 * none.kl


@pytest.mark.parametrize("d", [2, 16])
def test_the_price_is_told_over_all_random_starts_and_no_difference_of_two_models_is(d):
    lines, told = dict(zip(LABELS[d], stops_of(d), strict=True)), price(d)
    kl, nats = ({b: [measured(one, name) for one in starts_of(lines[b])] for b in "01"} for name in ("kl", "reconstruction"))  # fmt: skip  # noqa: E501
    assert told.startswith("Over 3 random starts, ") and {len(some) for some in kl.values()} == {3}
    assert f"the KL falls from {over(kl['0'], 0)} to {over(kl['1'], 1)} nats" in told
    assert f"gets worse, from {over(nats['0'], 1)} to {over(nats['1'], 1)} nats" in told
    assert max(nats["0"]) < min(nats["1"])  # as the words say: whichever start one takes
    assert f"**{measured(lines['100'], 'reconstruction'):.1f} nats**" in told
    emphasised = [float(text) for text in re.findall(r"\*\*([\d.]+)", told)]
    assert emphasised == [0.0, 205.8]  # of the others one start would have another


def over(values, digits, share=""):
    """A mean with the least and the largest, as pages write it."""
    return "{:.{n}f}{s} ({:.{n}f}{s} to {:.{n}f}{s})".format(
        *(factor * (100 if share else 1) for factor in (np.mean(values), min(values), max(values))), n=digits, s=share
    )


def test_starts_whose_reconstructions_overlap_are_not_said_to_differ(monkeypatch):
    points = [
        Point("0", 150.0, 140.0, ((130.0, 142.0),)),
        Point("1", 6.0, 141.0, ((6.2, 143.0),)),
        Point("100", 0.0, 206.0),
    ]
    monkeypatch.setattr(ui.chapters.beta.costs, "points_of", lambda _: points)
    monkeypatch.setattr(ui.chapters.beta.costs, "_largest", lambda _: "100")
    told = price.__wrapped__(2)
    assert "cannot be told apart: 141.0 (140.0 to 142.0) and 142.0 (141.0 to 143.0) nats" in told
    assert "gets worse" not in told


@pytest.mark.parametrize("d", [2, 16])
def test_the_products_of_the_collapse_are_those_of_the_numbers_beside_them(d):
    beta, kl, product = map(float, re.search(r"cost ([\d.]+) × ([\d.]+) = (\d+) nats", collapse(d)[1]).groups())
    assert product == pytest.approx(beta * kl, abs=0.51)


@pytest.mark.parametrize("d", [2, 16])
def test_what_smaller_and_larger_betas_lack_is_told_over_the_starts_that_the_distances_are_of(d):
    _, told = best_for_samples(d)
    shares = {
        (b, name): [measured(one, "samples", "prior", name) for one in starts_of(line)]
        for line in stops_of(d)
        for name in ("coverage", "ambiguity")
        if (b := label_of(line.spec)) in ("0", "2", "16")
    }
    for (first, second), name in ((("0", "2"), "coverage"), (("16", "2"), "ambiguity")):
        one, other = shares[first, name], shares[second, name]
        assert len(one) == len(other) == 3
        written = "of the digits" if name == "coverage" else "of samples"
        assert f"{over(one, 0, '%')} {written}" in told and over(other, 0, "%") + "." in told
        apart = max(one) < min(other) if name == "coverage" else min(one) > max(other)
        assert apart  # so the reason holds whichever start one takes
    assert "nats in the one model on the dial" in told  # its KL(q(z) ‖ p) was measured of no other


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (0.13, "0.13"), (0.0112, "0.011"), (2.87e-6, "2.9e-6"), (1.27e-7, "1.3e-7")]
)
def test_a_small_ratio_is_never_written_as_nothing(value, text):
    assert small(value) == text


@pytest.mark.parametrize("d", [2, 16])
def test_labels_of_near_points_of_the_curve_stand_apart(d):
    """On a phone the plot has 230 × 190 pixels, and a character of a label at most 7 × 14."""
    figure = rate_distortion(d, "1")
    line = next(trace for trace in figure.data if "text" in trace.mode)
    low, high = figure.layout.yaxis.range
    boxes = []
    for x, y, side, text, size in zip(line.x, line.y, line.textposition, line.text, line.marker.size, strict=True):
        across, down = 230 * (x - min(line.x)) / (max(line.x) - min(line.x)), 190 * (high - y) / (high - low)
        level, place = side.split()
        away = size / 1.6 + 1  # where Plotly puts text beside a marker
        left = across - 7 * len(text) / 2 if place == "center" else across + away
        top = down - away - 14 if level == "top" else down + away
        boxes.append((left, top, left + 7 * len(text), top + 14, across, down))
    for one, other in combinations(boxes, 2):
        apart = any(a[2 + axis] <= b[axis] for a, b in ((one, other), (other, one)) for axis in (0, 1))
        assert apart, (one, other)
    for (left, top, right, bottom, *own), side in zip(boxes, line.textposition, strict=True):
        middle = ((left + right) / 2, (top + bottom) / 2)
        axes = 1 if side.endswith("center") else 2  # a label over or under a point is read as that of the one in line
        nearest = min(boxes, key=lambda other: math.dist(middle[:axes], other[4 : 4 + axes]))
        assert list(nearest[4:]) == own


def test_the_negative_elbo_of_grey_pixels_is_not_called_a_bound():
    text = "".join(element.value for element in seen(PAGE).markdown)
    assert "On pixels of 0 and 1 it is never below −log p(x); on the grey ones" in text
    for line in stops_of(2):  # what the sentence says of the runs
        assert (line.spec.likelihood, line.spec.binarised) == ("bernoulli", None)


def test_dimensions_switch_off_one_after_the_other():
    figure = switched_off_figure()
    heat, counts = figure.data
    lines = stops_of(DIMENSIONS)
    told = [int(text.strip("</b>")) for text in counts.text]
    assert told == [measured(line, "active_units") for line in lines]
    assert told == sorted(told, reverse=True) and told[0] == DIMENSIONS and told[-1] == 0
    for column, line in zip(np.asarray(heat.z).T, lines, strict=True):
        assert np.allclose(column, sorted(measured(line, "kl_per_dimension"), reverse=True))


def test_the_share_of_kept_classes_is_what_the_classifier_says_of_decoded_codes():
    found = kept(2)
    assert list(found) == LABELS[2][:-1]
    assert not any(label_of(line.spec) in found for line in stops_of(2) if line.spec.data_weight == 0)
    run, space = load_run(stops_of(2)[4].key), feature_space("mnist")
    truth = held_out("mnist").labels[:IMAGES]
    hits = space.probabilities(space.features(run.decode(run.codes.mean[:IMAGES]))).argmax(axis=1) == truth
    assert found["1"].at_mean == pytest.approx(hits.mean())
    assert abs(found["1"].at_mean - found["1"].sampled) < 0.05 < found["1"].sampled - found["16"].sampled
    assert found["100"].sampled == pytest.approx(0.1, abs=0.05)  # nothing is left but chance
    at = open_page(PAGE)
    assert "**Yes.**" in predict(at, "a wrong digit", 0)
    mean, sampled = chart_of(at, KEPT)["data"]
    assert np.allclose(plotted(mean["y"]), [one.at_mean for one in found.values()])
    assert np.allclose(plotted(sampled["y"]), [one.sampled for one in found.values()])


@pytest.mark.parametrize("d", [2, 16])
def test_the_best_beta_is_chosen_on_validation_digits_and_reported_on_test_digits(d):
    kinds = {
        split: {
            label_of(line.spec): [one.metrics[split]["samples"]["prior"]["frechet"] for one in starts_of(line)]
            for line in stops_of(d)
        }
        for split in ("validation", "test")
    }
    chosen = min(kinds["validation"], key=lambda label: np.mean(kinds["validation"][label]))
    best, told = best_for_samples(d)
    assert LABELS[d][best] == chosen
    test = kinds["test"][chosen]
    assert f"to test digits it is {np.mean(test):.0f} ({min(test):.0f} to {max(test):.0f})" in told
    for label, others in kinds["test"].items():  # what chance may have decided is said
        overlaps = label != chosen and min(others) <= max(test) and min(test) <= max(others)
        assert overlaps == bool(re.search(rf"{name_of(label)}(?![.\d])[^:;.]*cannot be told", told)), label
    at = open_page(PAGE, d=str(d))
    assert "**Yes.**" in predict(at, "nearest to real digits", best)
    drawn = chart_of(at, SAMPLED)["data"][0]
    means = [np.mean(values) for values in kinds["test"].values()]
    assert np.allclose(plotted(drawn["y"]), means)
    assert np.allclose(
        plotted(drawn["error_y"]["arrayminus"]), np.subtract(means, [min(v) for v in kinds["test"].values()])
    )


def test_a_choice_on_validation_digits_stays_when_test_digits_would_choose_another(monkeypatch):
    fake = {"1": Distance((90.0, 92.0), (100.0, 104.0)), "2": Distance((95.0, 97.0), (80.0, 82.0))}
    monkeypatch.setattr(ui.chapters.beta.sampled, "distances", lambda _: fake)
    best, told = best_for_samples(2)
    assert LABELS[2][best] == "1"
    assert "to test digits it is 102 (100 to 104)" in told


def test_overfitting_is_told_with_the_numbers_of_the_trained_models():
    found = learned()
    lines = {
        (TITLES[line.spec.model, line.spec.kl_weight], line.spec.images): line
        for line in read_measured()
        if line.spec and line.spec.images and line.spec.seed == 0
    }
    assert {one.images for one in found["autoencoder"]} >= {100, 1_000, 10_000, 55_000}
    for title, points in found.items():
        for one in points:
            metrics = lines[title, one.images].metrics
            gap = metrics["test"]["reconstruction"] - metrics["train"]["reconstruction"]
            assert one.gap == pytest.approx(gap)
            assert (metrics["train"]["n"], metrics["test"]["n"]) == (one.images, one.n)
        assert [one.gap for one in points] == sorted((one.gap for one in points), reverse=True)
        assert f"**{points[0].gap:.1f}** ({title})" in overfitting_text()
    starts = {one.starts for points in learned().values() for one in points}
    assert starts == {1} and "Each point is **one random start**" in overfitting_text()
    axis = chart_of(seen(PAGE), "Reconstruction, nats per image, against the number")["layout"]["xaxis"]
    assert axis["title"]["text"] == "training digits; a point is one random start"
    steps = {line.spec.epochs * images_per_epoch(line.spec.images) for line in lines.values()}
    assert max(steps) < 1.02 * min(steps)  # equally long trainings


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


@pytest.mark.parametrize("d", [2, 16])
def test_the_rate_is_the_most_that_codes_tell_and_beta_0_tells_all_images_apart(d):
    told = {label_of(line.spec): aggregate_of(line.metrics["test"]) for line in stops_of(d)}
    told = {label: found for label, found in told.items() if found}
    assert len(told) >= 4
    for found in told.values():
        assert 0.0 <= found.information <= found.kl + 0.01  # I(x; z) is a part of the KL
    assert told["0"].information > 0.99 * told["0"].limit  # of so many images none can tell more
    assert told["0"].kl > 10 * told["0"].information  # the rest is the scale of the codes


# ---- what comes first ------------------------------------------------------------------------------------------------


def test_the_codes_come_to_the_prior_before_the_digits_are_lost():
    right, told = first_effect.what_comes_first(2)
    stops = {stop.label: stop for stop in first_effect._stops(2)}
    assert right == 0 and KL_ONLY not in stops
    for label in ("0", "1", "100"):
        run = load_run(stop_at(2, label).key)
        np.testing.assert_allclose(stops[label].spread, run.codes.mean.std(axis=0), rtol=1e-6)
        assert stops[label].alike == agreement(run)
    assert f"At β = 0 that of the codes is {stops['0'].told}" in told and f"{stops['100'].alike:.0%}" in told


def test_what_comes_first_is_read_from_the_runs(monkeypatch):
    def among(*stops: tuple[float, float]) -> tuple[int, str]:
        made = tuple(first_effect.Stop(str(at), (spread, 1.0), alike, 0.1) for at, (spread, alike) in enumerate(stops))
        monkeypatch.setattr(first_effect, "_stops", lambda _dimensions: made)
        return first_effect.what_comes_first(2)

    right, told = among((9.0, 0.8), (5.0, 0.3), (1.2, 0.1))
    assert right == 1 and "At β = 1 it is 30%" in told and "At β = 2 the codes are where N(0, I) is (1.2 and 1)" in told
    assert among((9.0, 0.8), (1.2, 0.7), (1.0, 0.3))[0] == 0
    for undecided in (((9.0, 0.8), (1.2, 0.3)), ((9.0, 0.8), (1.2, 0.7)), ((9.0, 0.8), (5.0, 0.3))):
        with pytest.raises(RunNotFound):
            among(*undecided)


@pytest.mark.parametrize(
    ("values", "sides"),
    [
        ([3.0, 1.0, 2.0], ["top center", "bottom center", "top center"]),  # a valley between two slopes
        ([1.0, 2.0, 3.0], ["top left", "top left", "top center"]),  # a slope that rises, and one that falls
        ([3.0, 2.0, 1.0], ["top center", "top right", "top right"]),
        ([1.0], ["top center"]),
    ],
)
def test_no_line_strikes_a_number_through(values, sides):
    """The number stands on the side on which no line goes up from its point."""
    assert _off_the_line(values) == sides
