"""Every operation of the registry: torch exports it, numpy runs and differentiates it, and both agree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tests.support.operation_examples import ALL, EXAMPLES, Example, made, with_shape
from vae_core.errors import MeasureError
from vae_core.program import backward
from vae_core.program.convolutions import causal_mask
from vae_core.program.export import decoder_program, program
from vae_core.program.forward import run_program
from vae_core.program.modules import MaskedConv2d, Nearest, Permute, Residual
from vae_core.program.operations import (
    OPERATIONS,
    apply,
    differentiable,
    multiplications,
    operation_of,
    output_shape,
    tensor_names,
)


def test_every_operation_has_an_example_and_no_other_has() -> None:
    assert EXAMPLES.keys() == OPERATIONS.keys()


@pytest.mark.parametrize(("op", "example"), ALL.values(), ids=ALL.keys())
def test_numpy_gives_torchs_numbers(op: str, example: Example) -> None:
    one = made(example)
    (layer,) = one.program
    assert layer["op"] == op
    with torch.no_grad():
        expected = one.by_torch(torch.from_numpy(one.x)).numpy()
    result = run_program(with_shape(one.program, example.shape), one.weights, one.x.reshape(len(one.x), -1))
    assert result.dtype == np.float32
    assert expected.std() > 0.1
    np.testing.assert_allclose(result, expected.reshape(len(one.x), -1), rtol=0, atol=1e-5)
    assert apply(one.program, one.weights, one.x).shape[1:] == expected.shape[1:]
    assert output_shape(one.program, example.shape) == expected.shape[1:]


@pytest.mark.parametrize(("op", "example"), ALL.values(), ids=ALL.keys())
def test_the_way_back_gives_torchs_gradient_or_says_there_is_none(op: str, example: Example) -> None:
    one = made(example)
    slopes = np.random.default_rng(1).standard_normal((1, int(np.prod(output_shape(one.program, example.shape)))))

    def cost(output: np.ndarray) -> tuple[np.ndarray, np.ndarray]:  # no straight line, or one slope would do for all
        return (slopes * output**2).sum(axis=1), 2.0 * slopes * output

    flat = one.x.reshape(len(one.x), -1)
    if not differentiable(one.program):
        assert OPERATIONS[op].backward is None or op in ("residual", "skip")
        with pytest.raises(MeasureError, match="fully connected"):
            backward.cost_and_gradient(with_shape(one.program, example.shape), one.weights, flat, cost)
        return
    point = torch.from_numpy(one.x).requires_grad_()
    (torch.from_numpy(slopes) * one.module(point).flatten(1).square()).sum().backward()
    _, gradient = backward.cost_and_gradient(with_shape(one.program, example.shape), one.weights, flat, cost)
    assert gradient.dtype == np.float32
    assert np.abs(gradient).max() > 0.01
    np.testing.assert_allclose(gradient, point.grad.numpy().reshape(gradient.shape), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("op", "example"), ALL.values(), ids=ALL.keys())
@pytest.mark.parametrize("rows", [0, 1])
def test_no_rows_and_one_row_are_as_good_as_many(op: str, example: Example, rows: int) -> None:
    one, many = made(example, rows), made(example)
    assert apply(one.program, one.weights, many.x[:rows]).shape == (rows, *output_shape(one.program, example.shape))
    whole = apply(many.program, many.weights, many.x)
    np.testing.assert_allclose(apply(one.program, one.weights, many.x[:rows]), whole[:rows], rtol=0, atol=1e-6)


@pytest.mark.parametrize(("op", "example"), ALL.values(), ids=ALL.keys())
def test_the_tensors_it_names_are_those_of_the_module(op: str, example: Example) -> None:
    one = made(example)
    counted = {name for name in one.weights if not name.endswith("num_batches_tracked")}
    assert set(tensor_names(one.program)) == counted
    assert {name.split(".")[0] for name in counted} <= {"named"}


MISSING = [(op, parameter) for op, one in OPERATIONS.items() for parameter in one.parameters if not parameter.optional]


@pytest.mark.parametrize(("op", "parameter"), MISSING, ids=lambda one: getattr(one, "name", one))
def test_a_record_or_weights_that_lack_a_parameter_are_refused_by_name(op: str, parameter: Any) -> None:
    example = next(iter(EXAMPLES[op].values()))
    one = made(example)
    (layer,) = one.program
    x = one.x.reshape(len(one.x), -1)
    for broken in ({**layer, parameter.name: 5}, {name: layer[name] for name in layer if name != parameter.name}):
        with pytest.raises(ValueError, match=f"{op}' of a program lacks its parameter '{parameter.name}'"):
            run_program([broken], one.weights, x)
    rest = {name: array for name, array in one.weights.items() if name != layer[parameter.name]}
    with pytest.raises(ValueError, match=f"the weights lack '{layer[parameter.name]}'"):
        run_program([layer], rest, x)


def test_multiplications_are_counted_as_by_hand() -> None:
    layers = nn.Sequential(
        nn.Unflatten(1, (2, 8, 6)),
        nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        Residual(nn.Conv2d(4, 4, 1)),
        nn.ConvTranspose2d(4, 3, 2, stride=2),
        MaskedConv2d("B", 3, 1, 3),
        nn.Flatten(), nn.Linear(48, 5),
    )  # fmt: skip
    by_hand = 2 * 4 * 9 * 48 + 4 * 4 * 12 + 4 * 3 * 4 * 12 + 3 * 9 * 48 + 48 * 5
    assert multiplications(decoder_program(layers), (96,)) == by_hand


def test_an_unknown_operation_within_another_is_refused_too() -> None:
    with pytest.raises(ValueError, match="unknown operation 'softmax'"):
        tensor_names([{"op": "residual", "program": [{"op": "softmax"}]}])
    with pytest.raises(ValueError, match="unknown operation"):
        operation_of({"op": ["relu"]})


UNKNOWN = {
    "a layer": nn.Softmax(dim=1),
    "groups": nn.Conv2d(2, 2, 3, groups=2),
    "dilation": nn.ConvTranspose2d(2, 2, 3, dilation=2),
    "padding by reflection": nn.Conv2d(2, 2, 3, padding=1, padding_mode="reflect"),
    "padding by name": nn.Conv2d(2, 2, 3, padding="same"),
    "windows that overlap the border": nn.MaxPool2d(2, padding=1),
    "windows rounded up": nn.MaxPool2d(2, ceil_mode=True),
    "interpolation": nn.Upsample(size=(4, 4), mode="bilinear"),
    "up-sampling by a factor": nn.Upsample(scale_factor=2),
    "rows that are shortened": nn.Embedding(3, 2, max_norm=1.0),
}


@pytest.mark.parametrize("module", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_a_module_that_no_interpreter_knows_is_not_exported(module: nn.Module) -> None:
    with pytest.raises(TypeError, match="interpreters"):
        program([("named", module)])


def test_a_normalisation_that_keeps_no_averages_is_not_exported() -> None:
    with pytest.raises(ValueError, match=r"no tensor named\.running_mean"):
        program([("named", nn.BatchNorm1d(3, track_running_stats=False))])


@pytest.mark.parametrize("code", [-1.0, 9.0, 0.5, np.nan])
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast")
def test_a_code_that_is_no_row_is_refused(code: float) -> None:
    one = made(EXAMPLES["embedding"][""])
    with pytest.raises(ValueError, match="whole numbers from 0 to 8"):
        apply(one.program, one.weights, np.array([code], np.float32))


def test_of_rows_equally_near_the_first_is_chosen() -> None:
    random = np.random.default_rng(0)
    distinct = random.standard_normal((5, 17)).astype(np.float32)
    codebook = np.concatenate([distinct, distinct[::-1], distinct])  # every row three times
    module = Nearest(nn.Parameter(torch.from_numpy(codebook)))
    x = random.standard_normal((200, 17)).astype(np.float32)
    found = apply(program([("named", module)]), {"named.weight": codebook}, x)
    assert found.max() < 5 and len(np.unique(found)) == 5
    assert np.array_equal(found, module(torch.from_numpy(x)).numpy())
    # Exactly between two rows.
    between = Nearest(nn.Parameter(torch.tensor([[3.0, 0.0], [1.0, 0.0], [-1.0, 0.0]])))
    middle = apply(program([("named", between)]), {"named.weight": between.weight.detach().numpy()}, np.zeros((1, 2)))
    assert middle.tolist() == [1.0] == between(torch.zeros(1, 2)).tolist()


def test_a_quantised_map_has_a_program_whose_codebook_is_looked_up_both_ways() -> None:
    """What a VQ-VAE does between its encoder and its decoder: the features of a cell -> a code -> its row."""
    codebook = nn.Embedding(6, 4)
    nn.init.normal_(codebook.weight, generator=torch.Generator().manual_seed(0))
    layers = [
        ("shape", nn.Unflatten(1, (4, 3, 2))),
        ("last", Permute(1, 2, 0)),
        ("codebook", Nearest(codebook.weight)),
        ("codebook", codebook),
        ("first", Permute(2, 0, 1)),
    ]
    records = program(layers)
    assert tensor_names(records) == ["codebook.weight"]
    x = np.random.default_rng(0).standard_normal((7, 24)).astype(np.float32)
    result = run_program(records, {"codebook.weight": codebook.weight.detach().numpy()}, x)
    with torch.no_grad():
        expected = nn.Sequential(*(layer for _, layer in layers))(torch.from_numpy(x)).flatten(1)
    assert np.array_equal(result, expected)
    assert output_shape(records, (24,)) == (4, 3, 2)


@pytest.mark.parametrize("first, allowed", [("A", 0), ("B", 1)])
def test_later_codes_move_no_earlier_logit(first: str, allowed: int) -> None:
    """A stack of masked convolutions, as in PixelCNN; with a mask B first a logit sees its own code, and only that."""
    size = 5
    network = nn.Sequential(
        nn.Unflatten(1, (1, size, size)),
        MaskedConv2d(first, 1, 6, 5),
        Residual(nn.ReLU(), MaskedConv2d("B", 6, 6, 3)),
        nn.ReLU(),
        MaskedConv2d("B", 6, 3, 1),
        nn.Flatten(),
    )
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        nn.init.uniform_(parameter, 0.2, 0.7, generator=generator)  # above 0, so that no ReLU hides a change
    records = program(network.named_children())
    weights = {name: value.detach().numpy() for name, value in network.state_dict().items()}
    codes = np.random.default_rng(0).random((1, size * size)).astype(np.float32)

    def logits(x: np.ndarray) -> np.ndarray:
        return run_program(records, weights, x).reshape(3, size * size)

    before, by_torch = logits(codes), network(torch.from_numpy(codes)).detach().numpy().reshape(3, -1)
    np.testing.assert_allclose(before, by_torch, rtol=1e-5, atol=1e-4)
    for place in range(size * size):
        changed = codes.copy()
        changed[0, place] += 1.0
        moved = (logits(changed) != before).any(axis=0)
        assert not moved[:place].any()
        assert moved[place] == bool(allowed)
        assert moved[place + 1 : place + 2].all() or place % size == size - 1  # the next in its row does see it


def test_masks_hide_what_comes_after_a_pixel_and_a_the_pixel_itself() -> None:
    assert causal_mask([3, 3], "A").tolist() == [[1, 1, 1], [1, 0, 0], [0, 0, 0]]
    assert causal_mask([3, 3], "B").tolist() == [[1, 1, 1], [1, 1, 0], [0, 0, 0]]
    with pytest.raises(ValueError, match="kind A or B"):
        causal_mask([3, 3], "C")
    with pytest.raises(ValueError, match="odd kernel"):
        MaskedConv2d("A", 1, 1, 4)
