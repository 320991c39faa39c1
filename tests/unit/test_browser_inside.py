"""The payload of the page Inside the VAE, read from its bytes alone."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from tests.unit.test_browser_payload import parse
from vae_core.datasets import ImageDataset, load
from vae_core.payloads.inside import first_of_each, inside_payload
from vae_core.program.forward import run_program
from vae_core.run import Run
from vae_core.storage.manifest import SHIPPED, shipped_run
from vae_core.storage.store import Store

NUMBERS = {"reconstruction": 30.5, "kl": 4.25, "bernoulli_floor": 12.0, "n": 360, "mse": 0.1}


@pytest.mark.parametrize("name", ["vae", "vae d=5", "linear"])
def test_encoder_and_decoder_run_from_the_bytes_as_torch_runs(
    name: str, small_runs: dict[str, Run], validation: ImageDataset
) -> None:
    run = small_runs[name]
    header, tensors = parse(inside_payload(run, validation, NUMBERS).to_bytes())
    pixels = validation.floats()[:30]
    features = run_program(header["encoder"]["trunk"], tensors, pixels)
    mean, log_var = (run_program(header["encoder"][head], tensors, features) for head in ("mean", "log_var"))
    with torch.no_grad():
        expected = run.model.encode(torch.from_numpy(pixels))
        shown = torch.sigmoid(run.model.decode(torch.from_numpy(mean))).numpy()
    assert np.allclose(mean, expected.mean, atol=1e-5) and np.allclose(log_var, expected.log_var, atol=1e-5)
    assert np.allclose(run_program(header["layers"][header["plane_layers"] :], tensors, mean), shown, atol=1e-5)
    assert header["layers"][-1] == {"op": "sigmoid"}


def test_parameters_are_counted_as_torch_counts_them(small_runs: dict[str, Run], validation: ImageDataset) -> None:
    run = small_runs["vae d=5"]
    header, _ = parse(inside_payload(run, validation, NUMBERS).to_bytes())
    counted = {name: sum(layers) for name, layers in header["parameters"].items()}
    parts = {"trunk": "trunk", "mean": "mean", "log_var": "log_var", "decoder": "decoder"}
    for name, module in parts.items():
        assert counted[name] == sum(weights.numel() for weights in getattr(run.model, module).parameters())
    assert sum(counted.values()) == sum(weights.numel() for weights in run.model.parameters())


def test_presets_are_the_first_held_out_images_of_each_class(
    small_runs: dict[str, Run], validation: ImageDataset
) -> None:
    header, tensors = parse(inside_payload(small_runs["vae"], validation, NUMBERS, per_class=3).to_bytes())
    numbers = header["preset_numbers"]
    assert np.array_equal(tensors["presets"], validation.images[numbers].reshape(30, 64))
    assert np.array_equal(tensors["preset_classes"], validation.labels[numbers])
    assert np.array_equal(tensors["preset_classes"], np.repeat(np.arange(10), 3))
    for label in range(10):
        mine = [number for number in numbers if validation.labels[number] == label]
        assert mine == [i for i, other in enumerate(validation.labels) if other == label][:3]


def test_a_class_with_fewer_images_shows_those() -> None:
    assert first_of_each(np.array([1, 0, 1, 1]), 3, 2).tolist() == [1, 0, 2]
    with pytest.raises(ValueError, match="at least one image"):
        first_of_each(np.array([0]), 1, 0)


def test_what_was_not_measured_is_none(small_runs: dict[str, Run], validation: ImageDataset) -> None:
    assert inside_payload(small_runs["vae"], validation, NUMBERS).header["measured"] == {
        name: NUMBERS[name] for name in ("reconstruction", "kl", "bernoulli_floor", "n")
    }
    header = inside_payload(small_runs["vae"], validation, {"kl": float("nan"), "n": 5}).header
    assert header["measured"] == {"reconstruction": None, "kl": None, "bernoulli_floor": None, "n": 5.0}


@pytest.mark.parametrize("name, sentence", [("ae", "no encoder with a posterior"), ("gaussian", "another likelihood")])
def test_runs_it_does_not_fit_are_refused(
    name: str, sentence: str, small_runs: dict[str, Run], validation: ImageDataset
) -> None:
    with pytest.raises(ValueError, match=sentence):
        inside_payload(small_runs[name], validation, NUMBERS)


def test_images_it_does_not_fit_are_refused(small_runs: dict[str, Run], validation: ImageDataset) -> None:
    run = small_runs["vae"]
    with pytest.raises(ValueError, match="square ones of one channel"):
        inside_payload(dataclasses.replace(run, image_shape=(1, 4, 16)), validation, NUMBERS)
    with pytest.raises(ValueError, match="not \\(1, 8, 8\\)"):
        inside_payload(dataclasses.replace(run, image_shape=(1, 28, 28)), validation, NUMBERS)


@pytest.mark.parametrize(
    "fields",
    [{"model": "vae", "latent_dim": 2}, {"model": "vae", "latent_dim": 16}, {"model": "conv_vae", "latent_dim": 16}],
)
def test_a_shipped_one_is_small(fields: dict[str, object]) -> None:
    hidden = (128, 64) if fields["model"] == "vae" else (16, 32, 64)
    run = Store(SHIPPED).load(shipped_run(dataset="mnist", hidden=hidden, seed=0, **fields).key)
    held_out = load("mnist", "validation", download=False)
    assert len(inside_payload(run, held_out, run.metrics["test"]).to_bytes()) < 1_000_000
