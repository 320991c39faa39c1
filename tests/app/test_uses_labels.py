"""The bench "Few labels": its figures against scikit-learn, what its steps say, and what a browser may send."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from scipy import stats
from sklearn.svm import SVC

from ui.chapters.uses.labels import QUESTIONS, verdicts
from ui.chapters.uses.labels.draws import DRAWS, LEVELS, draw
from ui.chapters.uses.labels.features import FEATURES
from ui.chapters.uses.labels.machines import answers, known, machine, sent_pixels, told_by_hand
from ui.chapters.uses.labels.measured import WITHIN, accuracies, difference, kept, mean_of
from ui.chapters.uses.labels.steps import LIVE, ten
from ui.chapters.uses.labels.transfer import SOURCES, enlarged
from ui.runs.resources import held_out, load_run
from vae_core.datasets import is_here, load
from vae_core.errors import MeasureError
from vae_core.evaluation.few_labels import C, Machine
from vae_core.storage.manifest import SHIPPED
from vae_core.storage.store import Store

from .helpers import open_page, payload_headers, seen, tables, texts

PAGE = "pages/uses.py"
ANSWERED = {"bench": "labels", "answers": ",".join(f"{name}:0" for name in QUESTIONS)}


def html(at):
    return [one.value for one in at.get("html")]


# The figures


def test_every_kind_of_features_was_measured_on_the_same_draws_with_the_models_that_are_shipped():
    document = kept()
    assert document["draws"] == DRAWS and document["C"] == C and document["n"] == 10_000
    assert list(document["features"]) == list(FEATURES)
    for name, one in FEATURES.items():
        assert document["features"][name]["keys"] == [spec.key for spec in one.specs()]
        assert all(len(accuracies(name, level)) == DRAWS for level in LEVELS)
    assert list(document["transfer"]) == list(SOURCES)


@pytest.mark.skipif(not is_here("mnist"), reason="VAE_DATA holds no MNIST")
@pytest.mark.parametrize("name", ["pixels", "pca", "conv_ae", "hidden"])
def test_a_part_of_them_is_what_scikit_learn_finds_by_itself(name):
    bundled, test = load("mnist", "validation"), load("mnist", "test")
    runs = [Store(SHIPPED).load(spec.key) for spec in FEATURES[name].specs()]
    chosen = draw(bundled.labels, 10, 4)
    if name == "hidden":  # by torch rather than by the program
        import torch

        trunk = runs[0].model.trunk
        few, asked = (
            trunk(torch.from_numpy(one)).detach().numpy() for one in (bundled.floats()[chosen], test.floats())
        )
    else:
        few, asked = (FEATURES[name].of(runs, one) for one in (bundled.floats()[chosen], test.floats()))
    found = SVC(C=C, kernel="rbf", gamma="scale").fit(few.astype(np.float64), bundled.labels[chosen])
    accuracy = 100.0 * (found.predict(asked.astype(np.float64)) == test.labels).mean()
    assert accuracy == pytest.approx(accuracies(name, 10)[4], abs=0.05)  # float32 against float64


@pytest.mark.skipif(not is_here("mnist"), reason="VAE_DATA holds no MNIST")
def test_what_is_said_of_m2_is_what_its_network_does():
    run = next(one for one in kept()["m2"]["runs"] if one["seed"] == 0)
    stored, test = Store(SHIPPED).load(run["key"]), load("mnist", "test")
    import torch

    with torch.no_grad():
        logits = stored.model.logits(torch.from_numpy(test.floats()), torch.zeros(1))
    right = (logits.argmax(dim=1).numpy() == test.labels).mean()
    assert right == pytest.approx(run["accuracy"], abs=2e-4)
    assert stored.metrics["test"]["accuracy"] == pytest.approx(run["accuracy"], abs=2e-4)


def test_intervals_are_students():
    assert pytest.approx(stats.t.ppf(0.975, DRAWS - 1), abs=1e-3) == WITHIN
    values = np.random.default_rng(0).normal(80.0, 2.0, DRAWS)
    low, high = stats.t.interval(0.95, DRAWS - 1, values.mean(), stats.sem(values))
    found = mean_of(values)
    assert (found.mean - found.half, found.mean + found.half) == pytest.approx((low, high), abs=1e-3)
    assert difference("pca", "pca", 10) == (0.0, 0.0, 0.0)


def test_the_machine_is_scikit_learns_for_any_number_of_classes():
    small = load("digits", "train")
    test = load("digits", "test").floats()
    for count, classes in ((30, 10), (200, 10), (60, 2), (80, 3)):
        which = np.flatnonzero(small.labels < classes)[:count]
        x, y = small.floats()[which], small.labels[which]
        wanted = SVC(C=C).fit(x.astype(np.float64), y).predict(test.astype(np.float64))
        assert (Machine.fit(x, y).predict(test) == wanted).mean() > 0.99  # a tie of votes may fall otherwise in float32
    with pytest.raises(ValueError, match="at least two classes"):
        Machine.fit(small.floats()[:3], np.zeros(3))


# Answers of the questions


def test_the_answers_are_computed_from_the_figures(monkeypatch):
    right, why = verdicts.hundred()
    best = verdicts.best_at(10)
    assert FEATURES[best].title in why
    assert best in verdicts._GROUPS[right]
    told = np.linspace(60, 62, 20)
    monkeypatch.setattr(verdicts, "accuracies", lambda name, *_: told + 30 * (name == "vq"))
    assert verdicts.hundred()[0] == 3
    monkeypatch.setattr(verdicts, "difference", lambda *_: mean_of(np.linspace(1, 2, 20)))
    assert verdicts.units()[0] == 0
    monkeypatch.setattr(verdicts, "difference", lambda *_: mean_of(np.linspace(-1, 1, 20)))
    assert verdicts.units()[0] == 1
    monkeypatch.setattr(verdicts, "difference", lambda *_: mean_of(np.linspace(-3, -1, 20)))
    assert verdicts.units()[0] == 2


def test_m2_is_judged_against_the_best_features(monkeypatch):
    for accuracy, option in ((0.5, 0), (0.99, 2)):
        monkeypatch.setattr(verdicts, "m2_figures", lambda accuracy=accuracy: [{"seed": 0, "accuracy": accuracy}])
        right, why = verdicts.unlabelled()
        assert right == option and f"**{100 * accuracy:.1f} %**" in why


# Labels, drawings


def test_draws_differ_and_those_of_fewer_labels_are_among_those_of_more():
    labels = held_out("mnist").labels
    few, more = draw(labels, 3, 0), draw(labels, 300, 0)
    assert set(few) < set(more) and np.bincount(labels[more]).tolist() == [300] * 10
    assert set(few) != set(draw(labels, 3, 1))


def test_a_held_out_digit_is_told_by_every_classifier_and_nothing_is_told_of_what_did_not_arrive():
    image = held_out("mnist").images[7].reshape(-1)
    pixels = sent_pixels(base64.b64encode(image.tobytes()).decode())
    assert np.array_equal(pixels, image[None].astype(np.float32) / 255)
    found = answers(pixels, 10, 0)
    assert list(found) == list(FEATURES)
    for name, one in found.items():
        features = FEATURES[name].of([load_run(spec.key) for spec in FEATURES[name].specs()], pixels)
        assert one.label == machine(name, 10, 0).predict(features)[0] and 0 < one.votes <= one.most == 9
    assert sent_pixels(None) is None
    for wrong in ("", "abc", "?" * 1048, base64.b64encode(b"1" * 783).decode(), 5, ["x"], "é" * 100):
        with pytest.raises(MeasureError, match="did not arrive whole"):
            sent_pixels(wrong)


def test_labels_by_hand_count_as_they_are_given():
    which, labels = ten(0), held_out("mnist").labels
    truth = tuple(int(labels[one]) for one in which)
    assert sorted(truth) == list(range(10)) and set(which) != set(ten(1))
    right = told_by_hand(which, truth)
    wrong = told_by_hand(which, tuple((label + 1) % 10 for label in truth))
    others = np.setdiff1d(np.arange(len(labels)), which)
    fitted = SVC(C=C).fit(known("pca")[list(which)], truth)
    accuracy = 100.0 * (fitted.predict(known("pca")[others]) == labels[others]).mean()
    assert right["pca"].accuracy == pytest.approx(accuracy, abs=0.1)
    assert all(wrong[name].accuracy < right[name].accuracy for name in FEATURES)
    with pytest.raises(MeasureError, match="two different labels"):
        told_by_hand(which, (3,) * 10)


def test_small_digits_are_enlarged_to_the_middle():
    images = np.zeros((1, 1, 8, 8), np.uint8)
    images[0, 0, :, :4] = 255
    large = enlarged(images).reshape(28, 28)
    assert large[:4].max() == large[:, :4].max() == large[24:].max() == 0.0
    assert large[5:23, 4:12].min() == 1.0 and large[:, 16:].max() == 0.0


# The page


def test_the_bench_asks_before_it_shows():
    at = seen(PAGE, bench="labels")
    assert not at.error and not at.warning
    assert len([one for one in at.radio if "Predict first" in one.label]) == len(QUESTIONS)
    assert not any("Test digits told right with" in one for one in html(at))


def test_once_answered_it_shows_figures_and_sends_m2():
    at = seen(PAGE, **ANSWERED)
    assert not at.error and not at.warning
    header = next(one for one in payload_headers(at) if one["kind"] == "analogies")
    assert header["style"] == 6 and len(header["labels"]) == 10
    assert len(tables(at)) >= 4


def test_a_link_sets_labels_and_draw_and_the_button_goes_on():
    at = open_page(PAGE, **ANSWERED, labels="30", draw="20")
    assert at.select_slider(key="labels-level").value == 30
    assert at.session_state["labels-draw"] == 20
    at.button(key="uses-labels-next").click().run()
    assert at.session_state["labels-draw"] == 1 and "draw" not in at.query_params


def test_ten_labels_by_hand_are_asked_for_and_answered():
    at = open_page(PAGE, **ANSWERED)
    assert any("two different labels" in one for one in texts(at))
    at.button(key="uses-labels-fill").click().run()
    assert not at.exception
    assert any("10 of your 10 labels" in one for one in texts(at))


def test_what_a_browser_sent_is_answered_or_refused():
    for sent, wanted in (
        (base64.b64encode(held_out("mnist").images[3].tobytes()).decode(), "What each classifier says"),
        (base64.b64encode(bytes(784)).decode(), "The board is empty"),
        ("nonsense", "did not arrive whole"),
    ):
        at = open_page(PAGE, **ANSWERED)
        at.session_state[LIVE] = {"seen": sent}
        at.run()
        assert not at.exception
        assert any(wanted in one for one in (*html(at), *(error.value for error in at.error)))
