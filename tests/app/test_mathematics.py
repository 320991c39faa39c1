"""The mathematics: whole, with its formulas, and every number that of the toy or of the runs on screen."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import ui.chapters.mathematics.samples_per_step
from ui.chapters.beta.variance import same_dial
from ui.chapters.mathematics.experiments import KINDS, PREDICTED_CORRELATION, STORY, how_wide, where_q_settles
from ui.chapters.mathematics.importance import KS, LARGEST, WEIGHTS, bounded, half_width, run_key
from ui.chapters.mathematics.samples_per_step import by_samples
from ui.runs.resources import held_out
from vae_core.evaluation.importance import binarise
from vae_core.execution import Execution
from vae_core.lessons.exact_posterior import DECODERS, Toy, exact_posterior, nodes
from vae_core.spec import RunSpec
from vae_core.storage.store import Store
from vae_core.training.jobs import get_or_train

from .helpers import (
    boxes,
    charts,
    open_page,
    payload_headers,
    plotted,
    predict,
    said,
    seen,
    subheaders,
    tables,
    tells,
    texts,
)

FLOAT32 = Execution(precision="float32")  # the same numbers on every processor

PAGE = "pages/mathematics.py"
SAMPLES = (1, 5, 50)


@pytest.fixture(scope="session")
def sampled_store(shared_folder: Path) -> Store:
    """Runs that differ in their number of samples alone; further ones may come, none goes."""
    store = Store(shared_folder / "sampled")
    for spec in specs_of_samples():
        get_or_train(store, spec, execution=FLOAT32)
    return store


def specs_of_samples() -> list[RunSpec]:
    return [RunSpec("digits", "vae", latent_dim=2, hidden=(64, 32), epochs=3, samples=samples) for samples in SAMPLES]


@pytest.fixture
def with_samples(sampled_store, monkeypatch) -> list[RunSpec]:
    """The app on a store and a manifest that hold those runs."""
    monkeypatch.setenv("VAE_STORE", str(sampled_store.root))
    monkeypatch.setattr(ui.chapters.mathematics.samples_per_step, "read_manifest", specs_of_samples)
    return specs_of_samples()


def test_the_page_is_whole_and_sends_its_four_experiments():
    at = seen(PAGE)
    assert not at.warning
    assert [header["kind"] for header in payload_headers(at)] == list(KINDS)
    assert [heading.split(".")[0] for heading in subheaders(at)] == list("1234567")
    assert boxes(at) == ["This in code", "Sources"]
    assert all("rebuild" in error.value for error in at.error)


def test_every_step_has_a_formula_on_lines_of_its_own():
    passages = [text for text in texts(seen(PAGE)) if re.search(r"^## [1-6]\.", text, re.MULTILINE)]
    assert len(passages) == 6
    for text in passages:
        formulas = re.findall(r"\n\$\$\n(.+)\n\$\$\n", text)
        assert len(formulas) == 1
        assert formulas[0].count("{") == formulas[0].count("}")
        assert formulas[0].count(r"\begin") == formulas[0].count(r"\end")


def test_what_the_experiments_compute_with_is_the_toys():
    posterior, descent, *_ = payload_headers(seen(PAGE))
    for header in (posterior, descent):
        assert header["rules"]["nodes"] == nodes()[0].tolist()
        assert {name: tuple(one["coefficients"]) for name, one in header["decoders"].items()} == {
            name: decoder.coefficients for name, decoder in DECODERS.items()
        }
        assert header["start"] == STORY and header["start"]["c"] in header["variances"]
    settings = descent["descent"]
    assert settings["spread"] in descent["deviations"] and settings["rate"] in descent["rates"]


@pytest.mark.parametrize("decoder", list(DECODERS))
def test_formulas_on_screen_are_the_curves(decoder):
    text = DECODERS[decoder].formula.partition("= ")[2]
    python = text.replace("−", "-").replace("z²", "z**2").replace("2 exp", "2*exp")
    for z in (-2.0, 0.5, 3.0):
        value = eval(python, {"z": z, "exp": math.exp})
        assert value == pytest.approx(float(DECODERS[decoder](np.array(z))))


def test_the_humps_are_predicted_from_the_descent_itself():
    right, told = where_q_settles()
    assert right == 1
    exact = exact_posterior(Toy(DECODERS[STORY["decoder"]], STORY["x"], STORY["c"]))
    assert f"mean {exact.mean:.2f} and standard deviation {exact.deviation:.2f}" in told
    assert told in predict(open_page(PAGE), "where will q settle", 1)
    assert "**No: on one of the humps.**" in predict(open_page(PAGE), "where will q settle", 0)


def test_the_diagonals_width_is_predicted_from_the_closed_form():
    right, told = how_wide()
    assert right == 2
    assert f"{math.sqrt(1 - PREDICTED_CORRELATION**2):.2f}" in told
    assert f"{-0.5 * math.log(1 - PREDICTED_CORRELATION**2):.2f} nats" in told
    assert "**Yes.**" in predict(open_page(PAGE), "best diagonal q", 2)


@pytest.mark.parametrize("d", [2, 16])
def test_the_bound_rises_with_k_within_its_error(d):
    at = seen(PAGE, d=str(d), digit="7")
    found = bounded(run_key(d), 7)
    (curve,) = charts(at)[0]["data"]
    values = plotted(curve["y"])
    assert list(plotted(curve["x"])) == list(KS)
    assert values == pytest.approx([one.value for one in found.bounds])
    for lower, higher in zip(found.bounds, found.bounds[1:], strict=False):
        assert higher.value > lower.value - half_width(lower) - half_width(higher)
    first, last = found.bounds[0], found.bounds[-1]
    assert last.value - first.value > half_width(first) + half_width(last)
    assert (last.k, last.repeats) == (LARGEST, WEIGHTS // LARGEST)
    tells(at, *(f"{bound.value:.2f}".replace("-", "−") for bound in (first, last)))


def test_the_elbo_of_the_digit_is_torchs_and_the_picture_starts_with_it():
    from vae_core.losses.gaussian import kl_to_standard_normal

    torch = pytest.importorskip("torch")
    run = Store("checkpoints").load(run_key(2))
    pixels = torch.from_numpy(binarise(held_out("mnist").floats()[7].ravel()))[None]
    with torch.no_grad():
        posterior = run.model.encode(pixels)
        noise = torch.from_numpy(np.random.default_rng(5).standard_normal((4_000, 2), dtype=np.float32))
        z = posterior.mean + (0.5 * posterior.log_var).exp() * noise
        losses = run.likelihood.negative_log_likelihood(run.model.decode(z), pixels.expand(4_000, -1))
        elbo = -float(losses.mean() + kl_to_standard_normal(*posterior).sum())
    error = float(losses.std()) / math.sqrt(4_000)
    assert bounded(run_key(2), 7).bounds[0].value == pytest.approx(elbo, abs=4 * error + 0.05)


def test_another_digit_reruns_to_its_own_numbers_and_is_in_the_link():
    at = open_page(PAGE)
    before = charts(at)[0]["data"][0]["y"]
    at.number_input[0].set_value(42).run()
    assert not at.exception
    assert charts(at)[0]["data"][0]["y"] != before
    assert at.query_params["digit"] in ("42", ["42"])
    assert "Held-out image 42" in "".join(map(str, texts(at)))


def test_missing_runs_are_said_and_the_experiments_stay(empty_store):
    at = open_page(PAGE)
    assert [header["kind"] for header in payload_headers(at)] == list(KINDS)
    assert len(at.error) == 3  # the VAE of step 5, the runs of step 6, those of step 7
    assert all("python -m vae_core rebuild" in error.value for error in at.error)
    assert boxes(at) == ["This in code", "Sources"]


def test_the_curves_and_the_table_of_samples_are_the_runs(with_samples, sampled_store):
    at = open_page(PAGE)
    by_epoch, by_second = charts(at)
    table = tables(at)[0]
    assert table["samples per image and step"] == [str(samples) for samples in SAMPLES]
    for number, spec in enumerate(with_samples):
        run = sampled_store.load(spec.key)
        loss = [record["validation_reconstruction"] + record["validation_kl"] for record in run.history]
        assert plotted(by_epoch["data"][number]["y"]) == pytest.approx(loss)
        assert list(plotted(by_epoch["data"][number]["x"])) == [1, 2, 3]
        seconds = np.cumsum([record["seconds"] for record in run.history])
        assert plotted(by_second["data"][number]["x"]) == pytest.approx(seconds)
        assert table["−ELBO on test images"][number] == f"{run.metrics['test']['negative_elbo']:.2f}"
        assert table["seconds"][number] == f"{seconds[-1]:.1f}"
    assert re.search(r"After 3 epochs the −ELBO", "".join(map(str, texts(at))))


def test_seeds_are_averaged_and_other_recipes_left_out(with_samples, sampled_store, monkeypatch):
    alone = RunSpec("digits", "vae", latent_dim=2, hidden=(64, 32), epochs=2)  # no other number of samples
    second = replace(with_samples[0], seed=1)
    for spec in (alone, second):
        get_or_train(sampled_store, spec, execution=FLOAT32)
    monkeypatch.setattr(
        ui.chapters.mathematics.samples_per_step, "read_manifest", lambda: [*with_samples, alone, second]
    )
    one, five, fifty = by_samples()
    assert (one.seeds, five.seeds, fifty.seeds) == (2, 1, 1)
    assert (one.samples, five.samples, fifty.samples) == SAMPLES
    runs = [sampled_store.load(spec.key) for spec in (with_samples[0], second)]
    last = [run.history[-1]["validation_reconstruction"] + run.history[-1]["validation_kl"] for run in runs]
    assert one.loss[-1] == pytest.approx(np.mean(last))
    assert len(one.final) == 2
    many = [replace(spec, seed=seed) for spec in with_samples for seed in (0, 1)]
    for spec in many:
        get_or_train(sampled_store, spec, execution=FLOAT32)
    monkeypatch.setattr(ui.chapters.mathematics.samples_per_step, "read_manifest", lambda: many)
    finals = [
        [sampled_store.load(replace(with_samples[k], seed=s).key).metrics["test"]["negative_elbo"] for s in (0, 1)]
        for k in (0, 2)
    ]
    apart, spread = abs(np.mean(finals[0]) - np.mean(finals[1])), max(abs(np.diff(pair)[0]) for pair in finals)
    told = said(open_page(PAGE), "The means are .*")[0]
    assert f"{apart:.2f} nats apart" in told and f"up to {spread:.2f}" in told
    assert ("no more difference than the seed" in told) == (apart <= spread)


def test_where_c_enters_is_what_the_dial_says():
    at = seen(PAGE)
    assert any(same_dial()[1] in text for text in texts(at) if isinstance(text, str))
    assert "beta" in json.dumps([link.proto.page for link in at.get("page_link")])
