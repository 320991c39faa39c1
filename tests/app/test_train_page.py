"""Train your own: the form and its link, a run from beginning to end."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

import ui.training.app_queue
from tests.support.payloads import tensor_in
from ui.chapters.train import form as recipe
from ui.figures.tables import metrics_table
from ui.training.forecast import memory_of, weight_count, work_of
from ui.training.progress import live
from ui.training.queue import LONGEST_QUEUE, Ended
from vae_core import datasets
from vae_core.evaluation.features import classifier_spec
from vae_core.execution import Execution
from vae_core.models import MODELS, OFFERED, build, named
from vae_core.payloads.film import curves, film_of_run, settled_range
from vae_core.spec import RunSpec
from vae_core.storage.export import command_line
from vae_core.storage.manifest import SHIPPED, shipped_run
from vae_core.storage.store import Store
from vae_core.training.jobs import get_or_train
from vae_core.training.loop import diverged

from .helpers import MAIN, ROOT, Bench, open_page, payload_headers, said, tables, wait_until

FLOAT32 = Execution(precision="float32")  # the same numbers on every processor

PAGE = "pages/train.py"
SHORT = {"dataset": "digits", "epochs": "3", "depth": "128", "batch": "256"}


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    held = Bench()
    monkeypatch.setattr(ui.training.app_queue, "_start", held)
    yield held
    ui.training.app_queue.training_queue().close()
    held.let_go(2 * LONGEST_QUEUE)


def train(at: AppTest) -> AppTest:
    at.button(key="train-begin").click().run()
    assert not at.exception
    return at


def key_on(at: AppTest) -> str:
    return said(at, "Its key: `(.*?)`")[1]


# ---- the form --------------------------------------------------------------------------------------------------------


def test_the_link_says_the_whole_form_and_the_form_the_link(empty_store):
    link = {
        "dataset": "digits", "model": "vae", "depth": "512-256", "d": "3", "beta": "0", "likelihood": "gaussian",
        "c": "0.1", "epochs": "7", "batch": "256", "rate": "0.01", "seed": "5",
    }  # fmt: skip
    wanted = RunSpec(
        "digits", "vae", latent_dim=3, hidden=(512, 256), beta=0.0, likelihood="gaussian", variance=0.1, epochs=7,
        batch_size=256, learning_rate=0.01, seed=5,
    )  # fmt: skip
    at = open_page(PAGE, **link)
    assert key_on(at) == wanted.key and not at.warning
    kept = {name: value[0] if isinstance(value, list) else value for name, value in at.query_params.items()}
    assert kept == {name: value for name, value in link.items() if name != "model"}  # the usual model needs no word
    at.number_input(key="train-beta").set_value(4.0).run()
    assert key_on(at) == replace(wanted, beta=4.0).key
    at.selectbox(key="train-model").set_value("ae").run()
    assert key_on(at) == replace(wanted, model="ae", beta=None).key and "beta" not in at.query_params
    at.selectbox(key="train-model").set_value("conv_ae").run()
    assert key_on(at) == replace(wanted, model="conv_ae", beta=None, hidden=(16, 32, 64)).key and not at.warning
    at.selectbox(key="train-model").set_value("linear_ae").run()
    assert key_on(at) == replace(wanted, model="linear_ae", beta=None, hidden=()).key


def test_a_likelihood_for_grey_pixels_is_offered_by_its_name_and_has_no_variance(empty_store):
    at = open_page(PAGE, dataset="digits", likelihood="continuous_bernoulli")
    (control,) = [one for one in at.segmented_control if one.key == "train-likelihood"]
    assert list(control.options) == ["Bernoulli", "Gaussian", "Continuous Bernoulli"]
    wanted = RunSpec(
        "digits", "vae", latent_dim=2, hidden=(128, 64), likelihood="continuous_bernoulli", epochs=30, batch_size=64
    )
    assert key_on(at) == wanted.key and not at.warning
    assert "train-c" not in [one.key for one in at.number_input]


def test_fields_that_do_not_go_together_are_a_sentence(empty_store):
    at = open_page(PAGE, dataset="digits", model="linear_ae", d="64")
    assert not at.error and not at.exception
    at = open_page(PAGE, dataset="digits", model="conv_vae", depth="32-64-128")
    assert not at.error


def spec_of_kind(dataset: str, model: str, hidden: tuple[int, ...]) -> RunSpec:
    """A run that the form can say: a prior of a VQ-VAE's codes, a perceptual VAE with an autoencoder's features."""
    kind = MODELS[model]
    if model == "perceptual_vae":
        shared = kind.base_fields(RunSpec(dataset, "conv_ae", hidden=(8, 16, 24)))
        return RunSpec(dataset, model, latent_dim=3, hidden=hidden, **shared)
    if kind.base and not kind.base_optional:
        base = RunSpec(dataset, "vq_vae", hidden=hidden, options={"entries": 48, "dimensions": 5})
        shared = kind.base_fields(base)
        return RunSpec(model=model, **{**shared, "options": {**shared["options"], "width": 64, "layers": 2}})
    return RunSpec(dataset, model, latent_dim=None if kind.latent_dim_of else 3, hidden=hidden)


@pytest.mark.parametrize("model", OFFERED)
@pytest.mark.parametrize("dataset", ["digits", "mnist_sample"])
def test_the_weights_told_are_those_of_the_network(dataset, model):
    for hidden in recipe.DEPTHS[recipe.depths_of(model)].values():
        spec = spec_of_kind(dataset, model, hidden)
        network = build(spec, datasets.info(dataset).image_shape)
        assert weight_count(spec) == sum(parameter.numel() for parameter in network.parameters())
        assert memory_of(spec) > 4 * weight_count(spec)


# ---- two networks against each other, and images compared by a third ------------------------------------------------


@pytest.fixture
def conv_store(empty_store: Store) -> Store:
    """A convolutional VAE and a convolutional autoencoder of small digits, hardly trained."""
    for model in ("conv_vae", "conv_ae"):
        get_or_train(empty_store, RunSpec("digits", model, latent_dim=3, hidden=(8, 16), epochs=1), execution=FLOAT32)
    return empty_store


def test_the_fields_of_a_gan_are_its_options_and_are_in_the_link(empty_store):
    link = {
        "dataset": "digits", "model": "gan", "depth": "8-16", "d": "3", "loss": "minimax", "r1": "2.5",
        "rate_ratio": "0.5", "batch_spread": "0", "average": "0.99", "epochs": "4",
    }  # fmt: skip
    options = {"loss": "minimax", "r1": 2.5, "rate_ratio": 0.5, "batch_spread": False, "average": 0.99}
    wanted = RunSpec("digits", "gan", latent_dim=3, hidden=(8, 16), epochs=4, batch_size=64, options=options)
    at = open_page(PAGE, **link)
    assert key_on(at) == wanted.key and not at.warning and recipe.can_say(wanted)
    kept = {name: value[0] if isinstance(value, list) else value for name, value in at.query_params.items()}
    assert kept == link
    regulariser = next(one for one in at.segmented_control if one.key == "train-regulariser")
    regulariser.set_value("spectral").run()
    assert "r1" not in at.query_params and "train-r1" not in [one.key for one in at.number_input]
    spectral = replace(wanted, options=replace(wanted.options, regulariser="spectral", r1=0.3))
    assert key_on(at) == spectral.key and recipe.can_say(spectral)
    assert not recipe.can_say(replace(spectral, options=replace(spectral.options, r1=1.0)))  # no field says that
    at.selectbox(key="train-model").set_value("vae").run()
    assert not {"loss", "regulariser", "rate_ratio", "average"} & set(at.query_params)


def test_a_vae_gan_begins_with_a_vae_or_untrained(conv_store):
    base = next(key for key in conv_store.keys() if key.startswith("conv_vae"))
    at = open_page(PAGE, dataset="digits", model="vae_gan", of=base, beta="2", similarity="5", epochs="3")
    wanted = RunSpec(
        "digits", "vae_gan", latent_dim=3, hidden=(8, 16), beta=2.0, epochs=3, batch_size=64,
        options={"of": base, "similarity": 5.0},
    )  # fmt: skip
    assert key_on(at) == wanted.key and not at.warning and recipe.can_say(wanted)
    assert "train-depth-conv" not in [one.key for one in at.selectbox]  # it has the layers of the other
    at.selectbox(key="train-of").set_value("").run()
    assert "of" not in at.query_params
    alone = RunSpec(
        "digits", "vae_gan", latent_dim=2, beta=2.0, epochs=3, batch_size=64, options={"similarity": 5.0}
    )  # fmt: skip
    assert key_on(at) == alone.key
    conv_store.path(base).unlink()
    assert ui.training.app_queue.request([wanted]).startswith("The run that it begins with is no longer here")
    at = open_page(PAGE, dataset="digits", model="vae_gan", of=base)
    assert ["begins with untrained weights" in warning.value for warning in at.warning] == [True]
    assert "of" not in at.query_params


def test_a_perceptual_vae_names_the_run_that_compares_and_never_the_classifier_that_measures(conv_store):
    conv_store.save(Store(SHIPPED).load(classifier_spec("digits").key))
    base = next(key for key in conv_store.keys() if key.startswith("conv_ae"))
    at = open_page(PAGE, dataset="digits", model="perceptual_vae", of=base, d="2", pixel_weight="0.5")
    wanted = RunSpec(
        "digits", "perceptual_vae", latent_dim=2, batch_size=64,
        options={"of": base, "channels": [8], "pixel_weight": 0.5},
    )  # fmt: skip
    assert key_on(at) == wanted.key and not at.warning and recipe.can_say(wanted)
    assert len(at.selectbox(key="train-of").options) == 2  # the VAE and the autoencoder
    at = open_page(PAGE, model="perceptual_vae")  # no run here has seen images of this size
    assert any("Train one first" in info.value and "size" in info.value for info in at.info)
    at.button(key="train-base-first").click().run()
    assert at.selectbox(key="train-model").value == "conv_ae" and not at.exception


def test_training_that_came_to_nan_is_a_result_with_its_history(bench, empty_store):
    at = train(open_page(PAGE, dataset="digits", model="gan", depth="8-16", epochs="9", batch="256", rate="0.01"))
    key = key_on(at)
    wait_until(lambda: len(bench.came) == 1)

    def leave(progress) -> None:
        if progress.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        get_or_train(empty_store, bench.came[0], execution=FLOAT32, on_epoch=leave, film=True)
    record = {"generator": math.nan}
    bench.ends = [Ended(str(diverged(bench.came[0], 3, record)))]
    bench.let_go()
    wait_until(lambda: ui.training.app_queue.training_queue().idle)
    at.run()
    assert not at.error and not at.exception
    (told,) = [one.value for one in at.warning]
    assert "stopped in epoch 3" in told and "generator nan" in told and "history, up to epoch 2" in told
    header = payload_headers(at)[0]
    panels = {panel["title"]: panel for panel in header["curves"]["panels"]}
    assert header["curves"]["epochs"] == [1, 2] and "train-resume" not in [one.key for one in at.button]
    assert list(panels)[:2] == ["Discriminator", "Generator"]
    assert panels["Squared slope of the discriminator"]["unit"] == "squared nats per squared pixel"
    assert panels["Error of guessed codes"]["unit"] == "squared latent units"
    at.button(key="train-slower").click().run()
    assert key_on(at) == replace(bench.came[0], learning_rate=0.005).key != key


@pytest.mark.parametrize(
    "model, titles",
    [
        ("gan", ["Discriminator", "Generator"]),
        ("vae_gan", ["Reconstruction", "KL", "Discriminator", "Generator", "Similarity"]),
        ("perceptual_vae", ["Reconstruction", "KL", "Features"]),
    ],
)
def test_what_is_watched_has_its_place_before_the_first_epoch(model, titles):
    kind = MODELS[model]
    terms = named(kind.objective if model == "perceptual_vae" else kind.step).terms
    record = {f"{split}{term.name}": 1.0 for term in terms for split in ("", "validation_")}
    spec = RunSpec("digits", model)
    before, after = (curves(spec, history)["panels"] for history in ([], [dict(sorted(record.items())) | {"epoch": 1}]))
    assert {one["title"]: one.get("unit") for one in before} == {one["title"]: one.get("unit") for one in after}
    assert [one["title"] for one in after if one["title"] in titles] == titles and len(after) == len(terms)
    units = {term.name: term.unit for term in terms}
    for one in after:
        if one["title"] in ("Similarity", "Features"):
            assert one["unit"] == units[one["title"].lower()] == "squared features"


# ---- codes that are entries of a codebook ----------------------------------------------------------------------------


def test_the_fields_of_a_codebook_are_the_models_options_and_are_in_the_link(empty_store):
    link = {
        "dataset": "digits", "model": "vq_vae", "depth": "32-32", "entries": "12", "dimensions": "4",
        "commitment": "5", "learn_by": "loss", "start_from": "random", "restart": "0", "epochs": "3",
    }  # fmt: skip
    wanted = RunSpec(
        "digits", "vq_vae", hidden=(32, 32), epochs=3, batch_size=64,
        options={
            "entries": 12, "dimensions": 4, "commitment": 5.0, "learn_by": "loss", "start_from": "random",
            "restart": False,
        },
    )  # fmt: skip
    at = open_page(PAGE, **link)
    assert key_on(at) == wanted.key and not at.warning
    kept = {name: value[0] if isinstance(value, list) else value for name, value in at.query_params.items()}
    assert kept == link
    shown = [one.key for one in at.number_input]
    assert "train-d" not in shown and "train-beta" not in shown
    help_of = {one.key: one.help for one in at.number_input}
    assert help_of["train-entries"] == "K, the number of entries in the codebook."
    said(at, r"Codes: 4 × 4 cells, K = 12, D = 4, commitment 5, learned by its loss, started at random")
    at.selectbox(key="train-model").set_value("fsq").run()
    assert not {"entries", "commitment", "learn_by", "restart"} & set(at.query_params) and not at.warning
    at.selectbox(key="train-levels").set_value("5-3").run()
    assert (
        key_on(at) == RunSpec("digits", "fsq", hidden=(32, 32), epochs=3, batch_size=64, options={"levels": [5, 3]}).key
    )
    assert said(at, "Codes: (.*?)\\. Its")[1] == "4 × 4 cells, K = 15, levels 5-3"


@pytest.mark.parametrize(
    "name, text", [("entries", "1025"), ("entries", "1.5"), ("commitment", "-1"), ("levels", "2-2")]
)
def test_a_link_out_of_an_options_range_is_said_and_left_out(empty_store, name, text):
    model = "fsq" if name == "levels" else "vq_vae"
    at = open_page(PAGE, dataset="digits", model=model, **{name: text})
    assert key_on(at) == RunSpec("digits", model, batch_size=64).key
    assert [f"“{name}”" in warning.value for warning in at.warning] == [True] and name not in at.query_params


def test_a_prior_names_its_run_and_takes_over_what_both_share(grid_store):
    base = next(key for key in grid_store.keys() if key.startswith("vq_vae"))
    at = open_page(PAGE, dataset="digits", model="vq_prior", of=base, told="1", width="32", layers="2", epochs="4")
    spec = grid_store.load(base).spec
    shared = MODELS["vq_prior"].base_fields(spec)
    options = {**shared["options"], "width": 32, "layers": 2, "classes": 10}
    wanted = RunSpec(model="vq_prior", epochs=4, batch_size=64, **{**shared, "options": options})
    assert key_on(at) == wanted.key and not at.warning
    menu = at.selectbox(key="train-of")
    assert len(menu.options) == 2 and any("K = 12" in one for one in menu.options)  # a prior is none to learn from
    assert not {"train-depth-grid", "train-likelihood"} & {one.key for one in (*at.selectbox, *at.segmented_control)}
    assert recipe.can_say(wanted)
    assert not recipe.can_say(replace(wanted, options=replace(wanted.options, heads=8)))


def test_a_prior_without_a_run_to_learn_from_says_so_and_one_unknown_is_left_out(empty_store):
    at = open_page(PAGE, dataset="digits", model="vq_prior", of="vq_vae-digits-d4-0000000000")
    assert any("Train one first" in info.value for info in at.info) and "of" not in at.query_params
    assert "train-begin" not in [button.key for button in at.button]
    at.button(key="train-base-first").click().run()
    assert key_on(at) == RunSpec("digits", "vq_vae", batch_size=64).key


def test_a_link_to_a_run_of_other_images_is_left_out(grid_store):
    at = open_page(PAGE, dataset="digits", model="vq_prior", of="vq_vae-mnist-d49-c393f067f1")
    assert ["“of”" in warning.value for warning in at.warning] == [True]
    assert at.query_params["of"] in grid_store.keys() or at.query_params["of"][0] in grid_store.keys()


def test_a_run_that_is_gone_meanwhile_is_said(bench, grid_store):
    base = next(key for key in grid_store.keys() if key.startswith("vq_vae"))
    at = open_page(PAGE, dataset="digits", model="vq_prior", of=base, epochs="3")
    spec = RunSpec.from_dict(grid_store.load(base).spec.to_dict())
    shared = MODELS["vq_prior"].base_fields(spec)
    prior = RunSpec(model="vq_prior", **{**shared, "options": {**shared["options"], "width": 32}})
    grid_store.path(base).unlink()
    assert ui.training.app_queue.request([prior]).startswith("The run whose codes it was to learn is no longer here")
    at.run()
    assert any("choose again" in warning.value for warning in at.warning)
    assert at.query_params["of"] != base
    assert not bench.came


def test_a_finished_run_with_a_codebook_shows_curves_rebuilt_images_and_no_plane(grid_store):
    key = next(key for key in grid_store.keys() if key.startswith("vq_vae"))
    run = grid_store.load(key)
    at = open_page(PAGE, run=key)
    header = payload_headers(at)[0]
    assert (header["kind"], header["plane"], header["frames"], header["count"]) == ("film", False, [1, 2], 10)
    panels = {panel["title"]: panel for panel in header["curves"]["panels"]}
    assert list(panels) == ["Reconstruction", "Commitment", "Perplexity"]
    assert panels["Commitment"]["unit"] == "squared latent units" and "unit" not in panels["Reconstruction"]
    counts = np.bincount(run.snapshots[-1].astype(int).ravel(), minlength=12)
    shares = counts[counts > 0] / counts.sum()
    assert panels["Perplexity"]["held_out"][-1] == pytest.approx(np.exp(-(shares * np.log(shares)).sum()), rel=1e-5)
    assert panels["Perplexity"]["unit"] == f"entries of 12, of {len(run.snapshots[-1])} images"
    rebuilt = run.decode(run.encode(datasets.load("digits", "validation").first(10).floats()))
    shown = run.extras["film/rebuilt"][-1].reshape(10, -1) / 255
    assert np.abs(shown - rebuilt).max() < 0.02  # the film's are of weights that were not rounded yet
    rows = dict(zip(tables(at)[0]["metric"], tables(at)[0]["held out, n = 360"], strict=True))
    assert rows["Perplexity of the codes"] == f"{run.metrics['validation']['perplexity']:.1f}"
    assert rows["Size of the codes, uniform"] == f"{4 * np.log2(12):.0f}"
    at.button(key="train-prior").click().run()
    assert at.selectbox(key="train-model").value == "vq_prior" and at.selectbox(key="train-of").value == key
    prior = next(key for key in grid_store.keys() if key.startswith("vq_prior"))
    header = payload_headers(open_page(PAGE, run=prior))[0]
    assert [panel["title"] for panel in header["curves"]["panels"]] == ["−log p(codes)"] and header["count"] == 0


def test_small_sets_are_shown_several_times_in_an_epoch_in_the_estimate_too(monkeypatch):
    spec, work = RunSpec("digits", "vae"), {}
    for count in (0, 500, 1_000, 5_000):  # 500 are gone through ten times
        known = replace(datasets.DATASETS["digits"], training_images=count)
        monkeypatch.setitem(datasets.DATASETS, "digits", known)
        work[count] = work_of(spec)
    assert work[500] == work[5_000] == 5 * work[1_000] > work[0] > 0


# ---- a run from beginning to end -------------------------------------------------------------------------------------


def test_training_from_the_page_to_the_end(empty_store):
    """A real process."""
    at = train(open_page(PAGE, **SHORT))
    key = key_on(at)
    assert at.query_params["run"] in (key, [key])
    before = payload_headers(at)[0]  # the stage is laid out, for the images of this run
    assert (before["key"], before["frames"], before["count"], before["live"]) == (key, [], 10, True)
    assert "first epoch is on its way" in at.get("progress")[0].text
    wait_until(lambda: ui.training.app_queue.training_queue().idle, seconds=240)
    assert ui.training.app_queue.training_queue().failures == {}
    at.run()
    run = empty_store.load(key)
    header = payload_headers(at)[0]
    assert (header["kind"], header["key"], header["frames"], header["live"]) == ("film", key, [1, 2, 3], False)
    assert header["rebuilt_epochs"] == [1, 2, 3] and header["count"] == 10
    assert header["decoded_epochs"] == [1, 2, 3] and header["images"] == header["later"][0]["images"]
    assert list(tables(at)[0]) == ["metric", "held out, n = 360", "unit"]  # its test images are the same ones
    assert tables(at)[0]["held out, n = 360"][0].startswith(f"{run.metrics['test']['negative_elbo']:.1f} ± ")
    assert at.code[0].value == command_line(run.spec)
    assert len(at.get("download_button")) == 3
    again = open_page(PAGE, run=key)
    assert payload_headers(again)[0]["key"] == key
    at.button(key="train-more").click().run()
    assert key_on(at) == replace(run.spec, epochs=6).key


def test_the_film_holds_what_the_run_holds(trained_store):
    for key in trained_store.keys():
        run = trained_store.load(key)
        payload = film_of_run(run)
        points = tensor_in(payload.body, payload.header["tensors"]["points"])
        assert np.array_equal(points, run.snapshots)  # d = 2: the plane is all of latent space
        assert payload.header["frames"] == run.snapshot_epochs and payload.header["count"] == 0
        panels = payload.header["curves"]["panels"]
        record = run.history[0]
        if run.spec.model == "vae":
            assert [panel["title"] for panel in panels] == ["Total: negative ELBO", "Reconstruction", "KL"]
            total = record["validation_reconstruction"] + record["validation_kl"]
            assert panels[0]["held_out"][0] == pytest.approx(total, rel=1e-4)
        assert panels[-1]["training"][0] == pytest.approx(
            record["kl" if len(panels) > 1 else "reconstruction"], rel=1e-4
        )


def test_curves_of_many_epochs_keep_both_ends_and_settle():
    history = [
        {"epoch": epoch, "reconstruction": 500 / epoch, "validation_reconstruction": 600 / epoch, "seconds": 1.0}
        for epoch in range(1, 2_001)
    ]
    made = curves(RunSpec("digits", "ae"), history)
    assert len(made["epochs"]) == 500 and (made["epochs"][0], made["epochs"][-1]) == (1, 2_000)
    assert settled_range([100.0, 10.0, 5.0], [90.0, 9.0, 6.0]) == pytest.approx([4.7, 10.3])
    assert settled_range([3.0], [3.0]) == pytest.approx([2.82, 3.18])


def test_every_term_in_nats_has_a_curve_and_no_other(monkeypatch):
    names = ("reconstruction", "kl", "total_correlation", "spread")
    kind = replace(MODELS["vae"], title="Of four terms", other_units=("spread",))
    monkeypatch.setitem(MODELS, "four_terms", kind)
    losses = {name: 1.5 * number for number, name in enumerate(names)}
    record = (
        losses | {f"validation_{name}": 10 + value for name, value in losses.items()} | {"epoch": 1, "seconds": 0.5}
    )
    history = [dict(sorted(record.items()))] * 2  # as a file holds it
    panels = curves(RunSpec("digits", "four_terms"), history)["panels"]
    assert [panel["title"] for panel in panels] == ["Reconstruction", "KL", "Total correlation"]
    assert [(panel["training"], panel["held_out"]) for panel in panels] == [
        ([value] * 2, [10 + value] * 2) for value in (0.0, 1.5, 3.0)
    ]
    without = {name: value for name, value in record.items() if "correlation" not in name}
    titles = [panel["title"] for panel in curves(RunSpec("digits", "four_terms"), [without])["panels"]]
    assert titles == ["Reconstruction", "KL"]  # their sum alone would not be the loss
    of_digits = shipped_run(model="classifier", dataset="digits")
    panels = curves(of_digits, Store(SHIPPED).load(of_digits.key).history)["panels"]
    assert [panel["title"] for panel in panels] == ["Cross entropy"]


def test_the_rebuilt_images_are_what_the_decoder_makes(tmp_path):
    spec = RunSpec("digits", "vae", hidden=(16,), epochs=2)
    run = get_or_train(Store(tmp_path), spec, execution=Execution(precision="float32", device="cpu"), film=True)
    plain = get_or_train(Store(tmp_path / "plain"), spec, execution=Execution(precision="float32", device="cpu"))
    assert plain.metrics == run.metrics
    assert all(np.array_equal(plain.weights[name], run.weights[name]) for name in run.weights)
    images = datasets.load("digits", "validation").first(10)
    with torch.no_grad():
        means = run.model.encode_mean(torch.from_numpy(images.floats()))
        expected = run.likelihood.expected_pixels(run.model.decode(means)).numpy()
    assert np.array_equal(run.extras["film/originals"], images.images)
    last = run.extras["film/rebuilt"][-1].reshape(10, -1)
    assert np.abs(last - expected * 255).max() < 1.0  # the film's weights are not yet rounded to half precision


def test_while_it_trains_the_page_shows_the_newest_epoch_and_stop_keeps_it(bench, empty_store):
    at = train(open_page(PAGE, **{**SHORT, "epochs": "30"}))
    key = key_on(at)
    wait_until(lambda: len(bench.came) == 1)
    epochs = []

    def leave(progress) -> None:
        epochs.append(progress.epoch)
        if progress.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        get_or_train(empty_store, bench.came[0], execution=FLOAT32, on_epoch=leave, film=True)
    wait_until(lambda: live(key) is not None)
    at.run()
    header = payload_headers(at)[0]
    assert header["live"] and header["frames"] == [2] and header["curves"]["epochs"] == [1, 2]
    said(at, "^This run is in training already, or waits for it.")
    assert at.get("progress")[0].value == 100 * 2 // 30
    assert at.get("progress")[0].text.startswith("Epoch 2 of 30, ") and "left" in at.get("progress")[0].text
    at.button(key="train-stop").click().run()
    wait_until(lambda: ui.training.app_queue.training_queue().idle)
    at.run()
    assert bench.stopped == bench.came
    assert at.get("progress")[0].text == "Stopped after epoch 2 of 30; nothing is lost"
    said(at, "^Stopped after epoch 2 of 30; it goes on from there. Training takes")
    returning = open_page(PAGE, run=key)
    assert returning.get("progress")[0].text.startswith("Stopped after epoch 2")
    returning.button(key="train-resume").click().run()
    wait_until(lambda: len(bench.came) == 2)
    assert bench.came[0] == bench.came[1]


def test_the_untrained_network_is_shown_and_who_stops_there_lost_nothing(bench, empty_store):
    at = open_page(PAGE, **SHORT)
    assert payload_headers(at)[0]["waiting"] == "nothing trains yet"
    key = key_on(train(at))
    wait_until(lambda: len(bench.came) == 1)
    save = empty_store.save_partial

    def leave(*arguments) -> None:
        save(*arguments)
        raise KeyboardInterrupt

    empty_store.save_partial = leave
    with pytest.raises(KeyboardInterrupt):
        get_or_train(empty_store, bench.came[0], execution=FLOAT32, film=True)
    wait_until(lambda: live(key) is not None)
    at.run()
    header = payload_headers(at)[0]
    assert header["frames"] == header["decoded_epochs"] == [0] and header["curves"]["epochs"] == []
    progress = at.get("progress")[0]
    assert progress.value == 0 and progress.text == "Before training; the first epoch is on its way"
    at.button(key="train-stop").click().run()
    wait_until(lambda: ui.training.app_queue.training_queue().idle)
    at.run()
    assert not at.get("progress") and at.button(key="train-resume").label == "Go on"
    assert payload_headers(at)[0]["frames"] == [0]
    assert key_on(at) == key  # and says nothing of an epoch that it would go on from


def test_a_run_stopped_elsewhere_without_pictures_is_shown_too(bench, empty_store):
    """As the command line leaves it, and as files from before films were."""
    spec = RunSpec("digits", "ae", hidden=(128,), epochs=5)

    def leave(progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        get_or_train(empty_store, spec, execution=FLOAT32, on_epoch=leave)
    at = open_page(PAGE, run=spec.key)
    header = payload_headers(at)[0]
    assert (header["frames"], header["count"], header["labels"]) == ([1], 0, [""])
    assert [panel["title"] for panel in header["curves"]["panels"]] == ["Reconstruction"]
    assert at.button(key="train-resume").label == "Go on" and not at.warning


def test_a_damaged_file_of_a_run_in_training_is_no_error(bench, empty_store):
    at = train(open_page(PAGE, **SHORT))
    path = empty_store.partial_path(key_on(at))
    path.parent.mkdir(parents=True)
    path.write_bytes(b"half a file")
    at.run()
    assert not at.exception and not at.error
    assert "first epoch is on its way" in at.get("progress")[0].text


def test_another_visitor_watches_and_may_want_it_too(bench, empty_store, monkeypatch):
    first = train(open_page(PAGE, **SHORT))
    key = key_on(first)
    second = open_page(PAGE, run=key)
    assert not [button for button in second.button if button.key == "train-stop"]
    said(second, "1 other visitor asked for it too")
    second.button(key="train-join").click().run()
    assert ui.training.app_queue.training_queue().ticket(key).visitors == 2
    first.button(key="train-stop").click().run()
    assert bench.stopped == [] and ui.training.app_queue.training_queue().ticket(key).visitors == 1


def test_a_fourth_run_of_a_visitor_is_refused_in_a_sentence(bench, empty_store):
    at = open_page(PAGE, **SHORT)
    for seed in range(4):
        at.number_input(key="train-seed").set_value(seed).run()
        train(at)
    assert [warning.value[:60] for warning in at.warning] == [
        "You have asked for 3 runs that are not finished; 3 at a time "[:60]
    ]
    assert len(ui.training.app_queue.training_queue().specs) == 3
    assert "2 before it" in at.get("progress")[0].text


def test_a_failed_run_is_said(bench, empty_store):
    bench.ends = [Ended("the loss is no longer a finite number.")]
    at = train(open_page(PAGE, **SHORT))
    bench.let_go()
    wait_until(lambda: ui.training.app_queue.training_queue().idle)
    at.run()
    assert [error.value for error in at.error] == ["The loss is no longer a finite number."]
    train(at)
    assert not at.error


def test_two_runs_are_compared(small_store):
    vae, ae = sorted(small_store.keys(), reverse=True)
    at = open_page(PAGE, **{"run": vae, "with": ae})
    table = tables(at)[1]
    rows = dict(zip(table[""], zip(table[vae[-10:]], table[ae[-10:]], strict=True), strict=True))
    assert rows["model"] == ("vae", "ae")
    runs = [small_store.load(key) for key in (vae, ae)]
    assert rows["Reconstruction, nats"] == tuple(f"{run.metrics['test']['reconstruction']:.1f}" for run in runs)
    assert rows["KL, nats"][1] == "–" and "seed" not in rows
    planes = [header for header in payload_headers(at) if header["kind"] == "plane"]
    assert [header["key"] for header in planes] == [vae, ae]
    assert {header["options"]["group"] for header in planes} == {"train-compared"}


def test_one_held_out_set_has_one_column_and_two_have_two():
    mnist = Store(SHIPPED).load(shipped_run(model="vae", dataset="mnist", latent_dim=2).key)
    assert list(metrics_table(mnist)[0]) == ["metric", "held out, n = 5,000", "test, n = 10,000", "unit"]
    few = Store(SHIPPED).load(shipped_run(model="memoriser", images=50).key)
    assert list(metrics_table(few)[0]) == ["metric", "held out, n = 500", "training, n = 50", "unit"]
    test = {**few.metrics["test"], "mse": 0.5}  # as many images, but others
    assert "test, n = 500" in metrics_table(replace(few, metrics={**few.metrics, "test": test}))[0]


WITHOUT_TORCH = """
import sys
from streamlit.testing.v1 import AppTest
from ui.chapters.train import CHAPTER

at = AppTest.from_file(sys.argv[1], default_timeout=60).run()
at.switch_page(CHAPTER.file).run()
at.query_params["run"] = sys.argv[2]
at.run()
assert not at.exception and not at.error
print([name for name in ("torch", "sklearn", "torchvision") if name in sys.modules])
"""


def test_the_page_imports_no_torch(small_store):
    command = [sys.executable, "-c", WITHOUT_TORCH, MAIN, small_store.keys()[-1]]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[]\n"
