"""The chapter on dimensionality reduction: every number told is that of the runs on screen."""

from __future__ import annotations

import html
import io
import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.spatial.distance import cdist
from scipy.stats import binomtest
from sklearn.decomposition import PCA
from streamlit.testing.v1 import AppTest

import ui.chapters.reduction.memoriser
from ui.chapters.reduction.comparison import best_of_three
from ui.chapters.reduction.equal_epochs import at_equal_epochs, convolutions_text
from ui.chapters.reduction.linear import rotated
from ui.chapters.reduction.noise import FILE, PIXELS_LINEAR, SHOWN_SIGMAS, measured, noise_text
from ui.chapters.reduction.selection import kept_pixels
from ui.figures.pictures import signed_tiles, tiles
from ui.runs.resources import store
from vae_core.datasets import load
from vae_core.run import Run
from vae_core.spec import RunSpec
from vae_core.storage.manifest import read_manifest, shipped_run
from vae_core.storage.measured import read_measured
from vae_core.storage.store import Listed, Store

from .helpers import (
    ROOT,
    boxes,
    charts,
    copy_runs,
    open_page,
    payload_headers,
    pictured,
    pictures,
    plotted,
    predict,
    revealed,
    said,
    seen,
    subheaders,
    tables,
    tells,
    texts,
    words,
)

PAGE = "pages/reduction.py"
TITLES = {
    "pixels": "Chosen pixels", "pca": "PCA", "linear_ae": "Linear autoencoder", "ae": "Autoencoder",
    "conv_ae": "Convolutional autoencoder",
}  # fmt: skip
HIDDEN = {"ae": (128, 64), "conv_ae": (16, 32, 64)}
COMPARED = ("pixels", "pca", "linear_ae", "ae", "conv_ae")
DIMENSIONS = (2, 8, 16, 32)
STEPS = [
    "Which pair loses least?", "The more numbers, the smaller the error", "PCA: the best linear pair",
    "What the numbers stand for", "Where a linear map fails", "Is a code more robust to noise?",
    "One number for each image", "You now know",
]  # fmt: skip
NOISE_BOX = "All numbers"
EPOCHS_BOX = "Convolutions and epochs in numbers"
FOOT = ["The mathematics, with the numbers on screen", "This in code", "Sources"]
BEST, LINE = "hich keeps most of a digit", "What lies halfway"
OPTIONS = ("well-chosen pixels", "the best linear map (PCA)", "a deep autoencoder")
COVERED = "Answer the question, or skip it"


def spec_of(model: str, d: int) -> RunSpec:
    return shipped_run(dataset="mnist", model=model, latent_dim=d, seed=0, hidden=HIDDEN.get(model, ()))


def run_of(model: str, d: int) -> Run:
    return store().load(spec_of(model, d).key)


def runs_like(spec: RunSpec) -> list[Run]:
    """The shipped runs that differ in nothing but the seed."""
    return [store().load(one.key) for one in read_manifest() if replace(one, seed=0) == spec]


def fewer_epochs(d: int) -> list[Listed]:
    """What was measured of autoencoders after as many epochs as the convolutional ones."""
    alike = replace(spec_of("ae", d), epochs=spec_of("conv_ae", d).epochs)
    return [line for line in read_measured() if line.spec and replace(line.spec, seed=0) == alike]


def mean_error(lines: list[Listed]) -> float:
    return sum(line.metrics["test"]["mse"] for line in lines) / len(lines)


def folds(at: AppTest) -> list[str]:
    """Titles of the boxes that open within the steps."""
    return [title for element in at.get("html") for title in re.findall("<summary[^>]*>(.*?)</summary>", element.value)]


def memoriser_of(count: int) -> Run:
    return store().load(shipped_run(model="memoriser", images=count).key)


def open_answered(**query: str) -> AppTest:
    """The chapter with both questions skipped."""
    at = open_page(PAGE, **query)
    for question in ("best", "line"):
        skip(at, question)
    return at


def skip(at: AppTest, question: str) -> None:
    """Show what a question hides; its name is how its key begins."""
    next(button for button in at.button if (button.key or "").startswith(f"skip-{question}")).click().run()
    assert not at.exception, at.exception


def hidden(at: AppTest) -> int:
    """In how many places evidence waits for an answer."""
    return sum(COVERED in caption.value for caption in at.caption)


def decoded(run: Run, codes: np.ndarray) -> np.ndarray:
    """Expected pixels by torch."""
    with torch.no_grad():
        return run.likelihood.expected_pixels(run.model.decode(torch.from_numpy(codes).float())).numpy()


def rebuilt(model: str, d: int, start: int) -> bytes:
    """The row of ten held-out digits from `start` after a run's bottleneck."""
    run = run_of(model, d)
    return tiles(run.decode(run.codes.mean[start : start + 10]), run.image_shape, columns=10)


def other_store(monkeypatch, folder, keys, change=None) -> None:
    """Let the app have these runs only, changed if asked for."""
    copy_runs(store(), Store(folder), keys, change)
    monkeypatch.setenv("VAE_STORE", str(folder))


def everything_else(*models: str, d: int = 16) -> list[str]:
    """Keys of what the page needs at d, but of these models."""
    runs = [spec_of(model, d).key for model in TITLES if model not in models]
    runs += [shipped_run(dataset="s_curve", model=model).key for model in ("pca", "ae")]
    return [*runs, shipped_run(model="memoriser", images=50).key, shipped_run(dataset="mnist", model="classifier").key]


@pytest.mark.parametrize("d", DIMENSIONS)
def test_the_page_is_whole_at_every_d(d):
    at = open_answered(d=str(d))
    assert not at.error and not at.warning
    assert subheaders(at) == STEPS
    assert len(pictures(at)) == 3 + 1 + len(COMPARED) + 2 + len(SHOWN_SIGMAS)
    assert [header["kind"] for header in payload_headers(at)] == ["line"]
    assert len(charts(at)) == 4 and hidden(at) == 0
    assert boxes(at) == FOOT and folds(at) == [EPOCHS_BOX, NOISE_BOX]
    assert at.query_params == ({} if d == 8 else {"d": str(d)})


def test_evidence_is_hidden_until_its_question_is_answered_or_skipped():
    at = open_page(PAGE)
    assert hidden(at) == 3 and len(charts(at)) == 3 and payload_headers(at) == []
    assert TITLES["ae"] not in pictured(at) and not any("PCA's error over" in text for text in texts(at))
    predict(at, BEST, 0)
    assert hidden(at) == 1 and len(charts(at)) == 4 and TITLES["ae"] in pictured(at)
    skip(at, "line")
    assert hidden(at) == 0 and [header["kind"] for header in payload_headers(at)] == ["line"]
    at.segmented_control(key="reduction-d").set_value(16).run()
    at.segmented_control(key="reduction-n").set_value(10).run()
    assert hidden(at) == 0 and "d = 16" in revealed(at)[0]


def test_d_is_8_where_the_link_does_not_say_and_the_link_follows_the_control():
    at = open_answered()
    control = lambda: at.segmented_control(key="reduction-d")
    assert control().value == 8 and "d" not in at.query_params
    control().set_value(2).run()
    assert at.query_params["d"] == "2"
    assert pictures(at)[5] == rebuilt("pca", 2, 0)
    control().set_value(8).run()
    assert "d" not in at.query_params


@pytest.mark.parametrize("d", [2, 32])
def test_the_first_picture_shows_the_pixels_that_the_run_keeps(d):
    at = open_page(PAGE, d=str(d))
    run, digits = run_of("pixels", d), load("mnist", "validation").floats()[:3]
    chosen = set(np.flatnonzero(run.weights["code.weight"].sum(axis=0)))  # each row has a single 1
    assert set(kept_pixels(run)) == chosen and len(chosen) == d
    original, kept, predicted = pictures(at)[:3]
    assert original == tiles(digits, (1, 28, 28), columns=3)
    assert predicted == tiles(decoded(run, run.codes.mean[:3]), (1, 28, 28), columns=3)
    sheet = np.asarray(Image.open(io.BytesIO(kept)).convert("RGB")).astype(int)
    for number in range(3):
        tile = sheet[:, 30 * number : 30 * number + 28].reshape(784, 3)
        blue = set(np.flatnonzero(tile[:, 2] - tile[:, 0] > 50))  # grey has as much red as blue
        assert blue == chosen
        by_value = sorted(chosen, key=digits[number].__getitem__)
        assert (np.diff(tile[by_value].sum(axis=1)) >= 0).all() and tile[by_value[-1], 1] > tile[by_value[0], 1]
        grey = [pixel for pixel in range(784) if pixel not in chosen]
        assert np.abs(tile[grey] - 0.3 * 255 * digits[number, grey, None]).max() <= 1
    told = said(at, r"the other (\d+) predicted from them; error (\S+)")
    error = np.mean((decoded(run, run.codes.mean[:3]) - digits) ** 2)
    assert int(told[1]) == 784 - d and float(told[2]) == pytest.approx(error, abs=5.1e-5)


@pytest.mark.parametrize("d", [2, 16])
def test_the_errors_told_are_those_of_the_digits_on_screen_and_of_the_file(d):
    at = open_answered(d=str(d))
    images = load("mnist", "validation")
    for start in (0, 10):
        shown = images.floats()[start : start + 10]
        parts = pictured(at)
        title, original, *rows = parts[parts.index("Held-out digits") :]
        assert (title, original) == ("Held-out digits", tiles(shown, images.image_shape, columns=10))
        for number, model in enumerate(COMPARED):
            run = run_of(model, d)
            title, told, picture = rows[3 * number : 3 * number + 3]
            assert (title, picture) == (TITLES[model], rebuilt(model, d, start))
            here, on_test = re.fullmatch(r"error (\S+) here, (\S+) on 10,000 test digits", told).groups()
            error = np.mean((decoded(run, run.codes.mean[start : start + 10]) - shown) ** 2)
            assert float(here) == pytest.approx(error, abs=5.1e-5)
            assert (on_test, run.metrics["test"]["n"]) == (f"{run.metrics['test']['mse']:.4f}", 10_000)
        at.button(key="reduction-other").click().run()


def test_every_point_of_the_chart_is_a_mean_over_runs_and_its_bar_reaches_to_the_least_and_the_largest():
    at = open_answered(d="16")
    chart = charts(at)[0]
    drawn = {trace["name"]: dict(zip(trace["x"], trace["y"], strict=True)) for trace in chart["data"]}
    fewer = f"{TITLES['ae']}, {spec_of('conv_ae', 2).epochs} epochs"
    assert list(drawn.pop(fewer).values()) == pytest.approx([mean_error(fewer_epochs(d)) for d in DIMENSIONS])
    names = {  # with the epochs, where two lines differ in them
        model: f"{title}, {spec_of(model, 2).epochs} epochs" if model in ("ae", "conv_ae") else title
        for model, title in TITLES.items()
    }
    several = 0
    assert list(drawn) == list(names.values())
    for model, name in names.items():
        bars = next(trace["error_y"] for trace in chart["data"] if trace["name"] == name)
        for place, d in enumerate(DIMENSIONS):
            errors = [run.metrics["test"]["mse"] for run in runs_like(run_of(model, d).spec)]
            several += len(errors) > 1
            assert drawn[name][d] == pytest.approx(np.mean(errors))
            assert bars["array"][place] == pytest.approx(max(errors) - np.mean(errors), abs=1e-12)
            assert bars["arrayminus"][place] == pytest.approx(np.mean(errors) - min(errors), abs=1e-12)
    assert several == 3  # the autoencoder at d = 2 and 16, the convolutional one at d = 16
    assert [(shape["x0"], shape["x1"]) for shape in chart["layout"]["shapes"]] == [(16, 16)]
    assert len({trace["marker"]["symbol"] for trace in chart["data"]}) == len(TITLES) + 1
    for title, errors in drawn.items():  # and so for those who do not see it
        assert f"{title}: {', '.join(f'{error:.4f} at d = {d}' for d, error in errors.items())}." in words(at)[0]
    for d in DIMENSIONS:  # what the words beside it say
        pixels, pca, linear, *deep = (drawn[names[model]][d] for model in COMPARED)
        assert pixels > pca > max(deep) and linear == pytest.approx(pca, rel=1e-3)


def test_the_gain_over_pca_is_told_at_every_d():
    text = said(open_answered(), r"PCA's error over the autoencoder's: .*")[0]
    told = {int(d): float(ratio) for ratio, d in re.findall(r"\*\*([\d.]+)\*\* at d = (\d+)", text)}
    errors = {
        model: [np.mean([run.metrics["test"]["mse"] for run in runs_like(run_of(model, d).spec)]) for d in DIMENSIONS]
        for model in ("pca", "ae")
    }
    ratios = [pca / ae for pca, ae in zip(errors["pca"], errors["ae"], strict=True)]
    assert list(told) == list(DIMENSIONS)
    assert list(told.values()) == pytest.approx(ratios, abs=0.051)
    seeds = [run.metrics["test"]["mse"] for run in runs_like(run_of("ae", 16).spec)]
    others = [run.metrics["test"]["mse"] for run in runs_like(run_of("ae", 2).spec)]
    widest = max(max(errors) / min(errors) - 1 for errors in (seeds, others))
    assert len(seeds) == len(others) == 3 and f"by at most {widest:.0%}." in text


def test_convolutions_are_compared_after_equally_many_epochs_and_by_both_losses():
    at, told = open_answered(), convolutions_text()
    assert told in [element.value for element in at.markdown] or told in "\n".join(texts(at))
    ratios, several = {}, [[line.metrics["test"]["mse"] for line in fewer_epochs(2)]]
    for d in DIMENSIONS:
        conv = [run.metrics["test"]["mse"] for run in runs_like(spec_of("conv_ae", d))]
        plain = [line.metrics["test"]["mse"] for line in fewer_epochs(d)]
        several += [conv, plain, [run.metrics["test"]["mse"] for run in runs_like(spec_of("ae", d))]]
        assert at_equal_epochs()[d][0].squared == tuple(plain) and at_equal_epochs()[d][1].squared == tuple(conv)
        assert {at_equal_epochs()[d][k].epochs for k in (0, 1)} == {run_of("conv_ae", d).spec.epochs}
        ratios[d] = np.mean(plain) / np.mean(conv)
    chance = max(max(errors) / min(errors) for errors in several)  # what a random start does
    assert 1 / chance < ratios.pop(2) < chance < min(ratios.values())
    assert "better at d = 8, 16 and 32" in told and "at d = 2 they cannot be told apart" in told
    assert f"up to {chance - 1:.0%}" in told
    table = next(table for table in tables(at) if "epochs" in table)
    row = list(zip(table["model"], table["epochs"], strict=True)).index(
        ("Convolutional autoencoder, d\u00a0=\u00a08", "20")
    )
    measured_conv = run_of("conv_ae", 8).metrics["test"]
    assert table["squared error per pixel"][row] == f"{measured_conv['mse']:.4f}"
    assert table["cross-entropy, nats per image"][row] == f"{measured_conv['reconstruction']:.1f}"
    note = next(text for text in texts(at) if text.startswith("10,000 test digits; means over"))
    assert f"no decoder can get below {measured_conv['bernoulli_floor']:.1f} nats" in note


def test_shares_told_right_under_noise_are_those_of_the_file_with_exact_intervals():
    document, found = json.loads(FILE.read_text("utf-8")), measured()
    assert found.n == document["n"] == 5_000
    for name, starts in document["right"].items():
        one = found.told[name]
        assert np.allclose(one.shares, np.mean(starts, axis=0) / found.n)
        for at, right in enumerate(zip(*starts, strict=True)):
            ends = [binomtest(count, found.n).proportion_ci(method="exact") for count in (min(right), max(right))]
            assert (one.low[at], one.high[at]) == pytest.approx((ends[0].low, ends[1].high))
    at = seen(PAGE)
    chart = next(chart for chart, told in zip(charts(at), words(at), strict=True) if "against the noise" in told)
    assert len(chart["data"]) == len(document["right"])
    half = found.sigmas.index(0.5)
    assert f"**{found.told[PIXELS_LINEAR].shares[half]:.0%}**" in noise_text()
    codes = max(found.told[model].high[half] for model in ("ae", "vae"))
    pixels = max(one.low[half] for name, one in found.told.items() if "pixels" in name)
    assert codes < pixels < found.told["pca"].low[half]
    assert "**less** robust" in noise_text() and "PCA's are more robust" in noise_text()


@pytest.mark.parametrize("best", [None, "pixels", "pca", "ae"])
def test_the_right_prediction_is_that_of_the_least_error_in_the_files(tmp_path, monkeypatch, best):
    three = ("pixels", "pca", "ae")

    def change(run: Run) -> dict:
        fake = {**run.metrics["test"], "mse": 1e-5 * (1 + three.index(run.spec.model))}
        fake["mse"] = fake["mse"] / 100 if run.spec.model == best else fake["mse"]
        return {"metrics": {**run.metrics, "test": fake}}

    if best:
        other_store(monkeypatch, tmp_path, [spec_of(model, 16).key for model in three], change)
    errors = [run_of(model, 16).metrics["test"]["mse"] for model in three]
    right = int(np.argmin(errors))
    assert best is None or three[right] == best
    index, told = best_of_three(16)
    assert index == right
    for model, error in zip(three, errors, strict=True):
        assert f"{TITLES[model]} {error:.4f}" in told


def test_the_prediction_is_judged_by_the_errors_of_the_chosen_d(tmp_path, monkeypatch):
    def change(run: Run) -> dict:
        better = (run.spec.model, run.spec.latent_dim) in (("pca", 16), ("pixels", 2))
        return {"metrics": {**run.metrics, "test": {**run.metrics["test"], "mse": 1e-7 if better else 1e-3}}}

    keys = [spec_of(model, d).key for model in ("pixels", "pca", "ae") for d in (2, 16)]
    other_store(monkeypatch, tmp_path, keys, change)
    for d, option, verdict in ((16, 1, "**Yes.**"), (2, 2, f"**No: {OPTIONS[0]}.**")):
        at = open_page(PAGE, d=str(d))
        assert revealed(at) == []
        answer = predict(at, BEST, option)
        assert verdict in answer and best_of_three(d)[1] in answer


def hole_counts(run: Run) -> tuple[int, int]:
    """Numbers of holes at the whole numbers and halfway between: torch decodes and sees, scipy measures."""
    classifier = store().load(shipped_run(dataset="mnist", model="classifier").key)
    reference = classifier.extras["reference"].astype(np.float64)
    beyond = np.quantile(cdist(classifier.codes.mean, reference).min(axis=1), 0.95)
    counts = []
    for z in (np.arange(float(run.spec.images)), np.arange(run.spec.images - 1) + 0.5):
        pixels = torch.from_numpy(decoded(run, z[:, None]).clip(0.0, 1.0))
        with torch.no_grad():
            features = classifier.model.encode_mean(pixels).numpy()
        counts.append(int((cdist(features, reference).min(axis=1) > beyond).sum()))
    return counts[0], counts[1]


@pytest.mark.parametrize("count", [10, 50])
def test_what_lies_between_two_memorised_digits_is_measured(count):
    at = open_page(PAGE, n=str(count))
    run = memoriser_of(count)
    at_numbers, between = hole_counts(run)
    assert revealed(at) == []
    answer = predict(at, LINE, 1)
    usual = max(at_numbers / count, 0.05)
    interval = binomtest(between, count - 1).proportion_ci(method="exact")
    right = 1 if between / (count - 1) >= 2 * usual and interval.low > usual else 0
    assert ("**Yes.**" if right == 1 else "**No: digits about as good") in answer
    assert f"{between} of the {count - 1} images halfway between two numbers" in answer
    assert f"({between / (count - 1):.0%}; a 95% interval, if they were independent, of {interval.low:.0%} to" in answer
    assert f"to {interval.high:.0%}); of the {count} at the numbers themselves, {at_numbers} (" in answer
    labels = load("mnist_sample", "train").labels[:count]
    assert ("the code 3 holds a 3 for one reason only" in answer) == bool((labels == np.arange(count) % 10).all())


def test_nothing_is_measured_before_the_visitor_has_chosen_and_the_answer_follows_the_measurement(monkeypatch):
    calls = []

    def no_holes(features, reference, threshold):
        calls.append(len(features))
        return np.zeros(len(features), dtype=bool)

    monkeypatch.setattr(ui.chapters.reduction.memoriser, "holes", no_holes)
    at = open_page(PAGE, n="10")
    assert calls == [] and revealed(at) == []
    answer = predict(at, LINE, 0)
    assert calls == [10, 9]
    assert "**Yes.**" in answer and "0 of the 9 images halfway" in answer


def directions(run: Run) -> np.ndarray:
    return run.weights["decoder.0.weight"].astype(np.float64)


@pytest.mark.parametrize("d", [2, 16])
def test_the_angle_between_the_subspaces_and_their_errors_are_right(d):
    at = seen(PAGE, d=str(d))
    runs = [run_of("pca", d), run_of("linear_ae", d)]
    bases = [np.linalg.qr(directions(run))[0] for run in runs]
    # The sine of the largest angle: what is left of one basis outside the other subspace.
    sine = np.linalg.norm(bases[1] - bases[0] @ (bases[0].T @ bases[1]), ord=2)
    images = load("mnist", "validation").floats().astype(np.float64)
    errors = [np.mean((decoded(run, run.codes.mean) - images) ** 2) for run in runs]
    told = said(at, r"largest angle between the two is \*\*(\S+)°\*\*, and the errors differ by \*\*(\S+)%\*\*")
    assert float(told[1]) == pytest.approx(math.degrees(math.asin(sine)), abs=0.0051)
    assert float(told[2]) == pytest.approx(100 * abs(errors[1] / errors[0] - 1), abs=0.0051)
    angles = r"(?:not )?all at right angles, largest cosine (\S+)"
    form = rf"error (\S+); {angles}; decoder and transposed encoder differ by (\S+)%"
    captions = [found.groups() for text in texts(at) if (found := re.fullmatch(form, text))]
    for (number, cosine, differ), run, error in zip(captions, runs, errors, strict=True):
        assert float(number) == pytest.approx(error, abs=5.1e-6)
        unit = directions(run) / np.linalg.norm(directions(run), axis=0)
        assert cosine == f"{np.abs(unit.T @ unit - np.eye(d)).max():.2f}"
        gap = np.square(run.weights["code.weight"] - directions(run).T).sum() / np.square(directions(run)).sum()
        assert float(differ) == pytest.approx(100 * math.sqrt(gap), abs=0.51)
    assert captions[0][1:] == ("0.00", "0") and captions[1][2] != "0"


@pytest.mark.parametrize("d", [2, 16])
def test_the_spectrum_and_the_least_error_are_those_of_scikit_learn(d):
    at = open_page(PAGE, d=str(d))
    digits = load("mnist", "validation").floats().astype(np.float64)
    fitted = PCA(svd_solver="full").fit(digits)
    expected = fitted.explained_variance_ * (len(digits) - 1) / len(digits)
    kept, left, share = charts(at)[0]["data"]
    assert plotted(kept["x"]).tolist() == list(range(1, d + 1)) and plotted(left["x"])[0] == d + 1
    bars = np.concatenate([plotted(kept["y"]), plotted(left["y"])])
    assert bars == pytest.approx(expected[: len(bars)], rel=1e-6)
    cumulative = 100 * np.cumsum(fitted.explained_variance_ratio_)
    assert plotted(share["y"]) == pytest.approx(cumulative[: len(bars)], rel=1e-6)
    told = said(at, r"first (\d+) of 784 eigenvalues hold \*\*(\d+)%\*\* .* is \*\*(\S+)\*\*\. No .* \*\*(\S+)\*\*\.$")
    best = PCA(d, svd_solver="full").fit(digits)
    least = np.mean((digits - best.inverse_transform(best.transform(digits))) ** 2)
    assert (int(told[1]), int(told[2])) == (d, round(cumulative[d - 1]))
    assert float(told[3]) == pytest.approx(least, abs=5.1e-5)
    measured = run_of("pca", d).metrics["validation"]["mse"]
    assert told[4] == f"{measured:.4f}" and least < measured


@pytest.mark.parametrize("model", ["pca", "linear_ae"])
@pytest.mark.parametrize("d", [2, 16])
def test_turning_the_code_does_not_change_the_error(model, d):
    run = run_of(model, d)
    directions_before, error = rotated(run, 0.0)
    assert error == pytest.approx(run.metrics["validation"]["mse"], rel=1e-3)
    assert np.array_equal(directions_before, directions(run))
    for degrees in (15.0, 75.0, 180.0):
        turned, turned_error = rotated(run, degrees)
        assert abs(turned_error - error) <= 1e-9
        assert np.abs(turned[:, :2] - directions_before[:, :2]).max() > 0.01
        assert np.array_equal(turned[:, 2:], directions_before[:, 2:])


@pytest.mark.parametrize("d", [2, 16])
def test_the_dial_turns_the_directions_on_screen(d):
    at = open_page(PAGE, d=str(d))
    both = slice(-2 - len(SHOWN_SIGMAS), -len(SHOWN_SIGMAS))  # before the noisy digits
    unturned = pictures(at)[both]
    at.slider(key="reduction-turn").set_value(75).run()
    angle = math.radians(75)
    for picture, before, model in zip(pictures(at)[both], unturned, ("pca", "linear_ae"), strict=True):
        first, second, *rest = directions(run_of(model, d)).T
        turned = [
            math.cos(angle) * first - math.sin(angle) * second,
            math.sin(angle) * first + math.cos(angle) * second,
            *rest,
        ]
        assert picture != before
        assert picture == signed_tiles(np.array(turned[:8]), (1, 28, 28), columns=8)
        assert f"{TITLES[model]}, turned by 75°" in texts(at)
    said(at, "Both images change" if d == 2 else "The first two images of each row change, the others stay")


def test_the_sheets_errors_and_their_ratio_are_right():
    at = seen(PAGE)
    points = load("s_curve", "validation").floats()
    errors, below = [], np.array([-0.95, 0.0, 0.0])
    traces = {trace["name"]: trace for trace in charts(at)[1]["data"]}
    column = lambda name: np.stack([plotted(traces[name][axis]) for axis in "xyz"], axis=1)
    every, made_of_all, lines = column("points"), column("after the code"), column("lost")
    assert np.array_equal(lines[0::3], every) and np.array_equal(lines[1::3], made_of_all)
    assert np.isnan(lines[2::3]).all()
    count = len(every) // 2
    assert count >= 300
    for number, model in enumerate(("pca", "ae")):
        run = store().load(shipped_run(dataset="s_curve", model=model).key)
        made = decoded(run, run.codes.mean)
        errors.append(float(np.mean((made - points) ** 2)))
        part = slice(number * count, (number + 1) * count)
        assert every[part] - number * below == pytest.approx(points[:count], abs=1e-6)
        assert made_of_all[part] - number * below == pytest.approx(made[:count], abs=1e-5)
        assert f"{TITLES[model]}, d = 2: error {errors[-1]:.6f}" in words(at)[1]
    names = [note["text"] for note in charts(at)[1]["layout"]["scene"]["annotations"]]
    assert names == [TITLES["pca"], TITLES["ae"]]
    told = said(at, r"error per coordinate is \*\*(\S+)\*\* instead of \*\*(\S+)\*\*, \*\*(\S+) times\*\* less")
    assert told.groups() == (f"{errors[1]:.6f}", f"{errors[0]:.6f}", f"{errors[0] / errors[1]:.0f}")


def test_pca_puts_the_sheet_on_the_plane_that_is_drawn_and_loses_its_width():
    at = open_page(PAGE)
    surface = next(trace for trace in charts(at)[1]["data"] if trace["type"] == "mesh3d")
    vertices = np.stack([plotted(surface[axis]) for axis in "xyz"], axis=1)
    corners = vertices[:4]
    assert {plotted(surface[name])[k] for name in "ijk" for k in (0, 1)} == {0, 1, 2, 3}
    across, up = corners[1] - corners[0], corners[3] - corners[0]
    normal = np.cross(across, up) / np.linalg.norm(np.cross(across, up))
    points = load("s_curve", "validation").floats()
    run = store().load(shipped_run(dataset="s_curve", model="pca").key)
    made = decoded(run, run.codes.mean)
    assert np.abs((made - corners[0]) @ normal).max() < 1e-4
    lost = points - made
    assert np.linalg.norm(lost - np.outer(lost @ normal, normal), axis=1).max() < 1e-2  # at right angles to the plane
    assert abs(normal[1]) > 0.99  # the width of the sheet is along y
    assert len(plotted(surface["i"])) > 1000 and min(plotted(surface["i"])[2:]) >= 4
    curved = np.linalg.svd(vertices[4:] - vertices[4:].mean(axis=0), compute_uv=False)
    assert curved[2] > 0.1 * curved[0]  # no plane


@pytest.mark.parametrize("count", [10, 200])
def test_the_line_holds_the_memorised_digits_and_its_errors_are_the_files(count):
    at = open_answered()
    assert payload_headers(at)[0]["key"] == memoriser_of(50).key
    at.segmented_control(key="reduction-n").set_value(count).run()
    assert at.query_params["n"] == str(count)
    run = memoriser_of(count)
    header = payload_headers(at)[0]
    assert (header["key"], header["range"]) == (run.key, [0, count - 1])
    assert header["labels"] == [str(label) for label in load("mnist_sample", "train").labels[:count]]
    told = said(at, r"per pixel: \*\*(.*?)\*\* on the (\d+) memorised digits, \*\*(\S+)\*\* on (\d+) new ones")
    memorised, new = run.metrics["train"]["mse"], run.metrics["validation"]
    assert told[1] == ("under 0.0001" if memorised < 5e-5 else f"{memorised:.4f}")
    assert (int(told[2]), told[3], int(told[4])) == (count, f"{new['mse']:.4f}", new["n"])
    memory = load("mnist_sample", "train").floats()[:count]
    average = np.mean((load("mnist_sample", "validation").floats() - memory.mean(axis=0)) ** 2)
    assert said(at, r"average of the (\d+) would give (\S+)\.$").groups() == (str(count), f"{average:.4f}")
    weights = sum(parameter.numel() for parameter in run.model.parameters())
    capacity = said(at, r"with (\S+) weights for (\S+) pixels")
    assert capacity.groups() == (f"{weights:,}", f"{memory.size:,}")


@pytest.mark.parametrize("d", [2, 16])
def test_the_mathematics_has_the_numbers_on_screen(d):
    error = run_of("pca", d).metrics["test"]["mse"]
    tells(seen(PAGE, d=str(d)), f"{error:.4f}", str(d), f"{784 * error:.1f}")


@pytest.mark.parametrize("model", COMPARED)
def test_a_missing_run_is_said_and_the_rest_stays(tmp_path, monkeypatch, model):
    other_store(monkeypatch, tmp_path, everything_else(model))
    at = open_answered(d="16")
    assert any(spec_of(model, 16).key in error.value for error in at.error)
    assert all(len(error.value) < 300 for error in at.error)
    rows = [part for part in pictured(at) if part in TITLES.values()]
    assert rows == [TITLES[other] for other in COMPARED if other != model]
    assert subheaders(at) == STEPS
    assert TITLES[model] not in [trace["name"] for trace in charts(at)[0]["data"]]
    assert payload_headers(at)[0]["kind"] == "line"
    assert boxes(at)[-2:] == ["This in code", "Sources"]


def test_a_missing_run_is_said_where_it_is_needed_for_an_answer(tmp_path, monkeypatch):
    other_store(monkeypatch, tmp_path, everything_else("ae"))
    at = open_page(PAGE, d="16")
    before = len(at.error)
    radio = at.radio[0]
    radio.set_value(radio.options[0]).run()
    assert not at.exception
    assert len(at.error) == before + 1
    assert "no measured Autoencoder, d = 16" in at.error[0].value


def test_the_sum_of_eigenvalues_is_not_the_error_on_other_images():
    """The sentence gives the test error as its own number: the sum is that of the images the covariance is of."""
    text = "\n".join(element.value for element in seen(PAGE).markdown)
    told = float(re.search(r"on test digits this PCA loses (\d\.\d+) per pixel at d = 8", text)[1])
    run = store().load(spec_of("pca", 8).key)
    assert told == pytest.approx(run.metrics["test"]["mse"], abs=5e-5)
    images = load("mnist", "validation").floats().astype(np.float64)  # the other split whose eigenvalues are shown
    lost = np.linalg.eigvalsh(np.cov(images, rowvar=False, bias=True))[:-8].sum() / images.shape[1]
    assert abs(lost - told) > 2e-4 and "New images are not bound to it" in text


def test_an_empty_store_gives_sentences_and_the_text(tmp_path, monkeypatch):
    monkeypatch.setenv("VAE_STORE", str(tmp_path))
    at = open_page(PAGE)
    assert 4 <= len(at.error) <= 10
    assert all(len(error.value) < 300 for error in at.error)
    assert subheaders(at) == STEPS
    assert boxes(at) == ["This in code", "Sources"]


def test_a_damaged_run_is_said_once_and_the_other_rows_stay(tmp_path, monkeypatch):
    other_store(monkeypatch, tmp_path, everything_else())
    path = Store(tmp_path).path(spec_of("ae", 16).key)
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(content)
    at = open_answered(d="16")
    assert [spec_of("ae", 16).key in error.value for error in at.error] == [True]
    assert len([text for text in texts(at) if re.match(r"error \S+ here", text)]) == 4


@pytest.mark.parametrize(("page", "count"), [("pages/reduction.py", 4), ("pages/regularity.py", 5)])
def test_the_code_shown_is_the_text_of_the_files(page, count):
    at = seen(page)
    shown = re.findall(r'`(vae_core/\S+)`\n\n<div class="code"[^>]*>(.*?)</div>', "\n".join(texts(at)))
    assert len(shown) == count
    for file, marked in shown:
        code = html.unescape(re.sub(r"<[^>]*>", "", marked))
        assert code.startswith(("def ", "class "))
        assert code in (ROOT / file).read_text(encoding="utf-8")
