"""The chapter on autoencoders and VAEs: what is told is measured, answers are computed, and what is missing is said."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from streamlit.testing.v1 import AppTest

import ui.training.app_queue
from ui.chapters.regularity.comparison import closer_to_real, verdict
from ui.figures.pictures import tiles
from ui.runs.resources import store
from ui.runs.selection import compared_spec
from vae_core.datasets import load
from vae_core.execution import Execution
from vae_core.run import Run
from vae_core.sampling import draw, great_circle_path, straight_path
from vae_core.spec import RunSpec
from vae_core.storage import store as checkpoints
from vae_core.storage.manifest import read_manifest, shipped_run
from vae_core.storage.store import Store
from vae_core.training.jobs import get_or_train

from .helpers import (
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
)

FLOAT32 = Execution(precision="float32")  # the same numbers on every processor

PAGE = "pages/regularity.py"
DIMENSIONS = (2, 8, 16, 32)
NAMES = {"ae": "Autoencoder", "vae": "VAE"}
PASSAGES = ["Drawing new images", "Between two images", "The numbers", "Convolutions"]
PRIOR, MIXTURE = "codes drawn from N(0, I)", "fit ten Gaussians"
OPTIONS = ("the autoencoder's", "the VAE's", "about the same")
NO_CLASSIFIER = "The classifier that sees for the measurements on mnist is missing; train it with "


def spec_of(model: str, d: int) -> RunSpec:
    hidden = (16, 32, 64) if model.startswith("conv") else (128, 64)
    return shipped_run(dataset="mnist", model=model, latent_dim=d, seed=0, hidden=hidden)


PAIR = tuple(spec_of(model, 2) for model in NAMES)


def run_of(model: str, d: int) -> Run:
    return store().load(spec_of(model, d).key)


def seeds_of(model: str, d: int) -> list[Run]:
    """All shipped runs of a model that differ in the seed only."""
    usual = spec_of(model, d).to_dict()
    keys = [spec.key for spec in read_manifest() if {**spec.to_dict(), "seed": 0} == usual]
    return [store().load(key) for key in keys]


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
    """What is a hole, by torch and scipy."""

    def __init__(self) -> None:
        self.run = store().load(shipped_run(dataset="mnist", model="classifier").key)
        self.reference = self.run.extras["reference"].astype(np.float64)
        self.beyond = np.quantile(cdist(self.run.codes.mean, self.reference).min(axis=1), 0.95)

    def holes(self, pixels: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            features = self.run.model.encode_mean(torch.from_numpy(pixels.clip(0.0, 1.0)).float()).numpy()
        return cdist(features, self.reference).min(axis=1) > self.beyond


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
            return {"metrics": {"test": {**test, "samples": samples, "paths": paths, "path_length": length[which]}}}

        source, target = store(), Store(tmp_path / "runs")
        copy_runs(source, target, [spec_of(model, 2).key for model in NAMES], change)
        copy_runs(source, target, [shipped_run(dataset="mnist", model="classifier").key])
        monkeypatch.setenv("VAE_STORE", str(target.root))

    return put


@pytest.mark.parametrize("d", DIMENSIONS)
def test_the_page_is_whole_at_every_d(d):
    at = seen(PAGE, d=str(d))
    assert not at.error and not at.warning
    assert subheaders(at) == PASSAGES
    assert [header["kind"] for header in payload_headers(at)] == ["plane", "plane", "thumbnails"]
    assert [header["key"] for header in planes_of(at)] == [spec_of(model, d).key for model in NAMES]
    assert len(pictures(at)) == 5
    assert len(tables(at)) == 2 and len(charts(at)) == 1
    assert boxes(at) == [
        "The mathematics, with the numbers on screen", "This in code", "Sources",
    ]  # fmt: skip
    assert at.query_params == ({} if d == 2 else {"d": str(d)})


def test_what_is_chosen_is_in_the_link_and_what_is_usual_is_not():
    at = open_page(PAGE)
    assert at.query_params == {}
    at.segmented_control(key="regularity-d").set_value(16).run()
    assert at.query_params == {"d": "16"}
    at.segmented_control(key="regularity-source").set_value("mixture").run()
    assert at.query_params == {"d": "16", "from": "mixture"}
    at.segmented_control(key="regularity-depth").set_value("128").run()
    assert at.query_params["depth"] == "128"
    at.selectbox(key="regularity-dataset").set_value("digits").run()
    assert at.query_params["dataset"] == "digits"
    assert not at.exception and not at.error
    at.selectbox(key="regularity-dataset").set_value("mnist").run()
    at.segmented_control(key="regularity-depth").set_value("128-64").run()
    at.segmented_control(key="regularity-d").set_value(2).run()
    assert {"d", "depth", "dataset"}.isdisjoint(at.query_params)
    assert [header["key"] for header in planes_of(at)] == [spec_of(model, 2).key for model in NAMES]


def test_a_link_restores_all_that_it_says():
    at = seen(PAGE, d="16", dataset="mnist", depth="128-64", **{"from": "box"})
    assert at.segmented_control(key="regularity-d").value == 16
    assert at.segmented_control(key="regularity-source").value == "box"
    assert [header["key"] for header in planes_of(at)] == [spec_of(model, 16).key for model in NAMES]
    assert at.query_params == {"d": "16", "from": "box"}


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


@pytest.mark.parametrize("d", [2, 16])
@pytest.mark.parametrize("source", ["prior", "box", "mixture"])
def test_the_sheets_show_the_samples_and_count_their_holes(d, source):
    at = open_page(PAGE, d=str(d), **{"from": source})
    eyes = open_eyes()
    for seed in (0, 1):
        for number, (model, name) in enumerate(NAMES.items()):
            run = run_of(model, d)
            z = draw(source, 36, run.codes.mean, run.mixture, np.random.default_rng(seed))
            holes = eyes.holes(decoded(run, z))
            title, sheet, _ = pictured(at)[3 * number : 3 * number + 3]
            assert title == f"{name}: {holes.sum()} of 36 are holes"
            assert sheet == tiles(run.decode(z), run.image_shape, columns=9, marked=holes)
        at.button(key="regularity-draw").click().run()


@pytest.mark.parametrize("source", ["prior", "box", "mixture"])
def test_the_figures_under_the_sheets_are_the_files(source):
    at = seen(PAGE, **{"from": source})
    for caption, model in zip(pictured(at)[2:6:3], NAMES, strict=True):
        figure = run_of(model, 2).metrics["test"]["samples"][source]
        assert caption == (
            f"Classifier Fréchet distance {figure['frechet']:.0f}, coverage {figure['coverage']:.2f}, density "
            f"{figure['density']:.2f} (n = 3,000)."
        )
        assert figure["n"] == 3_000


def test_the_films_go_from_image_to_image_and_their_share_is_counted():
    at = open_page(PAGE, d="16")
    labels, eyes = load("mnist", "validation").labels, open_eyes()
    members = [np.flatnonzero(labels == label) for label in range(10)]
    rows = [(model, "straight", straight_path) for model in NAMES] + [("vae", "great circle", great_circle_path)]

    def as_drawn(first: int, second: int) -> None:
        for number, (model, way, path) in enumerate(rows, start=2):
            run = run_of(model, 16)
            ends = run.codes.mean[[first]], run.codes.mean[[second]]
            title, told, film = pictured(at)[3 * number : 3 * number + 3]
            frames, between = path(*ends, 11)[0], path(*ends, 41)[0, 1:-1]
            share = 1 - eyes.holes(decoded(run, between)).mean()
            assert (title, told) == (f"{NAMES[model]}, {way}", f"{share:.0%} of the path on the data manifold")
            marked = eyes.holes(decoded(run, frames))
            assert film == tiles(run.decode(frames), (1, 28, 28), columns=11, marked=marked)

    as_drawn(members[4][0], members[0][1])
    at.button(key="regularity-pair").click().run()
    as_drawn(members[4][1], members[0][2])
    at.selectbox(key="regularity-From").set_value(7).run()
    as_drawn(members[7][1], members[0][2])


SAMPLED = {
    "Fréchet distance": "frechet", "coverage": "coverage", "density": "density", "ambiguous": "ambiguity",
    "hole rate": "hole_rate",
}  # fmt: skip
FIGURES = {
    f"{title}, {name}": ("samples", source, figure)
    for title, source in (("N(0, I)", "prior"), ("Box", "box"), ("Mixture", "mixture"))
    for name, figure in SAMPLED.items()
} | {
    "Path length": ("path_length",),
    "Straight paths on the manifold": ("paths", "straight"),
    "Great circles on the manifold": ("paths", "great_circle"),
    "Midpoints that are holes": ("paths", "midpoint_holes"),
    "Standard deviation of the codes, mean over d": ("code_std",),
    "Codes as a Gaussian, KL to N(0, I), nats": ("gaussian_kl",),
    "Aggregate posterior, KL to N(0, I), nats": ("aggregate_kl",),
    "Neighbours of the same class": ("label_agreement",),
    "Trustworthiness": ("trustworthiness",),
    "Squared error per pixel": ("mse",),
}


def assert_told(cell: str, values: list[float]) -> None:
    """A cell against numbers: each to the last digit that is shown."""
    told = re.findall(r"\d[\d,]*(?:\.\d+)?", cell)
    assert len(told) == len(values), cell
    for text, value in zip(told, values, strict=True):
        unit = 10.0 ** -len(text.partition(".")[2])
        assert float(text.replace(",", "")) == pytest.approx(value, abs=0.501 * unit), cell


@pytest.mark.parametrize("d", [2, 8, 16])
def test_every_cell_of_the_table_is_the_mean_the_least_and_the_most_of_the_seeds(d):
    table = tables(seen(PAGE, d=str(d)))[0]
    assert table["figure"] == list(FIGURES)
    count = 1 if d == 8 else 3
    real = store().load(shipped_run(dataset="mnist", model="classifier").key).metrics["test"]["real"]
    for model, name in NAMES.items():
        column = table[f"{name}, {count} seed{'s' if count > 1 else ''}"]
        for cell, (title, path) in zip(column, FIGURES.items(), strict=True):
            if title.startswith("Aggregate") and model == "ae":
                assert cell == "–"
                continue
            values = figures(model, d, *path)
            assert len(values) == count
            assert_told(cell, [np.mean(values), *([min(values), max(values)] if count > 1 else [])])
    for cell, path in zip(table["real images"], FIGURES.values(), strict=True):
        assert_told(cell, [real[path[-1]]] if path[0] == "samples" else [])


def test_how_much_was_measured_is_what_the_files_say():
    at = seen(PAGE)
    test = run_of("vae", 2).metrics["test"]
    tells(at, f"{test['samples']['prior']['n']:,}", str(test["paths"]["n"]))


def test_the_coverage_chart_has_the_mean_of_the_seeds_at_each_d():
    drawn = {
        trace["name"]: dict(zip(plotted(trace["x"]), plotted(trace["y"]), strict=True))
        for trace in charts(seen(PAGE))[0]["data"]
    }
    places = {"prior": "N(0, I)", "mixture": "A mixture fitted afterwards"}
    assert set(drawn) == {f"{name}, {place}" for name in NAMES.values() for place in places.values()}
    for model, name in NAMES.items():
        for source, place in places.items():
            expected = {d: np.mean(figures(model, d, "samples", source, "coverage")) for d in DIMENSIONS}
            assert drawn[f"{name}, {place}"] == pytest.approx(expected)


def test_the_table_at_equal_weights_is_of_the_files():
    table = tables(seen(PAGE))[1]
    models = ("ae", "conv_ae", "vae", "conv_vae")
    for number, model in enumerate(models):
        run, row = run_of(model, 16), {name: cells[number] for name, cells in table.items()}
        weights = sum(parameter.numel() for parameter in run.model.parameters())
        assert row["weights"] == f"{weights:,}"
        assert row["squared error per pixel"] == f"{run.metrics['test']['mse']:.4f}"
        bound = run.metrics["test"].get("negative_elbo")
        assert row["negative ELBO, nats"] == ("–" if bound is None else f"{bound:.1f}")
    counts = [int(weights.replace(",", "")) for weights in table["weights"]]
    assert max(counts[0], counts[1]) < 1.1 * min(counts[0], counts[1])
    assert max(counts[2], counts[3]) < 1.1 * min(counts[2], counts[3])


@pytest.mark.parametrize("d", [2, 16])
def test_the_mathematics_has_the_numbers_of_the_files(d):
    at = seen(PAGE, d=str(d))
    mean = lambda model, name: np.mean(figures(model, d, name))
    terms = f"{mean('vae', 'reconstruction'):.1f} + {mean('vae', 'kl'):.1f}"
    tells(at, terms, f"{mean('ae', 'reconstruction'):.1f}")
    tells(at, f"{mean('vae', 'mutual_information'):.2f} + {mean('vae', 'aggregate_kl'):.2f}")


@pytest.mark.parametrize("source", ["prior", "mixture"])
@pytest.mark.parametrize(
    "frechet, right", [((100.0, 300.0), 0), ((300.0, 100.0), 1), ((100.0, 140.0), 2), ((140.0, 100.0), 2)]
)
def test_the_right_prediction_follows_the_figures_in_the_files(fake_figures, source, frechet, right):
    fake_figures(**{source: frechet})
    index, told = closer_to_real(PAIR, source)
    assert index == right
    assert f"Autoencoder {frechet[0]:.0f}, coverage" in told and f"VAE {frechet[1]:.0f}, coverage" in told


def test_each_question_is_answered_by_the_figures_of_its_own_source(fake_figures):
    fake_figures(prior=(300.0, 100.0), mixture=(100.0, 140.0))
    at = open_page(PAGE)
    assert revealed(at) == []
    assert "**Yes.**" in predict(at, PRIOR, 1)
    assert f"**No: {OPTIONS[2]}.**" in predict(at, MIXTURE, 0)
    assert len(revealed(at)) == 2


def test_the_answers_to_the_shipped_runs_are_means_over_their_seeds():
    at = open_page(PAGE, d="16")
    for question, source in ((PRIOR, "prior"), (MIXTURE, "mixture")):
        answer = predict(at, question, 0)
        for model, name in NAMES.items():
            distance, coverage = (np.mean(figures(model, 16, "samples", source, f)) for f in ("frechet", "coverage"))
            assert f"{name} {distance:.0f}, coverage {coverage:.2f}" in answer
    assert len(revealed(at)) == 2


@pytest.mark.parametrize(
    "files, sentence",
    [
        ({"prior": (300.0, 100.0)}, "the VAE is 3.0 times nearer"),
        ({"prior": (140.0, 100.0)}, "the VAE is **not** clearly nearer"),
        (
            {"mixture": (110.0, 90.0)},
            "from 200 to 110; the VAE's own mixture gives 90, so fitting closes 82% of the gap",
        ),
        (
            {"mixture": (80.0, 90.0)},
            "from 200 to 80; the VAE's own mixture gives 90, so fitting closes 100% of the gap",
        ),
        ({"mixture": (250.0, 90.0)}, "A mixture fitted afterwards does **not** help here (200 to 250)"),
        ({"on": (0.8, 0.95)}, "stay more on the data manifold in the VAE (0.95 against 0.80)"),
        ({"on": (0.95, 0.9)}, "stay **not** more on the data manifold in the VAE (0.90 against 0.95)"),
        ({"prior": (200.0, 100.0), "mixture": (80.0, 80.0)}, "The mixture helps the VAE too (100 to 80)"),
        ({"length": (8000.0, 900.0)}, "The VAE is smoother: path length 900 against 8,000"),
        ({"length": (1000.0, 900.0)}, "The VAE is **not** smoother here: path length 900 against 1,000"),
        ({"rate": (0.12, 0.1)}, "The hole rate alone does not separate them (0.12 and 0.10)"),
    ],
)
def test_the_verdict_says_what_the_files_say_for_and_against(fake_figures, files, sentence):
    fake_figures(**files)
    told = verdict(PAIR)
    assert sentence in told
    assert told.endswith("Means over 1 seed, d = 2.")


def test_the_verdict_on_the_page_leaves_out_what_the_files_do_not_bear_out(fake_figures):
    fake_figures(prior=(200.0, 90.0), mixture=(90.0, 90.0), rate=(0.3, 0.1))
    shown = verdict(PAIR)
    assert shown in "\n".join(texts(open_page(PAGE))).splitlines()
    assert "helps the VAE too" not in shown and "hole rate" not in shown


def test_missing_runs_are_offered_and_the_rest_of_the_page_stays(monkeypatch):
    monkeypatch.setattr(ui.training.app_queue, "_start", lambda spec: pytest.fail(f"trained {spec.key} unasked"))
    at = open_page(PAGE, depth="128")
    assert not at.error
    assert said(at, "Not trained yet on MNIST digits: Autoencoder, d = 2 and Variational autoencoder, d = 2.")
    assert [button.label for button in at.button] == ["Train"]
    assert planes_of(at) == []
    assert boxes(at) == ["This in code", "Sources"]
    for d in (8, 2):
        at.segmented_control(key="regularity-d").set_value(d).run()
    at.selectbox(key="regularity-dataset").set_value("digits").run()
    said(at, "Not trained yet on Small digits, 8 by 8: .* Training takes about ")
    assert ui.training.app_queue.training_queue().idle


def test_only_what_is_missing_is_offered(tmp_path, monkeypatch):
    copy_runs(store(), Store(tmp_path), [spec_of("ae", 2).key])
    monkeypatch.setenv("VAE_STORE", str(tmp_path))
    said(open_page(PAGE), "Not trained yet on MNIST digits: Variational autoencoder, d = 2. Training takes")


def test_without_the_classifier_the_planes_and_the_files_figures_stay(tmp_path, monkeypatch):
    copy_runs(store(), Store(tmp_path), [spec_of(model, 2).key for model in NAMES])
    monkeypatch.setenv("VAE_STORE", str(tmp_path))
    monkeypatch.setattr(checkpoints, "SHIPPED", tmp_path / "nothing")
    at = open_page(PAGE)
    assert len(planes_of(at)) == 2
    assert at.error and all(error.value.startswith(NO_CLASSIFIER) for error in at.error)
    assert pictures(at) == []
    assert subheaders(at) == PASSAGES
    assert set(tables(at)[0]["real images"]) == {""}


def test_a_pair_that_was_never_measured_says_so_and_the_planes_stay(tmp_path, monkeypatch):
    def unmeasured(run: Run) -> dict:
        names = ("samples", "paths", "path_length")
        return {"metrics": {"test": {n: v for n, v in run.metrics["test"].items() if n not in names}}}

    source, target = store(), Store(tmp_path)
    copy_runs(source, target, [spec_of(model, 2).key for model in NAMES], unmeasured)
    copy_runs(source, target, [shipped_run(dataset="mnist", model="classifier").key])
    monkeypatch.setenv("VAE_STORE", str(tmp_path))
    at = open_page(PAGE)
    assert len(planes_of(at)) == 2 and len(pictures(at)) == 5
    assert sum("trained without this dataset's classifier" in text for text in texts(at)) == 2
    assert [cells[0] for name, cells in tables(at)[0].items() if "seed" in name] == ["–", "–"]
    before = len(at.error)
    radio = next(radio for radio in at.radio if PRIOR in radio.label)
    radio.set_value(radio.options[0]).run()
    assert not at.exception
    assert len(at.error) == before + 1
    assert all("was not measured" in error.value for error in at.error)


def test_images_that_are_not_here_cost_the_films_only(tmp_path, monkeypatch):
    """Runs of a dataset that this machine has not downloaded: the planes come from the files."""
    import ui.runs.resources
    from vae_core.errors import DatasetUnavailable

    def unavailable(*_: object, **__: object) -> None:
        raise DatasetUnavailable("MNIST is not here.")

    monkeypatch.setattr(ui.runs.resources, "load", unavailable)
    at = open_page(PAGE, d="16")
    at.segmented_control(key="regularity-view").set_value("Two coordinates").run()
    assert [header["axes"] for header in planes_of(at)] == [["z₁", "z₂"]] * 2
    assert {error.value for error in at.error} == {"MNIST is not here."}
    assert len(pictures(at)) == 2 and subheaders(at) == PASSAGES


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
