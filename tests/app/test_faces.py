"""Six numbers for a face: with and without its runs, and that what it says was computed from the run on screen."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ui.chapters.faces.family
from tests.support.heads import train_heads
from ui.chapters.faces.attribute import direction
from ui.chapters.faces.between import errors_of, halfway
from ui.chapters.faces.family import Shown, choices, spec_of, wanted
from ui.chapters.faces.found import Found, found_by, how_many_options
from ui.chapters.faces.instrument import on_levels
from ui.chapters.faces.isolated import made_of, to_nearest_head
from ui.chapters.faces.over_seeds import shares
from ui.chapters.faces.reading import labelled, seen_in
from ui.runs.resources import held_out, load_run
from vae_core.datasets import Factor, data_root, load, own
from vae_core.datasets.reading import OwnImages
from vae_core.execution import Execution
from vae_core.metrics import logistic_direction
from vae_core.spec import RunSpec
from vae_core.storage.store import Store
from vae_core.training.jobs import get_or_train

from .helpers import open_page, payload_headers, predict, said, subheaders, tables, texts

PAGE = "pages/faces.py"
STEPS = [
    "Move a true feature",
    "Which number found which feature?",
    "Was it the method, or luck?",
    "Add a smile",
    "Walk from one head to another",
    "A is to B as C is to ?",
    "Six real numbers, or a list of points?",
]


@pytest.fixture(scope="session")
def trained_heads(shared_folder: Path, made_once: Callable[[str, Callable[[], Any]], Any]) -> Path:
    """Three small runs of heads and one of digits, trained once for all tests; not to be changed."""
    place = shared_folder / "heads"
    made_once("heads", lambda: train_heads(place))
    return place


@pytest.fixture
def heads(trained_heads, tmp_path, monkeypatch) -> Store:
    """The app's store for one test."""
    shutil.copytree(trained_heads, tmp_path / "runs")
    monkeypatch.setenv("VAE_STORE", str(tmp_path / "runs"))
    return Store(tmp_path / "runs")


def test_without_runs_it_says_how_to_make_them(empty_store):
    at = open_page(PAGE)
    assert not at.error
    assert any("Not trained yet on Rendered heads" in text and "β-TCVAE" in text for text in texts(at))
    assert any(button.label == "Train" for button in at.button)
    assert [step for step in subheaders(at) if step in STEPS] == STEPS


def test_everything_is_of_the_run_on_screen(heads):
    at = open_page(PAGE, feature="5")
    assert not at.error and not at.warning
    assert [header["kind"] for header in payload_headers(at)] == ["face", "causes", "inversion", "walk", "analogy"]
    told = predict(at, "of the 6 features", 0)
    spec = spec_of(Shown("heads", "tc", 6))
    run, images = load_run(spec.key), held_out("heads")
    codes, values = run.codes.mean.astype(np.float64), images.factor_values
    both = np.square(np.corrcoef(np.c_[codes, values], rowvar=False)[:6, 6:])
    face, causes, table = payload_headers(at)[:3]
    assert table["kind"] == "matrix" and np.allclose(table["values"], both, atol=1e-4)
    assert table["factors"] == [factor.name for factor in images.factors]
    own = [
        factor
        for factor in range(6)
        if both[:, factor].max() >= 0.5
        and both[both[:, factor].argmax()].argmax() == factor
        and run.codes.used()[both[:, factor].argmax()]
    ]
    assert f"**{len(own)}** of 6" in told
    kl = 0.5 * (np.square(codes) + np.exp(run.codes.log_var) - 1 - run.codes.log_var).mean(axis=0)
    order = [number["index"] for number in face["numbers"]]
    assert order == np.argsort(-kl, kind="stable").tolist() and face["sorted_by"] == "KL"
    assert face["body"]["size"] < 1_000_000 and causes["body"] == face["body"] == table["body"]
    assert [later["kind"] for later in causes["later"]] == ["head"]

    features, between, answers, points = tables(at)
    assert features["feature"] == between["feature"] == answers["feature"] == table["factors"]
    assert said(at, r"By difference of means, .*?most along with it is “([\w ]+)”")[1] != "turn"
    shown = Shown("heads", "tc", 6)
    values = images.factor_values[:200]
    half = (codes[:200] + np.roll(codes[:200], 1, axis=0)) / 2
    off = seen_in(shown, half) - (values + np.roll(values, 1, axis=0)) / 2
    spread = labelled("heads").factor_values.std(axis=0, dtype=np.float64)
    told = np.sqrt(np.square(off / spread).mean(axis=0))
    assert between["halfway by code"] == [f"{value:.2f}" for value in told]
    walk, analogy = payload_headers(at)[-2:]
    assert (walk["kind"], analogy["kind"]) == ("walk", "analogy")
    assert np.allclose(walk["values"], images.factor_values[:24], rtol=1e-5) and walk["values"] == analogy["values"]
    assert [one["name"] for one in analogy["factors"]] == table["factors"]
    assert "no prior" in points["FSQ"] and "no prior" not in points["β-TCVAE"]
    assert said(at, r"The FSQ's list has \*\*([\d,]+)\*\* codes")[1] == f"{5**6:,}"
    mig = run.metrics["validation"]["factors"]["mig"]
    assert said(at, r"MIG of the run on screen, of 800 held-out images, is ([\d.]+)\.")[1] == f"{mig:.3f}"


def test_nothing_says_what_was_found_before_the_guess_and_sliders_reach_all_that_the_prior_does(heads):
    at = open_page(PAGE)
    before = payload_headers(at)[:2]
    assert not any(number["found"] for header in before for number in header["numbers"])
    predict(at, "of the 6 features", 0)
    after = payload_headers(at)[:2]
    assert all("r² " in number["found"] for header in after for number in header["numbers"])
    codes = load_run(spec_of(Shown("heads", "tc", 6)).key).codes
    spread = np.sqrt(codes.mean.var(axis=0) + np.exp(codes.log_var).mean(axis=0))
    for number in after[0]["numbers"]:
        assert number["high"] - number["low"] == pytest.approx(5 * spread[number["index"]], rel=1e-3)
        assert number["high"] - number["low"] > 3  # also of one that is not used, whose means hardly differ


def test_answers_fit_the_number_of_features():
    for factors in range(2, 20):
        options = list(how_many_options(factors).values())
        assert options == sorted(set(options)) and options[-1] == factors
    assert list(how_many_options(6)) == ["None or one", "Two or three", "Four or five", "All six"]


def test_levels_are_stops(heads):
    at = open_page(PAGE, model="fsq")
    face = payload_headers(at)[0]
    assert {(one["low"], one["high"], one["levels"]) for one in face["numbers"]} == {(-1.0, 1.0, 5)}
    assert face["sorted_by"] == "variance"
    assert all(2 * one["centre"] == round(2 * one["centre"]) for one in face["numbers"])


def test_images_without_known_features_are_said_to_have_none(heads, monkeypatch):
    monkeypatch.setattr(ui.chapters.faces.family, "choices", lambda *_: ("heads", "digits"))
    at = open_page(PAGE, model="vae", dataset="digits")
    assert not at.error
    sentences = [info.value for info in at.info]
    assert len(sentences) == 3 and all("Nobody knows the true features" in one for one in sentences)
    assert sum("Nobody knows the true features" in text for text in texts(at)) >= 2  # of the walk, and of analogies
    walk = next(header for header in payload_headers(at) if header["kind"] == "walk")
    assert "values" not in walk and "later" not in walk  # nothing draws digits
    assert found_by(Shown("digits", "vae", 6)) is None


def test_a_direction_is_the_difference_of_both_halves_or_parts_them(heads):
    shown = Shown("heads", "tc", 6)
    some = labelled("heads")
    codes = load_run(spec_of(shown).key).encode(some.floats())
    smile = some.factor_values[:, 0]
    more = smile > np.median(smile)
    vector = codes[more].mean(axis=0) - codes[~more].mean(axis=0)
    assert np.allclose(direction(shown, 0, "means"), vector, atol=1e-5)
    assert np.allclose(direction(shown, 0, "logistic"), logistic_direction(codes, more), atol=1e-6)
    at = open_page(PAGE, by="logistic", feature="5")
    assert not at.error
    line = next(header for header in payload_headers(at) if "along" in header)["along"]
    assert np.allclose(line["direction"], direction(shown, 4, "logistic"), atol=1e-5)
    moved = tables(at)[0]
    assert {"by difference of means", "by logistic regression", "in its unit"} <= set(moved)


def test_errors_are_of_each_feature_and_the_nearer_one_is_counted():
    code, baseline = np.array([[3.0, 0.0], [4.0, 0.0]]), np.array([[0.0, 2.0], [0.0, 6.0]])
    errors = errors_of(code, baseline, np.zeros((2, 2)))
    assert np.allclose(errors.code, [np.sqrt(12.5), 0.0]) and np.allclose(errors.baseline, [0.0, np.sqrt(20.0)])
    assert errors.nearer == 0.5 and errors.n == 2 and not errors.own.any()


def test_codes_between_levels_go_to_the_nearest_one():
    codes = np.array([[-3.0, -0.9, 0.25, 0.24, 1.4]])
    assert on_levels(codes, 5).tolist() == [[-1.0, -1.0, 0.5, 0.0, 1.0]]
    assert on_levels(codes, None) is codes


def test_photographs_that_are_not_here_are_said_to_be_missing(heads, monkeypatch, tmp_path):
    monkeypatch.setenv("VAE_DATA", str(tmp_path / "nothing"))
    assert "olivetti" in choices("somebody", "")
    at = open_page(PAGE, dataset="olivetti")
    assert not at.error and not at.warning
    assert any("is not on this machine" in text and "With a network" in text for text in texts(at))
    assert any("--dataset olivetti" in code.value for code in at.code)
    spec = wanted(Shown("olivetti", "vae", 6))
    assert spec.hidden == (16, 32, 64, 64, 96) and spec.epochs == 600 and spec.batch_size == 64


def test_own_images_with_their_factors_are_a_choice_and_measured(heads, monkeypatch, tmp_path):
    monkeypatch.setenv("VAE_DATA", str(tmp_path / "data"))
    bundled = load("heads", "train").first(240)
    factors = (Factor("smile", low=-1.0, high=1.0), Factor("open <b>", low=0.0, high=1.0))
    values = bundled.factor_values[:, :2]
    images = OwnImages(
        "mine.npz", bundled.images, np.zeros(240, np.int64), ("images",), factors=factors, factor_values=values
    )
    name = own.save(images, data_root())
    fields = {"latent_dim": 6, "hidden": (4, 8, 8), "epochs": 2, "likelihood": "gaussian", "variance": 0.01}
    get_or_train(heads, RunSpec(name, "conv_vae", **fields), execution=Execution(precision="float32"))
    assert name in choices("somebody", "")
    at = open_page(PAGE, dataset=name, model="vae")
    assert not at.error
    assert any("Their known features: smile, open" in text for text in texts(at))
    kinds = [header["kind"] for header in payload_headers(at)]
    assert "causes" not in kinds and kinds[-2:] == ["walk", "analogy"]
    walk = payload_headers(at)[-2]
    assert "values" not in walk and walk["heads"] == len(held_out(name)) == 24
    shown = Shown(name, "vae", 6)
    assert halfway(shown).n == 24 and len(halfway(shown).code) == 2
    assert tables(at)[0]["feature"] == ["smile", "open <b>"]


def test_a_feature_is_found_by_one_number_of_its_own():
    explained = np.array([[0.9, 0.6, 0.0], [0.1, 0.3, 0.0], [0.0, 0.0, 0.8]])
    used = np.array([True, True, False])
    found = Found(("a", "b", "c"), explained, explained, used, 10)
    assert found.pairs == [(0, 0)]  # b's best number tells more of a, and that of c is not used
    assert found.gaps == pytest.approx([0.8, 0.3, 0.8])
    assert found.best_told(0) == "a, r² 0.90"


def test_shares_of_the_variance():
    draws = np.random.default_rng(1)
    apart = shares({name: list(centre + 0.1 * draws.random(5)) for name, centre in (("a", 0.1), ("b", 0.5))})
    assert apart.recipe > 0.9 and apart.chance < 0.05
    alike = shares({name: list(draws.random(50)) for name in "abc"})
    assert alike.recipe < 0.1 and alike.chance > 0.05
    assert 0.6 < apart.low < apart.recipe < apart.high <= 1.0 and alike.low == 0.0
    few = shares({"a": [0.03, 0.07, 0.15, 0.06, 0.05], "b": [0.24, 0.1, 0.27, 0.35, 0.22]})
    assert few.low < 0.5 < few.high and few.chance < 0.05  # ten runs tell that they differ, and not what matters more
    wide = shares({"narrow": [0.3, 0.31], "wide": [0.0, 0.7]})
    assert wide.widest == ("wide", 0.0, 0.7) and wide.recipe == 0.0


def test_codes_that_no_image_has():
    codes = np.array([[0.0, 10.0], [1.0, 30.0], [5.0, 20.0]], dtype=np.float32)
    made = made_of(codes, None)
    assert np.array_equal(made.between, (codes + codes[[2, 0, 1]]) / 2)
    assert np.array_equal(made.nearest[0], (codes[0] + codes[2]) / 2)
    assert np.array_equal(np.sort(made.shuffled, axis=0), np.sort(codes, axis=0))
    levels = np.linspace(-1, 1, 5, dtype=np.float32)
    on_levels = made_of(levels[np.random.default_rng(0).integers(5, size=(20, 6))], 5)
    assert set(on_levels.between.ravel()) <= set(levels) and set(on_levels.shuffled.ravel()) <= set(levels)


def test_the_nearest_of_some_images():
    draws = np.random.default_rng(0)
    images, others = draws.random((4, 9)), draws.random((7, 9))
    expected = [min(np.square(one - other).mean() for other in others) for one in images]
    assert to_nearest_head(images, others) == pytest.approx(expected)
