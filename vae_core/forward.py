"""Run a network's program in numpy.

Pages are drawn from the runs' files without torch, which takes two seconds to import; this is what decodes and
measures there. It gives torch's results to float32 rounding (tested on every kind of layer and every shipped run).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

BATCH = 250  # bounds the memory of a convolution's windows


def run_program(program: list[dict[str, Any]], weights: Mapping[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    """Apply a program.

    Args:
        program: records of `models.program`.
        weights: arrays by the names that the records use, any float type.
        x: (N, inputs), computed in float32.

    Returns:
        float32 (N, outputs), flat.
    """
    floats = float_weights(program, weights)
    x = np.asarray(x, dtype=np.float32)
    parts = [_run(program, floats, x[start : start + BATCH]) for start in range(0, max(len(x), 1), BATCH)]
    return np.concatenate(parts)


def float_weights(program: list[dict[str, Any]], weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The weights that a program names, in float32."""
    return {
        entry[part]: weights[entry[part]].astype(np.float32)
        for entry in program
        for part in ("weight", "bias")
        if part in entry
    }


def _run(program: list[dict[str, Any]], weights: Mapping[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    for layer in program:
        op = layer["op"]
        if op == "linear":
            x = _flat(x) @ weights[layer["weight"]].T
            if "bias" in layer:
                x += weights[layer["bias"]]
        elif op in ACTIVATIONS:
            x = ACTIVATIONS[op](x)
        elif op == "reshape":
            x = x.reshape(len(x), *layer["shape"])
        elif op in ("conv", "conv_transpose"):
            x = (_conv if op == "conv" else _conv_transpose)(x, weights[layer["weight"]], layer)
            if "bias" in layer:
                x = x + weights[layer["bias"]][:, None, None]
        else:
            raise ValueError(f"a program has the unknown operation {str(op)[:40]!r}")
    return _flat(x)


def _flat(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), math.prod(x.shape[1:]))  # not -1, which no rows at all leave open


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)), without overflow."""
    return np.float32(0.5) * (np.tanh(np.float32(0.5) * x) + np.float32(1.0))


ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "relu": lambda x: np.maximum(x, 0.0),
    "tanh": np.tanh,
    "sigmoid": sigmoid,
}


def _conv(x: np.ndarray, weight: np.ndarray, layer: dict[str, Any]) -> np.ndarray:
    """(N, c_in, H, W), weight (c_out, c_in, kh, kw) -> (N, c_out, H', W')."""
    (kh, kw), (sh, sw), (ph, pw) = layer["kernel_size"], layer["stride"], layer["padding"]
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    windows = sliding_window_view(padded, (kh, kw), axis=(2, 3))[:, :, ::sh, ::sw]  # (N, c_in, H', W', kh, kw)
    return np.tensordot(windows, weight, axes=((1, 4, 5), (1, 2, 3))).transpose(0, 3, 1, 2)


def _conv_transpose(x: np.ndarray, weight: np.ndarray, layer: dict[str, Any]) -> np.ndarray:
    """(N, c_in, H, W), weight (c_in, c_out, kh, kw) -> (N, c_out, H', W'): every pixel stamps its kernel."""
    (kh, kw), (sh, sw), (ph, pw) = layer["kernel_size"], layer["stride"], layer["padding"]
    (oh, ow), (_, _, height, width) = layer["output_padding"], x.shape
    stamps = np.tensordot(x, weight, axes=((1,), (0,))).transpose(0, 3, 1, 2, 4, 5)  # (N, c_out, H, W, kh, kw)
    tall, wide = (height - 1) * sh + kh + oh, (width - 1) * sw + kw + ow
    out = np.zeros((len(x), weight.shape[1], tall, wide), dtype=np.float32)
    for i in range(kh):
        for j in range(kw):
            out[:, :, i : i + height * sh : sh, j : j + width * sw : sw] += stamps[..., i, j]
    return out[:, :, ph : tall - ph, pw : wide - pw]
