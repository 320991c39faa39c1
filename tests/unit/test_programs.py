"""A run's programs by name, against torch."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tests.unit.test_browser_payload import parse
from vae_core import archive
from vae_core.datasets import load
from vae_core.errors import DamagedRun, MeasureError, SpecError
from vae_core.evaluation.terms import terms
from vae_core.losses.gaussian import kl_to_standard_normal
from vae_core.losses.likelihoods import likelihood
from vae_core.losses.objectives import elbo
from vae_core.models import MODELS
from vae_core.models.vae import VAE
from vae_core.payloads.film import film_of_partial, film_of_run
from vae_core.payloads.plane import plane_payload
from vae_core.program.export import program
from vae_core.program.modules import Nearest
from vae_core.run import Run
from vae_core.spec import RunSpec
from vae_core.storage.store import Store
from vae_core.training.jobs import get_or_train
from vae_core.training.loop import Progress

SPECS = {
    "vae": {"hidden": (16,)},
    "deep": {"hidden": (16, 8), "latent_dim": 5},
    "no hidden layer": {"hidden": ()},
    "gaussian": {"hidden": (16,), "likelihood": "gaussian", "variance": 0.1},
    "conv_vae": {"model": "conv_vae", "hidden": (4, 8, 16), "latent_dim": 3},
}


@pytest.fixture(params=SPECS)
def run(request: pytest.FixtureRequest, untrained_run: Callable[..., Run]) -> Run:
    return untrained_run(RunSpec(**{"dataset": "digits", "model": "vae", "epochs": 1, **SPECS[request.param]}))


def test_both_terms_are_torchs(run: Run) -> None:
    pixels = load("digits", "validation").floats()[:40]
    noise = np.random.default_rng(0).standard_normal((40, run.spec.latent_dim)).astype(np.float32)
    reconstruction, kl = terms(run, pixels, noise)
    with torch.no_grad():
        x = torch.from_numpy(pixels)
        expected = elbo(run.model, x, torch.from_numpy(noise), likelihood(run.spec, run.model))
        by_dimension = kl_to_standard_normal(*run.model.encode(x))
    assert np.allclose(reconstruction, expected["reconstruction"], rtol=1e-4)
    assert np.allclose(kl, by_dimension, atol=1e-5)


class Gelu(VAE):
    """With a layer that no interpreter knows."""

    def __init__(self, pixels: int, d: int) -> None:
        super().__init__(nn.Sequential(nn.Linear(pixels, 8), nn.GELU()), 8, d, nn.Sequential(nn.Linear(d, pixels)))


class Headless(Gelu):
    """Its encoder does not end with the mean's head."""

    def encoder_layers(self) -> list[tuple[str, nn.Module]]:
        return super().encoder_layers()[:1]


class Hidden(Gelu):
    """Its encoder is no program, and says so."""

    def encoder_layers(self) -> list[tuple[str, nn.Module]]:
        return []


def build_one(spec: RunSpec, image_shape: tuple[int, int, int]) -> VAE:
    network = {"gelu": Gelu, "headless": Headless, "hidden": Hidden}[spec.model]
    return network(math.prod(image_shape), spec.latent_dim)


@pytest.fixture
def strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("gelu", "headless", "hidden"):
        monkeypatch.setitem(MODELS, name, replace(MODELS["vae"], title=name, place=f"{__name__}:build_one"))


@pytest.mark.parametrize("film", [False, True])
@pytest.mark.parametrize(
    ("model", "why"), [("gelu", "do not know the layer GELU"), ("headless", "the head of its mean")]
)
def test_a_network_that_pages_could_not_run_is_refused_before_its_first_epoch(
    model: str, why: str, film: bool, strangers: None, tmp_path: Path
) -> None:
    told: list[Progress] = []
    with pytest.raises(SpecError, match=rf"^model '{model}' cannot be trained, as pages could not run it: .*{why}\.$"):
        get_or_train(Store(tmp_path), RunSpec("digits", model, epochs=1), on_epoch=told.append, film=film)
    assert told == [] and not list(tmp_path.rglob("*.safetensors"))


def test_a_model_whose_encoder_is_no_program_is_trained_and_filmed_without_pictures(
    strangers: None, tmp_path: Path
) -> None:
    store, spec = Store(tmp_path), RunSpec("digits", "hidden", epochs=1)
    partial: list[Any] = []

    def look(progress: Progress) -> None:
        partial.append(film_of_partial(*archive.read(store.partial_path(spec.key))))

    assert get_or_train(store, spec, on_epoch=look, film=True).encoder == []
    for payload in (*partial, film_of_run(store.load(spec.key))):
        assert payload.header["frames"] == [1] and payload.header["count"] == 0
        assert [panel["title"] for panel in payload.header["curves"]["panels"]][1:] == ["Reconstruction", "KL"]


def test_the_trunk_is_shared_and_the_heads_are_alike(run: Run) -> None:
    programs = run.programs
    assert list(programs) == ["encoder", "decoder", "trunk", "mean", "log_var"]
    assert (programs["encoder"], programs["decoder"]) == (run.encoder, run.decoder)
    assert [*programs["trunk"], *programs["mean"]] == run.encoder
    for head in ("mean", "log_var"):
        module = getattr(run.model, head)
        assert programs[head] == program([(head, module)])


def test_a_posterior_is_torchs(run: Run) -> None:
    pixels = load("digits", "validation").floats()[:40]
    with torch.no_grad():
        expected = run.model.encode(torch.from_numpy(pixels))
    for found, wanted in zip(run.posterior(pixels), expected, strict=True):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize("model", MODELS)
def test_a_stored_run_has_the_programs_of_its_kind_of_code(
    model: str, every_kind: dict[str, Run], tmp_path: Path
) -> None:
    run, store = every_kind[model], Store(tmp_path)
    store.save(run)
    discrete = MODELS[model].bottleneck.discrete
    assert ("programs" in archive.read_document(store.path(run.key))) is (discrete or model in ("m2", "unet"))
    stored = store.load(run.key).programs
    assert stored == run.programs
    parts = {"trunk", "mean", "log_var"} if MODELS[model].code == "gaussian" else {"vectors"} if discrete else set()
    parts |= {"prior"} if model == "vq_prior" else set()
    parts |= {"predict"} if model == "unet" else set()
    parts |= {"features", "classify", "posterior", "conditional"} if model == "m2" else set()
    whole = {"decoder"} if model == "memoriser" else {"encoder", "decoder"}
    assert stored.keys() == whole | parts


def test_further_programs_are_stored_and_travel_with_their_tensors(small_runs: dict[str, Run], tmp_path: Path) -> None:
    codebook = nn.Embedding(6, 2)
    named = {name: program([("codebook", part)]) for name, part in (
        ("codebook", codebook), ("codes", Nearest(codebook.weight)),
    )}  # fmt: skip
    rows = codebook.weight.detach().numpy()
    weights = {**small_runs["ae"].weights, "codebook.weight": rows}
    run, store = dataclasses.replace(small_runs["ae"], weights=weights, further_programs=named), Store(tmp_path)
    store.save(run)
    assert archive.read_document(store.path(run.key))["programs"] == named
    found = store.load(run.key)
    assert found.programs == {"encoder": run.encoder, "decoder": run.decoder, **named}
    assert np.array_equal(found.run_program("codebook", np.arange(6.0)[:, None]), rows)
    assert found.run_program("codes", rows).ravel().tolist() == [0, 1, 2, 3, 4, 5]
    header, tensors = parse(plane_payload(found).to_bytes())
    assert header["programs"] == named
    assert np.array_equal(tensors["codebook.weight"], rows)


DAMAGE: dict[str, Callable[[Any], Any]] = {
    "a parameter less": lambda further: {"prior": [{"op": "linear", "in": 2, "out": 2}]},
    "a tensor that is not there": lambda further: {"prior": [{"op": "linear", "in": 2, "out": 2, "weight": "prior.0"}]},
    "a list": lambda further: [1, 2],
    "a number": lambda further: 5,
    "no records": lambda further: {"prior": 5},
}


@pytest.mark.parametrize("change", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_file_with_programs_that_cannot_be_run_is_refused(
    change: Callable[[Any], Any], small_runs: dict[str, Run], tmp_path: Path
) -> None:
    store, run = Store(tmp_path), small_runs["ae"]
    store.save(run)
    tensors, document = archive.read(store.path(run.key))
    archive.write(store.path(run.key), tensors, {**document, "programs": change(None)})
    with pytest.raises(DamagedRun, match="is not a run of this program"):
        store.load(run.key)


def test_a_model_without_posterior_has_no_heads(small_runs: dict[str, Run]) -> None:
    with pytest.raises(ValueError, match="does not hold its trunk as a program"):
        small_runs["ae"].run_program("trunk", np.zeros((1, 64)))
    with pytest.raises(MeasureError, match="has no posterior"):
        small_runs["ae"].posterior(np.zeros((1, 64)))


@pytest.mark.parametrize("missing", ["log_var.weight", "log_var.bias"])
def test_weights_without_the_second_head_have_no_posterior_but_a_mean(missing: str, small_runs: dict[str, Run]) -> None:
    run = small_runs["vae"]
    weights = {name: array for name, array in run.weights.items() if name != missing}
    broken = dataclasses.replace(run, weights=weights)
    with pytest.raises(DamagedRun, match="do not fit its model"):
        broken.posterior(np.zeros((1, 64)))
    assert np.array_equal(broken.encode(np.zeros((1, 64))), run.encode(np.zeros((1, 64))))


def test_an_encoder_that_ends_without_the_head_of_its_mean_is_refused(small_runs: dict[str, Run]) -> None:
    run = small_runs["vae"]
    for encoder in ([*run.encoder, {"op": "tanh"}], run.encoder[:1]):
        with pytest.raises(DamagedRun, match="do not fit its model"):
            _ = dataclasses.replace(run, encoder=encoder).programs
