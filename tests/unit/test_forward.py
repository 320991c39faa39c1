from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tests.support.shipped_kinds import one_of_each_kind
from vae_core.errors import MeasureError
from vae_core.models import MODELS
from vae_core.program import backward
from vae_core.program.export import program
from vae_core.program.forward import BATCH, run_program
from vae_core.program.operations import sigmoid
from vae_core.run import Run
from vae_core.spec import RunSpec
from vae_core.storage.manifest import SHIPPED
from vae_core.storage.store import Store


def as_arrays(network: nn.Module) -> dict[str, np.ndarray]:
    return {name: value.detach().numpy() for name, value in network.state_dict().items()}


def filled(*layers: nn.Module) -> nn.Sequential:
    """Weights of the size that keeps outputs of the size of the inputs, from a generator of their own."""
    network, generator = nn.Sequential(*layers), torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        nn.init.uniform_(parameter, -0.7, 0.7, generator=generator)
    return network


@pytest.mark.parametrize("rows", [0, 1, BATCH - 1, BATCH, BATCH + 1, 2 * BATCH + 7])
def test_the_number_of_rows_changes_nothing(rows: int) -> None:
    network = filled(
        nn.Unflatten(1, (1, 4, 4)), nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(32, 3)
    )
    x = np.random.default_rng(rows).standard_normal((rows, 16)).astype(np.float32)
    result = run_program(program(network.named_children()), as_arrays(network), x)
    with torch.no_grad():
        np.testing.assert_allclose(result, network(torch.from_numpy(x)).numpy(), rtol=0, atol=1e-5)
    assert result.shape == (rows, 3)


def test_inputs_and_weights_stay_as_they_are(rng: np.random.Generator) -> None:
    network = filled(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))
    x, weights = rng.standard_normal((5, 4)), as_arrays(network)
    kept = x.copy(), {name: array.copy() for name, array in weights.items()}
    run_program(program(network.named_children()), weights, x)
    assert np.array_equal(x, kept[0])
    assert all(np.array_equal(weights[name], kept[1][name]) for name in weights)


def test_half_precision_weights_are_computed_with_in_single_precision() -> None:
    # 1 + 2^-12 needs more digits than half precision has: an interpreter that stayed there would answer 0.
    weights = {"w": np.array([[1.0]], np.float16), "b": np.array([-1.0], np.float16)}
    layers = [{"op": "linear", "in": 1, "out": 1, "weight": "w", "bias": "b"}]
    assert run_program(layers, weights, np.array([[1.0 + 2.0**-12]]))[0, 0] == 2.0**-12


def test_no_layers_give_the_input_back(rng: np.random.Generator) -> None:
    x = rng.standard_normal((3, 4)).astype(np.float32)
    assert np.array_equal(run_program([], {}, x), x)


@pytest.mark.parametrize("op", ["softmax", "", "x" * 10_000], ids=lambda op: op[:8])
def test_an_unknown_operation_is_refused_by_name(op: str) -> None:
    with pytest.raises(ValueError, match="unknown operation") as refused:
        run_program([{"op": op}], {}, np.zeros((1, 2)))
    assert len(str(refused.value)) < 100


@pytest.mark.filterwarnings("error")
def test_sigmoid_is_exact_where_exp_would_overflow() -> None:
    x = np.array([-1e30, -1000.0, -20.0, 0.0, 3.0, 1000.0, 1e30], np.float32)
    expected = torch.sigmoid(torch.from_numpy(x).double()).numpy()
    np.testing.assert_allclose(sigmoid(x), expected, rtol=0, atol=1e-7)


def assert_as_torch(run: Run, pixels: np.ndarray, codes: np.ndarray, *, collapsed: bool = False) -> None:
    """Run.decode and Run.encode against the network with the same weights; a collapsed one tells nothing apart."""
    with torch.no_grad():
        z = torch.from_numpy(codes)
        output = run.model.decoder(z) if run.spec.model == "classifier" else run.model.decode(z)
        expected = run.likelihood.expected_pixels(output).numpy()
        described = run.model.encode_mean(torch.from_numpy(pixels)).numpy()
    decoded = run.decode(codes)
    assert decoded.dtype == np.float32
    assert collapsed or expected.std(axis=0).max() > 1e-3  # one image for every code would prove little
    np.testing.assert_allclose(decoded, expected, rtol=0, atol=1e-4)
    if run.encoder:
        encoded = run.encode(pixels).reshape(described.shape)
        assert encoded.dtype == np.float32
        assert collapsed or described.std(axis=0).max() > 1e-3
        np.testing.assert_allclose(encoded, described, rtol=0, atol=1e-4)


@pytest.mark.parametrize("model", MODELS)
def test_trained_runs_of_every_kind_give_torchs_numbers(
    model: str, every_kind: dict[str, Run], validation: Any, rng: np.random.Generator
) -> None:
    run = told_apart(every_kind[model])
    spread = 5.0 * rng.standard_normal(run.codes.mean.shape)  # after so few epochs all codes lie close together
    codes = some_numbers(run, len(spread), rng) if MODELS[model].bottleneck.discrete else run.codes.mean + spread
    assert_as_torch(run, validation.floats(), codes.astype(np.float32))


def told_apart(run: Run) -> Run:
    """With a codebook that has hardly learned, every cell has the same entry: here weights and entries are large."""
    if run.spec.model == "flat_fsq":
        return replace(
            run, weights=run.weights | {"code.weight": 200.0 * run.weights["code.weight"].astype(np.float32)}
        )
    if not MODELS[run.spec.model].bottleneck.discrete:
        return run
    weights = {name: array * (4.0 if name.endswith("weight") else 1.0) for name, array in run.weights.items()}
    entries = run.weights["decoder.1.weight"]
    drawn = np.random.default_rng(0).normal(size=entries.shape).astype(np.float32)
    weights["decoder.1.weight"] = entries if run.spec.model == "fsq" else drawn
    return replace(run, weights=weights)


def some_numbers(run: Run, count: int, rng: np.random.Generator) -> np.ndarray:
    """Codes whose cells name any entry of the codebook."""
    return rng.integers(0, len(run.weights["decoder.1.weight"]), (count, run.spec.latent_dim)).astype(np.float32)


EVERY_SIZE = [
    (model, likelihood, dataset)
    for model, kind in MODELS.items()
    for likelihood in kind.likelihoods
    for dataset in ("mnist_sample", "digits", "s_curve")
    if kind.family != "conv" or dataset != "s_curve"
]


@pytest.mark.parametrize(("model", "likelihood", "dataset"), EVERY_SIZE)
def test_every_kind_gives_torchs_numbers_on_every_size_of_image(
    model: str, likelihood: str, dataset: str, untrained_run: Callable[..., Run], rng: np.random.Generator
) -> None:
    hidden = () if MODELS[model].family == "linear" else (4, 6, 8)
    run = told_apart(untrained_run(RunSpec(dataset, model, hidden=hidden, likelihood=likelihood, images=12)))
    pixels = rng.random((60, int(np.prod(run.image_shape)))).astype(np.float32)
    codes = 10.0 * rng.standard_normal((60, run.spec.latent_dim)).astype(np.float32)
    if MODELS[model].bottleneck.discrete:
        codes = some_numbers(run, 60, rng)
    assert_as_torch(run, pixels, codes)


def test_a_memorisers_encoder_is_no_program_and_it_says_so(every_kind: dict[str, Run]) -> None:
    with pytest.raises(ValueError, match="does not hold its encoder as a program"):
        every_kind["memoriser"].encode(np.zeros((1, 64)))


@pytest.mark.parametrize("key", [spec.key for spec in one_of_each_kind()])
def test_shipped_runs_give_torchs_numbers(key: str, rng: np.random.Generator) -> None:
    run = Store(SHIPPED).load(key)
    pixels = rng.random((40, int(np.prod(run.image_shape)))).astype(np.float32)
    collapsed = run.metrics["validation"].get("active_units") == 0
    assert_as_torch(run, pixels, run.codes.mean[:400], collapsed=collapsed)


WITHOUT_TORCH = """
import sys
import numpy as np
import vae_core.evaluation.generation, vae_core.evaluation.features, vae_core.sampling
from vae_core.storage.store import Store

run = Store(sys.argv[1]).load(sys.argv[2])
print(run.decode(run.encode(np.zeros((1, 64)))).shape, "torch" in sys.modules)
"""


def test_what_pages_draw_with_does_not_import_torch(
    run_python: Callable[..., subprocess.Popen[str]], every_kind: dict[str, Run], tmp_path: Any
) -> None:
    Store(tmp_path).save(every_kind["conv_vae"])
    process = run_python("-c", WITHOUT_TORCH, str(tmp_path), every_kind["conv_vae"].key)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, "")
    assert out == "(1, 64) False\n"


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh, nn.Sigmoid])
@pytest.mark.parametrize("rows", [1, 3, backward.BATCH + 5])
def test_the_way_back_gives_torchs_gradient(activation: type[nn.Module], rows: int, rng: np.random.Generator) -> None:
    network = filled(nn.Linear(3, 7), activation(), nn.Linear(7, 5, bias=False), activation(), nn.Linear(5, 4))
    x = rng.standard_normal((rows, 3)).astype(np.float32)
    point = torch.from_numpy(x).requires_grad_()
    expected = network(point).square().sum(dim=1)
    expected.sum().backward()
    costs, gradient = backward.cost_and_gradient(
        program(network.named_children()), as_arrays(network), x, lambda output: ((output**2).sum(axis=1), 2 * output)
    )
    np.testing.assert_allclose(costs, expected.detach().numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(gradient, point.grad.numpy(), rtol=1e-4, atol=1e-6)
    assert np.abs(gradient).max() > 0.01


def test_a_convolution_has_no_way_back_here() -> None:
    network = filled(nn.Unflatten(1, (1, 4, 4)), nn.Conv2d(1, 2, 2))
    with pytest.raises(MeasureError, match="fully connected"):
        backward.cost_and_gradient(
            program(network.named_children()), as_arrays(network), np.zeros((1, 16)), lambda output: (output, output)
        )
