"""A fully connected program's derivative with respect to its input, in numpy: backpropagation, written out.

Pages show gradients through a decoder without waiting for torch. It gives torch's numbers to float32 rounding (tested).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from vae_core.errors import MeasureError
from vae_core.forward import ACTIVATIONS, float_weights

BATCH = 500  # what is kept of the layers for the way back: 4 MB for the widest decoder here
# Outputs (N, D) -> costs (N,) and their derivatives (N, D).
Cost = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def knows(program: list[dict[str, Any]]) -> bool:
    """Whether every operation is one of a fully connected network."""
    return all(layer["op"] == "linear" or layer["op"] in ACTIVATIONS for layer in program)


def cost_and_gradient(
    program: list[dict[str, Any]], weights: Mapping[str, np.ndarray], x: np.ndarray, cost: Cost
) -> tuple[np.ndarray, np.ndarray]:
    """A cost of the program's outputs, and its derivative with respect to the inputs.

    Args:
        program: records of `models.program`, those that `knows` accepts.
        weights: arrays by the names that the records use, any float type.
        x: (N, inputs), computed in float32.
        cost: of each row's output.

    Returns:
        Costs (N,) as `cost` gives them, and float32 (N, inputs).

    Raises:
        MeasureError: an operation that is not known here, such as a convolution.
    """
    if not knows(program):
        raise MeasureError("only fully connected networks can be differentiated here: choose one.")
    floats = float_weights(program, weights)
    x = np.asarray(x, dtype=np.float32)
    parts = [_both(program, floats, x[start : start + BATCH], cost) for start in range(0, max(len(x), 1), BATCH)]
    costs, gradients = zip(*parts, strict=True)
    return np.concatenate(costs), np.concatenate(gradients)


def _both(
    program: list[dict[str, Any]], weights: Mapping[str, np.ndarray], x: np.ndarray, cost: Cost
) -> tuple[np.ndarray, np.ndarray]:
    outputs = []  # of each layer, in order
    for layer in program:
        if layer["op"] == "linear":
            x = x @ weights[layer["weight"]].T
            if "bias" in layer:
                x += weights[layer["bias"]]
        else:
            x = ACTIVATIONS[layer["op"]](x)
        outputs.append(x)
    costs, gradient = cost(x)
    gradient = gradient.astype(np.float32)
    for layer, y in zip(reversed(program), reversed(outputs), strict=True):
        if layer["op"] == "linear":
            gradient = gradient @ weights[layer["weight"]]
        elif layer["op"] == "relu":
            gradient = gradient * (y > 0.0)
        elif layer["op"] == "tanh":
            gradient = gradient * (1.0 - y * y)
        else:
            gradient = gradient * (y * (1.0 - y))
    return costs, gradient
