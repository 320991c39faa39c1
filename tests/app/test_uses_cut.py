"""The bench Cut out: what it is sent, and that its verdicts are the measured figures."""

from __future__ import annotations

import math

import numpy as np
import pytest
from skimage.filters import threshold_otsu
from sklearn.metrics import jaccard_score

from ui.chapters.uses.cut import QUESTIONS
from ui.chapters.uses.cut.bench import FIRST, NUMBERS, grounds, payloads
from ui.chapters.uses.cut.measured import (
    COUNTS,
    FEW,
    MASKS,
    NETWORKS,
    SEEDS,
    STEPS,
    by_masks,
    classical,
    measured,
    network,
    of_shipped,
    spec_of,
    steps_of,
    trained_on,
)
from ui.chapters.uses.cut.verdicts import (
    best_classical,
    first_ahead,
    masks,
    masks_figure,
    skips,
    targets_table,
)
from ui.runs.resources import load_run
from vae_core.datasets import here, load
from vae_core.datasets.textured import GROUND, TEXTURES
from vae_core.evaluation.masks import CLASSICAL, overlaps
from vae_core.training.schedule import images_per_epoch

from .helpers import boxes, open_page, payload_headers, predict, subheaders

PAGE = "pages/uses.py"


def test_the_bench_covers_its_evidence_until_it_is_asked_for():
    at = open_page(PAGE, bench="cut")
    assert not at.error and not at.warning
    assert [header["kind"] for header in payload_headers(at)] == ["board"]
    told = predict(at, "without skip connections", 1)
    assert f"With {FEW} masks" in told
    header = payload_headers(at)[1]
    assert header["kind"] == "predicting" and header["name"] == FIRST
    assert [later["name"] for later in header["later"]] == [name for name in NETWORKS if name != FIRST]
    told = predict(at, "how many masks on", 1)
    assert CLASSICAL[best_classical()].title in told
    assert {"How many masks does it take?", "One network, three targets"} <= set(subheaders(at))
    assert boxes(at)[-2:] == ["This in code", "Sources"]


def test_the_browser_is_sent_no_more_than_it_should_be():
    first, later = payloads()
    assert len(first.body) + sum(len(one.body) for one in later) < 1_500_000
    assert len(first.head) < 40_000


def test_grounds_are_stretched_crops_of_each_texture():
    made = grounds()
    assert made.shape == (len(TEXTURES) * NUMBERS, 784) and made.dtype == np.uint8
    assert len(np.unique(made, axis=0)) == len(made)
    assert made.min() / 255 == pytest.approx(GROUND[0], abs=0.003)
    assert made.max() / 255 == pytest.approx(GROUND[1], abs=0.003)


def test_every_number_of_masks_has_figures_of_as_many_starts_and_steps():
    document = measured()
    assert document["n"] == len(load("textured", "test")) and document["steps"] == STEPS
    for own in ("true", "false"):
        assert {int(count) for count in document["iou"][own]} == set(COUNTS)
        for values in document["iou"][own].values():
            assert len(values) == SEEDS and all(0.0 < value < 1.0 for value in values)
    for count in COUNTS:
        spec = trained_on(count, skips=True, seed=0)
        assert steps_of(spec) == spec.epochs * math.ceil(images_per_epoch(count) / spec.batch_size)
        assert abs(steps_of(spec) - STEPS) < 0.1 * STEPS


def test_shipped_networks_are_those_that_were_measured():
    document = measured()
    assert set(document["shipped"]) == set(NETWORKS)
    for name, kind in NETWORKS.items():
        spec = spec_of(name)
        assert document["shipped"][name]["key"] == spec.key == network(name).key
        assert (spec.target, spec.options.skips, spec.images) == (kind.target, kind.skips, kind.images)


@pytest.mark.parametrize("name", MASKS)
def test_a_networks_figure_is_that_of_scikit_learn(name):
    test = load("textured", "test")
    run = load_run(network(name).key)
    found = run.likelihood.expected_images(run.run_program("predict", test.floats())) > 0.5
    wanted = test.target("mask").reshape(len(test), -1) == 255
    each = [jaccard_score(y, x) for x, y in zip(found, wanted, strict=True)]
    assert of_shipped(name).mean == pytest.approx(np.mean(each), abs=1e-3)


def test_otsus_figure_is_that_of_scikit_image():
    test = load("textured", "test")
    assert classical("otsu").mean == pytest.approx(overlaps("otsu", test, ()).mean(), abs=1e-3)
    picture = test.images[0, 0] / 255.0
    above = picture > threshold_otsu(picture)
    mask = ~above if above.mean() > 0.5 else above
    wanted = test.target("mask")[0, 0] == 255
    assert overlaps("otsu", test.first(1), ())[0] == pytest.approx(jaccard_score(wanted.ravel(), mask.ravel()))


def test_the_verdicts_follow_from_the_figures():
    own, without = by_masks(FEW, skips=True), by_masks(FEW, skips=False)
    right, told = skips()
    assert right == (
        0 if abs(own.mean - without.mean) <= own.half + without.half else 1 if own.mean > without.mean else 2
    )
    assert f"{own.mean:.2f} ±" in told and f"{without.mean:.2f} ±" in told
    rival = max(classical(name).mean for name in CLASSICAL)
    assert classical(best_classical()).mean == rival
    assert (best_classical() != "otsu") == (rival > classical("otsu").mean)
    otsu = classical("otsu").mean
    ahead = [
        count for count in COUNTS if all(by_masks(each, skips=True).mean > otsu for each in COUNTS if each >= count)
    ]
    assert first_ahead("otsu") == (min(ahead) if ahead else None)
    right, told = masks()
    limits = (30, 300, 3_000)
    assert right == (3 if not ahead else next(place for place, most in enumerate(limits) if min(ahead) <= most))
    surely = [
        each for each in (by_masks(count, skips=True) for count in COUNTS)
        if each.mean - each.half > otsu + classical("otsu").half
    ]  # fmt: skip
    leads = sum(by_masks(count, skips=True).mean > otsu for count in COUNTS)
    assert ("that is not certain" in told) == (len(surely) < leads)
    for name in CLASSICAL:
        assert f"{classical(name).mean:.2f}" in told
    assert [len(line.x) for line in masks_figure().data] == [len(COUNTS)] * 2 + [2] * len(CLASSICAL)
    assert targets_table().count("<tr") == len(NETWORKS) + 1


def test_a_few_hundred_masks_are_enough():
    assert of_shipped("few").mean >= 0.85
    assert of_shipped("few_without").mean < of_shipped("few").mean


def test_pictures_with_targets_are_not_offered_where_images_are_rebuilt():
    from ui.chapters.regularity.comparison import DATASETS

    assert "textured" not in DATASETS and "textured" not in here()


def test_questions_have_names_of_their_own():
    assert len(set(QUESTIONS)) == 2
