"""Run a network's program in numpy.

Pages decode and measure with it, because importing torch takes two seconds. It gives torch's results to float32
rounding (tested on every operation and every shipped run).
"""

from __future__ import annotations

import numpy as np

from vae_core.program.operations import Program, Weights, apply, flat, tensor_names

BATCH = 250  # bounds the memory of a convolution's windows


def run_program(program: Program, weights: Weights, x: np.ndarray) -> np.ndarray:
    """Apply a program.

    Args:
        program: see `operations`.
        weights: arrays by the names that the records use, any float type.
        x: (N, inputs), computed in float32.

    Returns:
        float32 (N, outputs), flat.

    Raises:
        ValueError: an unknown operation, one that lacks a parameter, or a tensor that the weights lack.
    """
    floats = float_weights(program, weights)
    x = np.asarray(x, dtype=np.float32)
    parts = [flat(apply(program, floats, x[start : start + BATCH])) for start in range(0, max(len(x), 1), BATCH)]
    return np.concatenate(parts)


def float_weights(program: Program, weights: Weights) -> dict[str, np.ndarray]:
    """The weights that a program names, in float32.

    Raises:
        ValueError: as of `run_program`.
    """
    names = tensor_names(program)
    if missing := [name for name in names if name not in weights]:
        raise ValueError(f"the weights lack {missing[0][:60]!r}, which a program names")
    return {name: weights[name].astype(np.float32) for name in names}
