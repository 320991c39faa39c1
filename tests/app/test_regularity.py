"""The chapter on autoencoders and VAEs: what is told is measured, answers are computed, and what is missing is said."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from scipy.stats import norm
from sklearn.mixture import GaussianMixture
from streamlit.testing.v1 import AppTest

import ui.runs.measured_since
import ui.training.app_queue
from ui.chapters.regularity.by_eye import check
from ui.chapters.regularity.comparison import closer_to_real, rebuilding, verdict
from ui.chapters.regularity.fitted import closed_by_fitting
from ui.chapters.regularity.neighbours import MEASURED, USUAL_IMAGE, changed_share
from ui.chapters.regularity.paths import film, pair_of_classes, usual_path
from ui.chapters.regularity.smoothness import smoothness
from ui.figures.pictures import tiles
from ui.runs.resources import load_run, store
from ui.runs.selection import compared_spec
from vae_core.datasets import load
from vae_core.execution import Execution
from vae_core.run import Run
from vae_core.sampling import draw, great_circle_path, straight_path
from vae_core.spec import RunSpec
from vae_core.storage import store as checkpoints
from vae_core.storage.manifest import read_manifest, shipped_run
from vae_core.storage.measured import read_measured
from vae_core.storage.store import Store
from vae_core.training.jobs import get_or_train

from .helpers import (
    ROOT,
    boxes,
    charts,
    copy_runs,
    later_kinds,
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
)

FLOAT32 = Execution(precision="float32")  # the same numbers on every processor

PAGE = "pages/regularity.py"
DIMENSIONS = (2, 8, 16, 32)
NAMES = {"ae": "Autoencoder", "vae": "VAE"}
PASSAGES = [
    "Continuity: a small step", "Completeness: sample and look", "Can we repair the autoencoder?", "Between two images",
    "The numbers", "More numbers", "You now know",
]  # fmt: skip
PRIOR, MIXTURE = "We sample codes from N(0, I)", "does a fitted mixture close"
OPTIONS = ("the autoencoder's", "the VAE's", "about the same")
SHARES = ("less than a third", "about half", "more than two thirds")
SEED = 5  # of the samples that the page begins with
ANSWERED = {"answers": "prior:1,mixture:2"}
NO_CLASSIFIER = "The classifier for the measurements on mnist is missing; train it with "


def spec_of(model: str, d: int) -> RunSpec:
    hidden = {"conv_ae": (16, 32, 64), "conv_vae": (16, 32, 64), "pooled_ae": (16, 32, 66)}.get(model, (128, 64))
    return shipped_run(dataset="mnist", model=model, latent_dim=d, seed=0, hidden=hidden)


PAIR = tuple(spec_of(model, 2) for model in NAMES)


def run_of(model: str, d: int) -> Run:
    return store().load(spec_of(model, d).key)


def seeds_of(model: str, d: int) -> list[Run]:
    """All shipped runs of a model that differ in the seed only."""
    usual = spec_of(model, d).to_dict()
    keys = [spec.key for spec in read_manifest() if {**spec.to_dict(), "seed": 0} == usual]
    return [load_run(key) for key in keys]


def figures(model: str, d: int, *path: str) -> list[float]:
    """A number from each seed's file; of one by dimension, its mean."""
    values = []
    for run in seeds_of(model, d):
        value = run.metrics["test"]
        for name in path:
            value = value[name]
        values.append(float(np.mean(value)))
    return values


class Eyes:
    """What the classifier sees, by torch and scipy."""

    def __init__(self) -> None:
        self.run = store().load(shipped_run(dataset="mnist", model="classifier").key)
        self.reference = self.run.extras["reference"].astype(np.float64)
        self.beyond = np.quantile(cdist(self.run.codes.mean, self.reference).min(axis=1), 0.95)

    def features(self, pixels: np.ndarray) -> torch.Tensor:
        with torch.no_grad():
            return self.run.model.encode_mean(torch.from_numpy(pixels.clip(0.0, 1.0)).float())

    def holes(self, pixels: np.ndarray) -> np.ndarray:
        return cdist(self.features(pixels).numpy(), self.reference).min(axis=1) > self.beyond

    def probabilities(self, pixels: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return self.run.model.decode(self.features(pixels)).double().softmax(dim=1).numpy()

    def unrecognised(self, pixels: np.ndarray) -> np.ndarray:
        return self.probabilities(pixels).max(axis=1) < 0.7


@cache
def open_eyes() -> Eyes:
    """Made once: the threshold is a quantile over all held-out digits."""
    return Eyes()


def decoded(run: Run, codes: np.ndarray) -> np.ndarray:
    """Expected pixels by torch."""
    with torch.no_grad():
        return run.likelihood.expected_pixels(run.model.decode(torch.from_numpy(codes).float())).numpy()


def planes_of(at: AppTest) -> list[dict]:
    return [header for header in payload_headers(at) if header["kind"] == "plane"]


def numbers_of(at: AppTest) -> dict[str, list[str]]:
    """The table of all numbers."""
    return next(table for table in tables(at) if "figure" in table)


Fake = Callable[..., None]


@pytest.fixture
def fake_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Let the app's store hold the pair at d = 2 alone, with these figures (autoencoder's, VAE's) in the files."""

    def put(*, prior=(200.0, 100.0), mixture=(90.0, 90.0), length=(9e3, 1e3), rate=(0.3, 0.1), on=(0.9, 0.9)) -> None:
        def change(run: Run) -> dict:
            which = list(NAMES).index(run.spec.model)
            test = run.metrics["test"]
            samples = {**test["samples"]}
            samples["prior"] = {**samples["prior"], "frechet": prior[which], "hole_rate": rate[which]}
            samples["mixture"] = {**samples["mixture"], "frechet": mixture[which]}
            paths = {**test["paths"], "straight": on[which]}
            steps = {"n": 1_000, "dimensions": 2, "median": length[which]}
            steps |= {"low": 0.95 * length[which], "high": 1.05 * length[which]}
            changed = {"samples": samples, "paths": paths, "path_length_in_use": steps}
            return {"metrics": {"test": {**test, **changed}}}

        source, target = store(), Store(tmp_path / "runs")
        copy_runs(source, target, [spec_of(model, 2).key for model in NAMES], change)
        copy_runs(source, target, [shipped_run(dataset="mnist", model="classifier").key])
        monkeypatch.setenv("VAE_STORE", str(target.root))

    return put


@pytest.mark.parametrize("d", DIMENSIONS)
def test_the_page_is_whole_at_every_d(d):
    at = open_page(PAGE, d=str(d), **ANSWERED)
    assert not at.error and not at.warning
    assert subheaders(at) == PASSAGES
    assert [(header["kind"], later_kinds(header)) for header in payload_headers(at)] == [("plane", ["thumbnails"])] * 2
    assert [header["key"] for header in planes_of(at)] == [spec_of(model, d).key for model in NAMES]
    assert len(pictures(at)) == 2 + 2 + 2 + 3
    assert len(tables(at)) == 3 and len(charts(at)) == 2
    assert boxes(at) == [
        "What the numbers say, for and against", "Do the frames agree with the eye?",
        "The mathematics, with the numbers on screen", "This in code", "Sources",
    ]  # fmt: skip
    assert at.query_params == ANSWERED | ({"planes": "16"} if d == 16 else {"d": str(d)})


def test_it_begins_with_planes_of_two_dimensions_and_samples_of_sixteen():
    at = open_page(PAGE)
    assert [header["key"] for header in planes_of(at)] == [spec_of(model, 2).key for model in NAMES]
    assert at.segmented_control(key="regularity-d").value == 16
    assert at.query_params == {}


def test_what_is_chosen_is_in_the_link_and_what_is_usual_is_not():
    at = open_page(PAGE)
    at.segmented_control(key="regularity-planes").set_value(8).run()
    assert at.query_params == {"planes": "8"}
    assert [header["key"] for header in planes_of(at)] == [spec_of(model, 8).key for model in NAMES]
    at.segmented_control(key="regularity-planes").set_value(2).run()
    at.segmented_control(key="regularity-d").set_value(8).run()
    assert at.query_params == {"d": "8", "planes": "2"}
    assert [header["key"] for header in planes_of(at)] == [spec_of(model, 2).key for model in NAMES]
    at.segmented_control(key="regularity-d").set_value(16).run()
    assert at.query_params == {}
    at.segmented_control(key="regularity-step").set_value(0.5).run()
    at.button(key="regularity-near-next").click().run()
    assert at.query_params == {"step": "0.5", "near": str(USUAL_IMAGE + 1)}
    at.segmented_control(key="regularity-step").set_value(0.2).run()
    at.segmented_control(key="regularity-depth").set_value("128").run()
    assert at.query_params["depth"] == "128"
    at.selectbox(key="regularity-dataset").set_value("digits").run()
    assert at.query_params["dataset"] == "digits"
    assert not at.exception and not at.error
    at.selectbox(key="regularity-dataset").set_value("mnist").run()
    at.segmented_control(key="regularity-depth").set_value("128-64").run()
    assert {"d", "depth", "dataset"}.isdisjoint(at.query_params)
    assert [header["key"] for header in planes_of(at)] == [spec_of(model, 2).key for model in NAMES]


def test_a_link_restores_all_that_it_says():
    said_by_link = {"d": "8", "planes": "2", "from": "box", "answers": "prior:0,mixture:0", "near": "7", "step": "1"}
    at = open_page(PAGE, dataset="mnist", depth="128-64", **said_by_link)
    assert at.segmented_control(key="regularity-d").value == 8
    assert at.segmented_control(key="regularity-source").value == "box"
    assert at.segmented_control(key="regularity-step").value == 1.0
    assert [header["key"] for header in planes_of(at)] == [spec_of(model, 2).key for model in NAMES]
    assert at.query_params == said_by_link


def test_the_wider_pair_of_the_home_page_is_here_too():
    at = seen(PAGE, depth="512-256")
    keys = [shipped_run(model=model, dataset="mnist", latent_dim=2, hidden=(512, 256)).key for model in NAMES]
    assert [header["key"] for header in planes_of(at)] == keys
    assert not at.error


@pytest.mark.parametrize("d", [2, 16])
def test_what_is_said_under_the_planes_is_what_is_drawn(d):
    headers = planes_of(seen(PAGE, d=str(d)))
    assert {header["options"]["group"] for header in headers} == {"regularity"}
    assert {header["options"]["images"] for header in headers} == {"mnist:validation"}
    for header, model in zip(headers, NAMES, strict=True):
        codes = run_of(model, d).codes.mean.astype(np.float64)
        deviations = codes.std(axis=0)
        assert header["subtitle"].startswith("5,000 held-out images, ")
        told = [float(number) for number in re.findall(r"\d+\.\d\d", header["subtitle"])]
        assert told == pytest.approx([*deviations] if d == 2 else [deviations.min(), deviations.max()], abs=0.0051)
        if d > 2:
            singular = np.linalg.svd(codes - codes.mean(axis=0), compute_uv=False) ** 2
            assert f"their principal plane: {singular[:2].sum() / singular.sum():.0%} of" in header["subtitle"]


def test_two_coordinates_can_be_drawn_instead_of_the_principal_plane():
    at = open_page(PAGE, d="16")
    assert {tuple(header["axes"]) for header in planes_of(at)} == {
        ("first principal direction", "second principal direction")
    }
    at.segmented_control(key="regularity-view").set_value("Two coordinates").run()
    across, up, image = at.number_input
    across.set_value(3)
    up.set_value(16)
    image.set_value(7).run()
    for header, model in zip(planes_of(at), NAMES, strict=True):
        codes = run_of(model, 16).codes.mean
        assert header["axes"] == ["z₃", "z₁₆"]
        kept = np.delete(np.arange(16), [2, 15])
        assert np.asarray(header["plane_origin"])[kept] == pytest.approx(codes[7, kept])
        share = codes[:, [2, 15]].var(axis=0).sum() / codes.var(axis=0).sum()
        assert f"the others fixed at image 7: {share:.0%} of the variance" in header["subtitle"]
    at.number_input[1].set_value(3).run()
    assert [warning.value.split(";")[0] for warning in at.warning] == ["Two different coordinates span a plane"]
    assert planes_of(at)[0]["axes"][0] == "first principal direction"


def sheets(at: AppTest, *, first: int) -> list[list[str | bytes]]:
    """Title, picture and caption of a pair of pictures, counted over the page."""
    parts = pictured(at)
    return [parts[3 * number : 3 * number + 3] for number in (first, first + 1)]


@pytest.mark.parametrize("image, step", [(USUAL_IMAGE, 0.2), (7, 0.5)])
def test_the_neighbours_lie_where_they_are_shown_and_those_of_another_class_are_counted(image, step):
    at = open_page(PAGE, near=str(image), step=f"{step:g}")
    diagonal = np.sqrt(0.5)
    compass = [
        (-diagonal, diagonal), (0, 1), (diagonal, diagonal), (-1, 0), (0, 0), (1, 0), (-diagonal, -diagonal), (0, -1),
        (diagonal, -diagonal),
    ]  # fmt: skip
    for (title, picture, _), model in zip(sheets(at, first=0), NAMES, strict=True):
        run = run_of(model, 2)
        codes = run.codes.mean.astype(np.float64)
        z = codes[image] + step * np.array(compass) * codes.std(axis=0)
        seen = open_eyes().probabilities(decoded(run, z)).argmax(axis=1)
        changed = seen != seen[4]
        assert title == f"{NAMES[model]}: {changed.sum()} of 8 change class"
        assert picture == tiles(run.decode(z), run.image_shape, columns=3, marked=changed)


@pytest.mark.parametrize("d", [2, 16])
def test_how_often_a_step_changes_the_class_is_about_what_other_codes_and_directions_give(d):
    at = open_page(PAGE, planes=str(d), step="0.5")
    for (_, _, caption), model in zip(sheets(at, first=0), NAMES, strict=True):
        run = run_of(model, d)
        codes = run.codes.mean.astype(np.float64)
        random = np.random.default_rng(3)
        chosen = codes[random.permutation(len(codes))[:2_000]]
        away = random.standard_normal(chosen.shape) * (codes.var(axis=0) > 0.01)  # a VAE does not use all of 16
        away *= 0.5 * codes.std(axis=0) / np.linalg.norm(away, axis=1, keepdims=True)
        before, after = (open_eyes().probabilities(decoded(run, z)).argmax(axis=1) for z in (chosen, chosen + away))
        share, count = changed_share(run.key, 0.5)
        assert count == MEASURED
        assert share == pytest.approx((before != after).mean(), abs=0.06)
        error = (share * (1 - share) / 1_000) ** 0.5
        assert caption == f"Over 1,000 codes, this step changes {share:.0%} ± {error:.1%}."


def test_the_code_it_begins_with_shows_the_difference_and_is_not_extreme():
    at = open_page(PAGE)
    shown = [int(re.search(r": (\d) of 8", title)[1]) for title, _, _ in sheets(at, first=0)]
    shares = [8 * changed_share(spec.key, 0.2)[0] for spec in PAIR]
    assert shown[0] >= shown[1] + 2
    assert np.abs(np.subtract(shown, shares)).max() < 1.0


@pytest.mark.parametrize("d", [2, 16])
@pytest.mark.parametrize("source", ["prior", "box", "gaussian", "mixture"])
def test_the_sheets_show_the_samples_and_count_what_is_not_recognised(d, source):
    at = open_page(PAGE, d=str(d), **ANSWERED, **({} if source == "mixture" else {"from": source}))
    for seed in (SEED, SEED + 1):
        for place, (first, taken) in enumerate(((2, "prior"), (4, source))):
            for (title, sheet, _), (model, name) in zip(sheets(at, first=first), NAMES.items(), strict=True):
                run = run_of(model, d)
                z = draw(taken, 36, run.codes.mean, run.mixture, np.random.default_rng(seed))
                marked = open_eyes().unrecognised(decoded(run, z))
                assert title == f"{name}: {marked.sum()} of 36 are not recognised", place
                assert sheet == tiles(run.decode(z), run.image_shape, columns=9, marked=marked)
        at.button(key="regularity-seed-next").click().run()


def test_the_samples_it_begins_with_are_near_the_average():
    at = open_page(PAGE, **ANSWERED)
    for (title, _, _), model in zip(sheets(at, first=2), NAMES, strict=True):
        share = run_of(model, 16).metrics["test"]["samples"]["prior"]["ambiguity"]
        assert int(re.search(r": (\d+) of 36", title)[1]) == pytest.approx(36 * share, abs=2)


def test_the_evidence_waits_for_the_prediction():
    at = open_page(PAGE)
    assert len(pictures(at)) == 2 + 3
    at.radio[0].set_value(at.radio[0].options[0]).run()
    assert len(pictures(at)) == 2 + 2 + 3
    at.button(key=next(button.key for button in at.button if "skip-mixture" in button.key)).click().run()
    assert not at.exception
    assert len(pictures(at)) == 2 + 2 + 2 + 3


def test_what_is_framed_agrees_with_the_eye_better_than_holes_do():
    """On 220 images judged once by an AI model; see by_eye.json."""
    judged = json.loads((ROOT / "ui/chapters/regularity/by_eye.json").read_text())
    eyes, pixels, readable = open_eyes(), [], ""
    for group in judged["samples"]:
        run = store().load(group["run"])
        random = np.random.default_rng(judged["seed"])
        z = draw(group["source"], len(group["readable"]), run.codes.mean, run.mixture, random)
        pixels.append(decoded(run, z))
        readable += group["readable"]
    images = load("mnist", "validation").floats().reshape(5_000, -1)
    pixels.append(np.stack([images[judged["real"]["every"] * number] for number in range(10)]))
    eye = np.array(list(readable + judged["real"]["readable"])) == "1"
    shown = np.concatenate(pixels)
    found = check()
    assert (found.count, found.readable) == (len(eye), eye.sum()) == (220, 120)
    for measure, bad in ((found.frames, eyes.unrecognised(shown)), (found.holes, eyes.holes(shown))):
        assert measure.agrees == pytest.approx((bad != eye).mean(), abs=0.005)
        assert measure.wrongly_framed == pytest.approx(bad[eye].mean(), abs=0.01)
        assert measure.missed == pytest.approx(1 - bad[~eye].mean(), abs=0.01)
    assert found.frames.agrees > found.holes.agrees + 0.03
    assert found.frames.wrongly_framed < 0.05 < 0.15 < found.holes.wrongly_framed
    static = slice(0, 40)  # the autoencoder's from N(0, I): none reads as a digit
    assert not eye[static].any()
    assert found.static == pytest.approx((1 - eyes.unrecognised(shown)[static].mean(),
                                          1 - eyes.holes(shown)[static].mean()), abs=0.001)  # fmt: skip
    assert found.static[0] < 0.1 < 0.3 < found.static[1]
    told = said(open_page(PAGE), r"agree on \*\*(\d+)%\*\* of the images")[1]
    assert told == f"{found.frames.agrees:.0%}"[:-1]


@pytest.mark.parametrize("source", ["prior", "box", "gaussian", "mixture"])
def test_the_figures_under_the_sheets_are_the_files(source):
    at = open_page(PAGE, d="2", **ANSWERED, **{"from": source})
    for (_, _, caption), model in zip(sheets(at, first=4), NAMES, strict=True):
        figure = load_run(spec_of(model, 2).key).metrics["test"]["samples"][source]
        by = np.sqrt(figure["ambiguity"] * (1 - figure["ambiguity"]) / 3_000)
        assert caption == (
            f"Of 3,000 samples of this one model, {figure['ambiguity']:.0%} ± {by:.1%} are not recognised. Coverage "
            f"{figure['coverage']:.2f}, Fréchet distance {figure['frechet']:.0f}."
        )
        assert figure["n"] == 3_000


ROWS = [
    ("ae", "straight", straight_path),
    ("vae", "straight", straight_path),
    ("vae", "great circle", great_circle_path),
]


def test_the_films_go_from_image_to_image_and_what_is_said_of_them_is_seen():
    at = open_page(PAGE)
    labels, eyes = load("mnist", "validation").labels, open_eyes()
    members = [np.flatnonzero(labels == label) for label in range(10)]

    def as_drawn(first: int, second: int) -> None:
        curves = [np.array(trace["y"], float) for trace in charts(at)[0]["data"]]
        for number, (model, way, path) in enumerate(ROWS):
            run = run_of(model, 16)
            ends = run.codes.mean[[first]], run.codes.mean[[second]]
            title, told, film = pictured(at)[3 * (2 + number) : 3 * (3 + number)]
            seen = eyes.probabilities(decoded(run, path(*ends, 41)[0]))
            classes = [labels[first], labels[second]]
            others = seen.copy()
            others[:, classes] = 0
            share = (seen.max(axis=1) >= 0.7).mean()
            assert title == f"{NAMES[model]}, {way}"
            assert told.startswith(f"{share:.0%} recognised; another class ({others.max(axis=0).argmax()}) reaches ")
            assert float(told.split()[-1]) == pytest.approx(others.max(), abs=0.006)
            frames = path(*ends, 11)[0]
            assert film == tiles(
                run.decode(frames), (1, 28, 28), columns=11, marked=eyes.unrecognised(decoded(run, frames))
            )
            if way == "straight":
                expected = [seen[:, classes[0]], seen[:, classes[1]], others.sum(axis=1)]
                for drawn, curve in zip(curves[3 * number : 3 * number + 3], expected, strict=True):
                    assert drawn == pytest.approx(curve, abs=1e-3)

    as_drawn(members[6][6], members[0][7])
    at.button(key="regularity-pair-next").click().run()
    as_drawn(members[6][7], members[0][8])
    at.selectbox(key="regularity-From").set_value(7).run()
    as_drawn(members[7][7], members[0][8])


def test_a_path_within_one_class_is_drawn_too():
    at = open_page(PAGE, start="4", end="4")
    assert not at.error
    assert list(pictured(at)[6:15:3]) == [f"{NAMES[model]}, {way}" for model, way, _ in ROWS]


def test_the_pair_it_begins_with_shows_a_difference():
    ends = pair_of_classes("mnist", (6, 0), 6)
    ae, vae = (film(spec_of(model, 16).key, "straight", *ends) for model in NAMES)
    assert ae.recognised < 0.75 < 0.95 < vae.recognised
    assert max(ae.curves[2]) > 0.9 and max(vae.curves[2]) < 0.05


@pytest.mark.parametrize("d", [2, 16])
def test_what_paths_are_usually_like_is_about_what_other_pairs_give(d):
    labels, eyes = load("mnist", "validation").labels, open_eyes()
    random = np.random.default_rng(11)
    for model in NAMES:
        run, first, second = run_of(model, d), *random.integers(0, 5_000, (2, 500))
        first, second = first[labels[first] != labels[second]], second[labels[first] != labels[second]]
        points = straight_path(run.codes.mean[first], run.codes.mean[second], 21)
        seen = eyes.probabilities(decoded(run, points.reshape(-1, d))).reshape(len(first), 21, 10)
        each = np.arange(len(first))
        lead = seen[each, :, labels[second]] - seen[each, :, labels[first]]
        usual = usual_path(run.key)
        assert usual.count == 100
        assert usual.recognised == pytest.approx((seen.max(axis=2) >= 0.7).mean(), abs=0.04)
        falls = -np.diff(lead, axis=1).clip(max=0).sum(axis=1) / 2
        assert usual.monotone == pytest.approx((falls <= 0.02).mean(), abs=0.12)
        jumps = np.abs(np.diff(seen, axis=1)).sum(axis=2).max(axis=1) / 2
        assert usual.largest_step == pytest.approx(jumps.mean(), abs=0.07)


PLACES = ("prior", "gaussian", "mixture", "reconstructions")
SAMPLED = {
    "Fréchet distance": "frechet", "coverage": "coverage", "density": "density", "ambiguity": "ambiguity",
    "hole rate": "hole_rate",
}  # fmt: skip
FIGURES = {
    f"{title}, {name}": ("samples", source, figure)
    for title, source in (
        ("N(0, I)", "prior"),
        ("Box", "box"),
        ("One Gaussian", "gaussian"),
        ("Mixture", "mixture"),
        ("Reconstructions", "reconstructions"),
    )
    for name, figure in SAMPLED.items()
} | {
    "Path length, median": ("path_length_in_use", "median"),
    "its interval from": ("path_length_in_use", "low"),
    "to": ("path_length_in_use", "high"),
    "Dimensions in use": ("path_length_in_use", "dimensions"),
    "Straight paths, places that are no hole": ("paths", "straight"),
    "Great circles, places that are no hole": ("paths", "great_circle"),
    "Cross-fades of the images, places that are no hole": ("paths", "crossfade"),
    "Midpoints that are holes": ("paths", "midpoint_holes"),
    "Standard deviation of the codes, mean over d": ("code_std",),
    "Codes as a Gaussian, KL to N(0, I), nats": ("gaussian_kl",),
    "I(x; z), at least, nats": ("mutual_information",),
    "Aggregate posterior, KL to N(0, I), at least, nats": ("aggregate_kl_lower",),
    "Aggregate posterior, KL to N(0, I), at most, nats": ("aggregate_kl",),
    "Neighbours of the same class, of mean codes": ("label_agreement",),
    "Trustworthiness": ("trustworthiness",),
    "Squared error per pixel": ("mse",),
}


def assert_told(cell: str, values: list[float]) -> None:
    """A cell against numbers: each to the last digit that is shown."""
    told = re.findall(r"\d[\d,]*(?:\.\d+)?", re.sub(r" ± \S+", "", cell))
    assert len(told) == len(values), cell
    for text, value in zip(told, values, strict=True):
        unit = 10.0 ** -len(text.partition(".")[2])
        assert float(text.replace(",", "")) == pytest.approx(value, abs=0.501 * unit), cell


@pytest.mark.parametrize("d", [2, 8, 16])
def test_every_cell_of_the_table_is_the_mean_the_least_and_the_most_of_the_seeds(d):
    table = numbers_of(seen(PAGE, d=str(d)))
    assert table["figure"] == list(FIGURES)
    count = 1 if d == 8 else 3
    real = store().load(shipped_run(dataset="mnist", model="classifier").key).metrics["test"]["real"]
    for model, name in NAMES.items():
        column = table[f"{name}, {count} seed{'s' if count > 1 else ''}"]
        for cell, (title, path) in zip(column, FIGURES.items(), strict=True):
            if title.startswith(("Aggregate", "I(x; z)")) and model == "ae":
                assert cell == "–"
                continue
            values = figures(model, d, *path)
            assert len(values) == count
            is_share = path[-1] in ("ambiguity", "hole_rate") or path[0] == "paths"  # of independent draws
            assert (" ± " in cell) == (is_share or path[-1] in ("mutual_information", "aggregate_kl_lower"))
            if path[0] == "samples" and is_share:
                error = np.sqrt(sum(share * (1 - share) / 3_000 for share in values)) / count
                assert cell.split(" ± ")[1].split()[0] == f"{error:.1g}"
            assert_told(cell, [np.mean(values), *([min(values), max(values)] if count > 1 else [])])
    for cell, path in zip(table["real images"], FIGURES.values(), strict=True):
        assert_told(cell, [real[path[-1]]] if path[0] == "samples" else [])
    halves = load_run(shipped_run(dataset="mnist", model="classifier").key).metrics["test"]["real_at_random"]
    assert halves["frechet"] < 0.7 * real["frechet"]  # what the order of the test set does
    tells(seen(PAGE, d=str(d)), f"{halves['frechet']:.1f}", "ln 10,000 = 9.2")


def test_how_much_was_measured_is_what_the_files_say():
    at = open_page(PAGE)
    test = run_of("vae", 16).metrics["test"]
    tells(at, f"{test['samples']['prior']['n']:,}", str(test["paths"]["n"]))


def test_the_coverage_chart_has_the_mean_of_the_seeds_at_each_d():
    traces = charts(open_page(PAGE))[1]["data"]
    drawn = {trace["name"]: dict(zip(plotted(trace["x"]), plotted(trace["y"]), strict=True)) for trace in traces}
    places = {"prior": "N(0, I)", "mixture": "fitted mixture"}
    assert set(drawn) == {f"{name}, {place}" for name in NAMES.values() for place in places.values()}
    for model, name in NAMES.items():
        for source, place in places.items():
            expected = {d: np.mean(figures(model, d, "samples", source, "coverage")) for d in DIMENSIONS}
            assert drawn[f"{name}, {place}"] == pytest.approx(expected)
            bars = next(trace for trace in traces if trace["name"] == f"{name}, {place}")["error_y"]
            for column, d in enumerate(DIMENSIONS):
                values = np.array(figures(model, d, "samples", source, "coverage"))
                assert plotted(bars["array"])[column] == pytest.approx(values.max() - values.mean(), abs=1e-6)
                assert plotted(bars["arrayminus"])[column] == pytest.approx(values.mean() - values.min(), abs=1e-6)


def test_the_table_at_equal_weights_is_of_the_files():
    table = next(table for table in tables(seen(PAGE)) if "multiplications per image" in table)
    first = {name: cells.pop(0) for name, cells in table.items()}  # the autoencoder after as few epochs
    alike = replace(run_of("ae", 16).spec, epochs=run_of("conv_ae", 16).spec.epochs)
    measured = next(line.metrics["test"] for line in read_measured() if line.spec == alike)
    assert (first["model"], first["epochs"]) == ("Autoencoder", str(alike.epochs))
    assert first["squared error per pixel"] == f"{measured['mse']:.4f}" and first["weights"] == table["weights"][0]
    models = ("ae", "conv_ae", "pooled_ae", "vae", "conv_vae")
    for number, model in enumerate(models):
        run, row = run_of(model, 16), {name: cells[number] for name, cells in table.items()}
        assert row["epochs"] == str(run.spec.epochs)
        weights = sum(parameter.numel() for parameter in run.model.parameters())
        assert row["weights"] == f"{weights:,}"
        assert row["squared error per pixel"] == f"{run.metrics['test']['mse']:.4f}"
        bound = run.metrics["test"].get("negative_elbo")
        assert row["negative ELBO, nats"] == ("–" if bound is None else f"{bound:.1f}")
    dense = 2 * (784 * 128 + 128 * 64 + 64 * 16)
    maps = 16 * 16 * 14**2 + 16 * 32 * 16 * 7**2 + 32 * 7**2 * 64 + 64 * 16
    pooled = 16 * 9 * 28**2 + 16 * 32 * 9 * 14**2 + 32 * 7**2 * 66 + 66 * 16
    by_hand = (dense, 2 * maps, 2 * pooled, dense, 2 * maps)
    assert table["multiplications per image"] == [f"{count:,}" for count in by_hand]
    counts = [int(weights.replace(",", "")) for weights in table["weights"]]
    assert max(counts) < 1.01 * min(counts)
    strided, pooled = (figures(model, 16, "mse") for model in ("conv_ae", "pooled_ae"))
    assert len(strided) == 2
    numbers = said(
        seen(PAGE), r"Squared error, strided (\S+) \(2 seeds, (\S+) to (\S+)\) and max-pooled (\S+) \(1 seed\)"
    )
    exact = [np.mean(strided), min(strided), max(strided), np.mean(pooled)]
    assert [float(number) for number in numbers.groups()] == pytest.approx(exact, abs=5.1e-6)
    apart = said(seen(PAGE), r"They differ by (\S+), the seeds of one model by at most (\S+), and").groups()
    mean, low, high, other = map(float, numbers.groups())  # the differences agree with what is read beside them
    assert [float(number) for number in apart] == pytest.approx([other - mean, high - low], abs=1.1e-5)
    assert [float(number) for number in apart] == pytest.approx([exact[3] - exact[0], np.ptp(strided)], abs=5.1e-6)


@pytest.mark.parametrize("d", [2, 16])
def test_the_mathematics_has_the_numbers_of_the_files(d):
    at = seen(PAGE, d=str(d))
    mean = lambda model, name: np.mean(figures(model, d, name))
    terms = f"{mean('vae', 'reconstruction'):.1f} + {mean('vae', 'kl'):.1f}"
    tells(at, terms, f"{mean('ae', 'reconstruction'):.1f}")
    lower, error = figures("vae", d, "aggregate_kl_lower"), figures("vae", d, "aggregate_kl_lower_standard_error")
    upper = figures("vae", d, "aggregate_kl")
    more = figures("vae", d, "mutual_information_standard_error")
    low = min(value - 2 * by for value, by in zip(lower, error, strict=True))
    high = max(value + 2 * by for value, by in zip(upper, more, strict=True))
    found = said(at, r"I\(x; z\) is (at least )?([\d.]+) nats, and KL\(q\(z\)‖p\) lies between ([\d.]+) and ([\d.]+)\.")
    at_limit = mean("vae", "mutual_information") > 0.95 * np.log(10_000)
    assert bool(found[1]) == at_limit == (d == 16)
    assert [float(value) for value in found.groups()[1:]] == pytest.approx(
        [mean("vae", "mutual_information"), low, high], abs=0.006
    )


@pytest.mark.parametrize(
    "frechet, right", [((100.0, 300.0), 0), ((300.0, 100.0), 1), ((100.0, 140.0), 2), ((140.0, 100.0), 2)]
)
def test_whose_samples_are_closer_follows_the_figures_in_the_files(fake_figures, frechet, right):
    fake_figures(prior=frechet)
    index, told = closer_to_real(PAIR, "prior")
    assert index == right
    assert f"{frechet[0]:.0f} and {frechet[1]:.0f}" in told


@pytest.mark.parametrize(
    "prior, mixture, right",
    [(300.0, (100.0, 90.0), 2), (300.0, (80.0, 90.0), 2), (300.0, (190.0, 90.0), 1), (300.0, (280.0, 90.0), 0),
     (300.0, (400.0, 90.0), 0), (90.0, (90.0, 90.0), 0)],
)  # fmt: skip
def test_how_much_a_mixture_closes_follows_the_figures_in_the_files(fake_figures, prior, mixture, right):
    fake_figures(prior=(prior, 100.0), mixture=mixture)
    index, told = closed_by_fitting(PAIR)
    assert index == right
    assert f"{prior:.0f} from N(0, I), **{mixture[0]:.0f}** from the fitted" in told and f"**{mixture[1]:.0f}**" in told
    assert ("hardly a gap" in told) == (prior == 90.0)
    assert ("nearer to real images than the VAE's own" in told) == (mixture[0] < 85.0)
    assert ("closes 105% of the gap" in told) == (mixture[0] == 80.0)


def test_which_mixture_is_nearer_is_said_only_where_the_seeds_do_not_overlap():
    """At d = 2 the autoencoder's mean is the smaller one, and one of the VAE's seeds lies among its own."""
    ae, vae = (figures(model, 2, "samples", "mixture", "frechet") for model in NAMES)
    assert np.mean(ae) < np.mean(vae) and max(ae) > min(vae)
    at = open_page(PAGE, d="2", **ANSWERED)
    ranges = f"from {min(ae):.0f} to {max(ae):.0f} and from {min(vae):.0f} to {max(vae):.0f}"
    shown = "\n".join(texts(at))
    assert shown.count(f"cannot be told: over seeds they range {ranges}") == 2  # in the answer and in the verdict
    assert "nearer to real images than the VAE's own" not in shown


def test_a_pair_is_said_to_show_a_difference_only_where_it_does():
    begins = "The page begins with a pair that shows a difference."
    assert begins in "\n".join(texts(open_page(PAGE)))
    for other in (open_page(PAGE, d="2"), open_page(PAGE, start="1", end="2")):
        shown = "\n".join(texts(other))
        assert begins not in shown and "One pair proves nothing: over 100 random pairs" in shown


def test_each_question_is_answered_by_the_figures_of_its_own_source(fake_figures):
    fake_figures(prior=(300.0, 100.0), mixture=(190.0, 90.0))
    at = open_page(PAGE, d="2")
    assert revealed(at) == []
    assert "**Yes.**" in predict(at, PRIOR, 1)
    assert f"**No: {SHARES[1]}.**" in predict(at, MIXTURE, 0)
    assert len(revealed(at)) == 2


def test_figures_of_a_sheets_own_model_are_told_from_the_means_beside_them():
    """Two sets of numbers for one thing stand side by side."""
    at = open_page(PAGE)
    for question, source in ((PRIOR, "prior"), (MIXTURE, "mixture")):
        answer = predict(at, question, 0)
        assert re.search(r"\*\*(Yes\.|No: [^*]*)\*\* Means over 3 seeds, d\u00a0=\u00a016\. ", answer)
        for model in NAMES:
            own, *others = figures(model, 16, "samples", source, "frechet")
            assert f"{np.mean([own, *others]):.0f}" in answer
            tells(
                at, f"Of 3,000 samples of this one model, {figures(model, 16, 'samples', source, 'ambiguity')[0]:.0%}"
            )


def test_the_classifier_is_introduced_before_it_is_spoken_of():
    text = "\n".join(element.value for element in open_page(PAGE, answers="").markdown)
    first = text.index("classifier")
    assert text[:first].endswith("A separate network, the **")
    assert text[first:].startswith("classifier**, was trained to tell the classes apart. It judges what is decoded.")


@pytest.mark.parametrize(
    "query, told",
    [
        ({}, "From here on a code has 16 numbers instead of 2: no plane shows all of them, so we look at samples."),
        ({"d": "8", "planes": "32"}, "From here on a code has 8 numbers instead of 32: no plane shows all of them"),
        ({"d": "2", "planes": "8"}, "From here on a code has 2 numbers instead of 8."),
        ({"d": "16"}, ""),
        ({"d": "2"}, ""),
    ],
)
def test_another_d_than_that_of_the_planes_is_announced(query, told):
    shown = "\n".join(texts(open_page(PAGE, **query)))
    assert told in shown and ("From here on" in shown) == bool(told)


def test_the_answers_to_the_shipped_runs_are_means_over_their_seeds():
    at = open_page(PAGE)
    mean = lambda model, source, name: np.mean(figures(model, 16, "samples", source, name))
    answer = predict(at, PRIOR, 0)
    assert f"**No: {OPTIONS[1]}.**" in answer
    for name, digits in (("ambiguity", ".0%"), ("coverage", ".2f"), ("frechet", ".0f")):
        for model in NAMES:
            assert format(mean(model, "prior", name), digits) in answer
    assert f"standard deviation of {np.mean(figures('ae', 16, 'code_std')):.1f}" in answer
    answer = predict(at, MIXTURE, 0)
    assert f"**No: {SHARES[2]}.**" in answer
    for model in NAMES:
        assert f"**{mean(model, 'mixture', 'frechet'):.0f}**" in answer
    gap = mean("ae", "prior", "frechet") - mean("vae", "mixture", "frechet")
    closed = (mean("ae", "prior", "frechet") - mean("ae", "mixture", "frechet")) / gap
    assert f"closes {closed:.0%}" in answer
    assert len(revealed(at)) == 2


@pytest.mark.parametrize("d", [2, 16])
def test_the_headlines_are_means_over_the_seeds(d):
    at = open_page(PAGE, d=str(d))
    mean = lambda model, *path: np.mean(figures(model, d, *path))
    numbers = said(at, r"Ambiguity.*autoencoder \*\*(\d+)%\*\*, VAE \*\*(\d+)%\*\*").groups()
    assert numbers == tuple(f"{100 * mean(model, 'samples', 'prior', 'ambiguity'):.0f}" for model in NAMES)
    numbers = said(at, r"Coverage.*autoencoder \*\*([\d.]+)\*\*, VAE \*\*([\d.]+)\*\*").groups()
    assert numbers == tuple(f"{mean(model, 'samples', 'prior', 'coverage'):.2f}" for model in NAMES)
    numbers = said(at, r"Path length.*autoencoder \*\*([\d.,]+)\*\*, VAE \*\*([\d.,]+)\*\*").groups()
    for told, model in zip(numbers, NAMES, strict=True):
        assert_told(told, [mean(model, "path_length_in_use", "median")])
    worst = max(
        np.sqrt(sum(share * (1 - share) / 3_000 for share in shares)) / len(shares)
        for shares in (figures(model, d, "samples", "prior", "ambiguity") for model in NAMES)
    )
    tells(at, f"(standard error {worst:.1%})")


@pytest.mark.parametrize("d", [2, 16])
def test_the_path_length_beside_the_steps_is_of_the_runs_on_the_planes(d):
    told = said(
        open_page(PAGE, planes=str(d)),
        r"\*\*([\d,.]+)\*\* \(([\d,.]+) to ([\d,.]+)\) for the autoencoder and \*\*([\d,.]+)\*\* "
        r"\(([\d,.]+) to ([\d,.]+)\) for the VAE: the VAE is ([^.]*)",
    )
    medians = []
    for first, model in ((1, "ae"), (4, "vae")):
        of = {name: figures(model, d, "path_length_in_use", name) for name in ("median", "low", "high")}
        medians.append(np.mean(of["median"]))
        assert_told(" ".join(told.groups()[first - 1 : first + 2]), [medians[-1], min(of["low"]), max(of["high"])])
    assert (f"{medians[0] / medians[1]:.1f}".split(".")[0] in told[7]) == (d == 2)
    assert ("**not** clearly smoother" in told[7]) == (d == 16)  # though the mean over all directions is 1.5 times less


def test_with_dimensions_that_are_not_used_the_steps_stay_within_those_that_are():
    told = said(open_page(PAGE, planes="32"), r"The VAE uses (\d+) of 32 dimensions; steps go within those in use\.")
    assert int(told[1]) == run_of("vae", 32).metrics["test"]["active_units"] < 32
    assert "rougher here" in smoothness((spec_of("ae", 32), spec_of("vae", 32)))


@pytest.mark.parametrize("d", DIMENSIONS)
def test_near_points_are_said_to_decode_alike_no_farther_than_the_approximate_posteriors_reach(d):
    """Beside it stands a path length by which the VAE may be the rougher one."""
    run, pixels = run_of("vae", d), torch.from_numpy(load("mnist", "validation").floats().reshape(5_000, -1))
    with torch.no_grad():
        mean, log_var = (part.double() for part in run.model.encode(pixels))
    used = mean.std(dim=0) > 0.1
    ratio = ((0.5 * log_var).exp() / mean.std(dim=0))[:, used].median()
    at = seen(PAGE, planes=str(d))
    told = said(at, r"points within one .* are trained to decode alike\. Its σ is here ([\d.]+) standard deviations")
    assert float(told[1]) == pytest.approx(float(ratio), rel=0.1) and float(told[1]) < 0.3
    tells(at, "a VAE need not be the smoother one")
    assert "must decode alike" not in "\n".join(texts(at))


@pytest.mark.parametrize("d", [2, 16])
def test_one_gaussian_stands_between_the_prior_and_the_mixture_and_the_decoder_sets_the_limit(d):
    at = open_page(PAGE, d=str(d), **ANSWERED)
    for model, name in NAMES.items():
        of = {source: figures(model, d, "samples", source, "frechet") for source in PLACES}
        cells = next(table for table in tables(at) if "z from" in table)[name]
        for cell, distances in zip(cells, of.values(), strict=True):
            assert_told(cell, [np.mean(distances), min(distances), max(distances)])
        means = [np.mean(distances) for distances in of.values()]
        assert means == sorted(means, reverse=True)
    prior, gaussian = (np.mean(figures("ae", d, "samples", source, "frechet")) for source in PLACES[:2])
    tells(at, f"takes the autoencoder from {prior:.0f} to {gaussian:.0f}: a place and a scale")


@pytest.mark.parametrize("d", DIMENSIONS)
def test_the_table_of_what_is_fitted_names_brackets_only_where_it_has_them(d):
    at = seen(PAGE, d=str(d), **ANSWERED)
    cells = [cell for name in NAMES.values() for cell in next(t for t in tables(at) if "z from" in t)[name]]
    assert any("(" in cell for cell in cells) == (len(seeds_of("vae", d)) > 1) == (d in (2, 16))
    note = said(at, "Classifier Fréchet distance of .* images to as many real ones, .*")[0]
    assert ("In brackets the least and the largest." in note) == (d in (2, 16))


@pytest.mark.parametrize("d", [2, 16])
def test_what_is_of_one_trained_model_says_so_among_means_over_seeds(d):
    at = seen(PAGE, d=str(d), **ANSWERED)
    count = len(seeds_of("vae", d))
    assert count == 3 and f"Means over {count} seeds, d\u00a0=\u00a0{d}." in "\n".join(texts(at))
    shares = [usual_path(run_of(model, d).key).recognised for model in NAMES]
    told = said(at, r"random pairs of different classes, in one trained model of each kind, .*")[0]
    assert re.findall(r"\*\*(\d+%)\*\*", told) == [f"{share:.0%}" for share in shares]
    halves = [run.codes.part(slice(2_500, 5_000)) for run in seeds_of("vae", d)]
    kl = [float((0.5 * (half.mean**2 + np.exp(half.log_var) - 1 - half.log_var)).sum(axis=1).mean()) for half in halves]
    told = said(at, r"In one trained model, its networks as they are, the KL term .* is \*\*([\d.]+) nats\*\* with N")
    assert float(told[1]) == pytest.approx(kl[0], abs=0.051)
    assert d == 2 or abs(float(told[1]) - np.mean(kl)) > 0.2  # far from what is said beside it of all seeds


@pytest.mark.parametrize("d", [2, 16])
def test_a_learned_prior_costs_the_held_out_images_less_than_the_standard_normal(d):
    run = run_of("vae", d)
    mean, log_var = (part[2_500:].astype(np.float64) for part in (run.codes.mean, run.codes.log_var))
    z = mean + np.exp(0.5 * log_var) * np.random.default_rng(1).standard_normal(mean.shape)
    wide = np.diag(np.exp(run.codes.log_var[:2_500].astype(np.float64)).mean(axis=0))
    mixture = GaussianMixture(10)
    mixture.weights_, mixture.means_ = run.mixture.weights.astype(np.float64), run.mixture.means.astype(np.float64)
    mixture.weights_ /= mixture.weights_.sum()
    mixture.precisions_cholesky_ = np.linalg.cholesky(np.linalg.inv(run.mixture.covariances + wide))
    kl = 0.5 * (mean**2 + np.exp(log_var) - 1 - log_var).sum(axis=1).mean()
    less = mixture.score_samples(z) - norm.logpdf(z).sum(axis=1)
    told = said(
        open_page(PAGE, d=str(d), **ANSWERED),
        r"KL term of 2,500 held-out images is \*\*([\d.]+) nats\*\* with N\(0, I\), \*\*([\d.]+) nats\*\* with one "
        r"Gaussian fitted to the codes, \*\*([\d.]+) nats\*\* with the fitted mixture as the prior: the fitted "
        r"mixture costs least, by "
        r"([\d.]+) ± ([\d.]+)\.",
    )
    standard, one, many, gain, error = (float(value) for value in told.groups())
    assert gain == pytest.approx(standard - many, abs=0.101)
    assert error == pytest.approx(less.std() / 2_500**0.5, rel=0.3)
    assert standard == pytest.approx(kl, abs=0.051)
    assert many == pytest.approx(kl - less.mean(), abs=0.051 + 3 * less.std() / 2_500**0.5)
    assert many < one <= standard


@pytest.mark.parametrize(
    "files, sentence",
    [
        ({"prior": (300.0, 100.0)}, "the autoencoder's Fréchet distance is 3.0 times the VAE's"),
        ({"prior": (140.0, 100.0)}, "the VAE is **not** clearly nearer"),
        (
            {"mixture": (110.0, 90.0)},
            "from 200 to 110; the VAE's own mixture gives 90. That closes 82% of the gap.",
        ),
        (
            {"mixture": (80.0, 90.0)},
            "from 200 to 80; the VAE's own mixture gives 90. That closes 109% of the gap: it comes nearer to real",
        ),
        ({"mixture": (250.0, 90.0)}, "A mixture fitted afterwards does **not** help here (200 to 250)"),
        ({"mixture": (150.0, 220.0)}, "from 200 to 150; the VAE's own mixture gives 220."),
        ({"on": (0.8, 0.95)}, "stay farther from holes in the VAE: 0.95 of their places are no holes, against 0.80"),
        ({"on": (0.95, 0.9)}, "do **not** clearly stay farther from holes in the VAE: 0.90 of their places are no"),
        ({"on": (0.9, 0.915)}, "do **not** clearly stay farther from holes"),  # within the error of 300 paths
        ({}, "a mere cross-fade of the two images has 0.85"),
        ({"prior": (200.0, 100.0), "mixture": (80.0, 80.0)}, "The mixture helps the VAE too (100 to 80)"),
        ({"length": (8000.0, 900.0)}, "The VAE is 8.9 times smoother: median path length 900 against 8,000"),
        ({"length": (1000.0, 900.0)}, "The VAE is **not** clearly smoother here: median path length 900 against 1,000"),
        ({"length": (900.0, 1800.0)}, "The VAE is **not** smoother but 2.0 times rougher here: median path length"),
        ({"rate": (0.12, 0.1)}, "The hole rate alone does not separate them (0.12 and 0.10)"),
    ],
)
def test_the_verdict_says_what_the_files_say_for_and_against(fake_figures, files, sentence):
    fake_figures(**files)
    told = verdict(PAIR)
    assert sentence in told
    assert told.endswith("- From 1 seed, d\u00a0=\u00a02.")


def test_the_verdict_on_the_page_leaves_out_what_the_files_do_not_bear_out(fake_figures):
    fake_figures(prior=(200.0, 90.0), mixture=(90.0, 90.0), rate=(0.3, 0.1))
    shown = "\n".join(texts(open_page(PAGE, d="2")))
    assert verdict(PAIR) in shown
    assert "helps the VAE too" not in shown and "hole rate alone" not in shown


@pytest.fixture
def mnist_here(monkeypatch):
    """As if the training images had been downloaded; nothing of them is read."""
    monkeypatch.setattr(ui.training.app_queue.datasets, "is_here", lambda name: True)


def test_missing_runs_are_offered_and_the_rest_of_the_page_stays(monkeypatch, mnist_here):
    monkeypatch.setattr(ui.training.app_queue, "_start", lambda spec: pytest.fail(f"trained {spec.key} unasked"))
    at = open_page(PAGE, depth="128")
    assert not at.error
    for d in (2, 16):
        said(at, f"Not trained yet on MNIST digits: Autoencoder, d = {d} and Variational autoencoder, d = {d}.")
    assert [button.label for button in at.button] == ["Train", "Train"]
    assert planes_of(at) == []
    assert boxes(at) == ["This in code", "Sources"]
    for d in (8, 2):
        at.segmented_control(key="regularity-d").set_value(d).run()
    assert [button.label for button in at.button] == ["Train"]  # the same two runs are offered once
    at.selectbox(key="regularity-dataset").set_value("digits").run()
    said(at, "Not trained yet on Small digits, 8 by 8: .* Training takes about ")
    assert ui.training.app_queue.training_queue().idle


def test_planes_that_are_there_are_shown_though_the_samples_runs_are_missing(mnist_here):
    at = open_page(PAGE, depth="512-256")
    assert len(planes_of(at)) == 2 and len(pictures(at)) == 2
    assert subheaders(at) == [*PASSAGES[:2], PASSAGES[-1]]
    assert [button.label for button in at.button if "Train" in button.label] == ["Train"]


def test_training_is_not_offered_without_the_images_to_train_on(tmp_path, monkeypatch):
    monkeypatch.setenv("VAE_DATA", str(tmp_path))
    at = open_page(PAGE, dataset="fashion_mnist")
    assert not at.error and not at.button
    assert len([text for text in texts(at) if "**Fashion\\-MNIST is not on this machine**" in text]) == 1
    assert [code.value.count("python -m vae_core train --dataset fashion_mnist") for code in at.code] == [2]


def test_only_what_is_missing_is_offered(tmp_path, monkeypatch, mnist_here):
    copy_runs(store(), Store(tmp_path), [spec_of("ae", 2).key])
    monkeypatch.setenv("VAE_STORE", str(tmp_path))
    said(open_page(PAGE, d="2"), "Not trained yet on MNIST digits: Variational autoencoder, d = 2. Training takes")


def test_without_the_classifier_the_planes_and_the_files_figures_stay(tmp_path, monkeypatch):
    copy_runs(store(), Store(tmp_path), [spec_of(model, 2).key for model in NAMES])
    monkeypatch.setenv("VAE_STORE", str(tmp_path))
    monkeypatch.setattr(checkpoints, "SHIPPED", tmp_path / "nothing")
    at = open_page(PAGE, d="2", **ANSWERED)
    assert len(planes_of(at)) == 2
    assert at.error and all(error.value.startswith(NO_CLASSIFIER) for error in at.error)
    assert pictures(at) == []
    assert subheaders(at) == PASSAGES
    assert set(numbers_of(at)["real images"]) == {""}


def test_a_pair_that_was_never_measured_says_so_and_the_planes_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(ui.runs.measured_since, "_since", dict)

    def unmeasured(run: Run) -> dict:
        names = ("samples", "paths", "path_length")
        return {"metrics": {"test": {n: v for n, v in run.metrics["test"].items() if n not in names}}}

    source, target = store(), Store(tmp_path)
    copy_runs(source, target, [spec_of(model, 2).key for model in NAMES], unmeasured)
    copy_runs(source, target, [shipped_run(dataset="mnist", model="classifier").key])
    monkeypatch.setenv("VAE_STORE", str(tmp_path))
    at = open_page(PAGE, d="2")
    for skip in [button.key for button in at.button if "skip" in button.key]:
        at.button(key=skip).click().run()
    assert len(planes_of(at)) == 2 and len(pictures(at)) == 2 + 2 + 2 + 3
    assert sum("trained without this dataset's classifier" in text for text in texts(at)) == 4
    assert [cells[0] for name, cells in numbers_of(at).items() if "seed" in name] == ["–", "–"]
    before = len(at.error)
    radio = next(radio for radio in at.radio if PRIOR in radio.label)
    radio.set_value(radio.options[0]).run()
    assert not at.exception
    assert len(at.error) == before + 1 and len(pictures(at)) == 2 + 2 + 2 + 3
    assert all("was not measured" in error.value for error in at.error)


def test_images_that_are_not_here_cost_the_films_only(tmp_path, monkeypatch):
    """Runs of a dataset that this machine has not downloaded: the planes come from the files."""
    import ui.runs.resources
    from vae_core.errors import DatasetUnavailable

    def unavailable(*_: object, **__: object) -> None:
        raise DatasetUnavailable("MNIST is not here.")

    monkeypatch.setattr(ui.runs.resources, "load", unavailable)
    at = open_page(PAGE, d="16", **ANSWERED)
    at.segmented_control(key="regularity-view").set_value("Two coordinates").run()
    assert [header["axes"] for header in planes_of(at)] == [["z₁", "z₂"]] * 2
    assert {error.value for error in at.error} == {"MNIST is not here."}
    assert len(pictures(at)) == 2 + 2 + 2 and subheaders(at) == PASSAGES


def test_another_datasets_images_are_fewer_and_the_chosen_one_is_chosen_anew(shipped, empty_store, two_epochs):
    classifier = shipped_run(dataset="digits", model="classifier")
    copy_runs(shipped, empty_store, [*(spec_of(model, 8).key for model in NAMES), classifier.key])
    for model in NAMES:
        get_or_train(empty_store, compared_spec(model, "digits", 8), execution=FLOAT32)
    at = open_page(PAGE, d="8")
    at.segmented_control(key="regularity-view").set_value("Two coordinates").run()
    at.number_input[2].set_value(4_000).run()
    at.selectbox(key="regularity-dataset").set_value("digits").run()
    assert not at.exception
    assert [header["options"]["images"] for header in planes_of(at)] == ["digits:validation"] * 2
    assert (at.number_input[2].value, at.number_input[2].max) == (0, 359)
    test = empty_store.load(compared_spec("ae", "digits", 8).key).metrics["test"]
    assert test["paths"]["n"] == 180
    tells(at, "180")


@pytest.mark.parametrize("d", [2, 16, 32])
def test_who_rebuilds_better_is_said_of_this_d_with_the_errors_of_the_files(d):
    ae, vae = (np.mean(figures(model, d, "mse")) for model in ("ae", "vae"))
    told = rebuilding(tuple(spec_of(model, d) for model in ("ae", "vae")))
    assert f"{ae:.4f} for the autoencoder, {vae:.4f} for the VAE" in told
    assert ("about equally well" in told) == (d == 2) == (abs(vae / ae - 1) < 0.05)
    assert ("the autoencoder rebuilds better" in told) == (vae > 1.05 * ae)
