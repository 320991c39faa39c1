"""A program's derivative with respect to its input, in numpy: backpropagation, written out.

Pages show gradients through a decoder without waiting for torch. It gives torch's numbers to float32 rounding (tested).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from vae_core.errors import MeasureError
from vae_core.program.forward import float_weights
from vae_core.program.operations import Program, Weights, differentiable, flat, pull_back, trace

BATCH = 500  # bounds the layer outputs kept for backpropagation: 4 MB for the widest decoder here
# Outputs (N, D) -> costs (N,) and their derivatives (N, D).
Cost = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def cost_and_gradient(program: Program, weights: Weights, x: np.ndarray, cost: Cost) -> tuple[np.ndarray, np.ndarray]:
    """A cost of the program's outputs, and its derivative with respect to the inputs.

    Args:
        program: one that is `operations.differentiable`.
        weights: arrays by the names that the records use, any float type.
        x: (N, inputs), computed in float32.
        cost: of each row's output.

    Returns:
        Costs (N,) as `cost` gives them, and float32 (N, inputs).

    Raises:
        MeasureError: an operation without a derivative here, such as a convolution.
    """
    if not differentiable(program):
        raise MeasureError("only fully connected networks can be differentiated here: choose one.")
    floats = float_weights(program, weights)
    x = np.asarray(x, dtype=np.float32)
    parts = [_both(program, floats, x[start : start + BATCH], cost) for start in range(0, max(len(x), 1), BATCH)]
    costs, gradients = zip(*parts, strict=True)
    return np.concatenate(costs), np.concatenate(gradients)


def _both(program: Program, weights: Weights, x: np.ndarray, cost: Cost) -> tuple[np.ndarray, np.ndarray]:
    outputs = trace(program, weights, x)
    costs, gradient = cost(flat(outputs[-1]))
    return costs, pull_back(program, weights, outputs, gradient.astype(np.float32).reshape(outputs[-1].shape))
