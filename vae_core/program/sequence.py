"""Run a causal program row by row in numpy, each row at the cost of one: as `program.modules.one_by_one` does in
torch."""

from __future__ import annotations

import math

import numpy as np

from vae_core.program.forward import float_weights
from vae_core.program.operations import Layer, Program, Weights, operation_of


class Sequence:
    """Rows of a batch, one after the other; keys and values of earlier rows are kept.

    Args:
        program: its operations act on each row alone, but for ``places`` and ``causal_attention``.
        weights: arrays by the names that the records use, any float type.

    Raises:
        ValueError: as of `forward.run_program`.
    """

    def __init__(self, program: Program, weights: Weights) -> None:
        self._program = program
        self._weights = float_weights(program, weights)
        self.begin()

    def begin(self) -> None:
        """Forget all rows."""
        self._place = 0
        self._seen: dict[int, tuple[np.ndarray, np.ndarray]] = {}  # by the identity of an attention's record

    def next(self, row: np.ndarray) -> np.ndarray:
        """The next row's outputs: float32 (B, 1, *shape) -> float32 (B, 1, *output shape)."""
        found = self._apply(self._program, np.asarray(row, dtype=np.float32))
        self._place += 1
        return found

    def _apply(self, program: Program, x: np.ndarray) -> np.ndarray:
        for layer in program:
            if layer["op"] == "residual":
                x = x + self._apply(layer["program"], x)
            elif layer["op"] == "places":
                x = x + self._weights[layer["weight"]][self._place]
            elif layer["op"] == "causal_attention":
                x = self._attend(layer, x)
            else:
                x = operation_of(layer).apply(layer, self._weights, x)
        return x

    def _attend(self, layer: Layer, x: np.ndarray) -> np.ndarray:
        count, _, width = x.shape
        apart = x.reshape(count, 1, 3, layer["heads"], width // 3 // layer["heads"]).transpose(2, 0, 3, 1, 4)
        query, key, value = apart  # (B, heads, 1, C / heads)
        if id(layer) in self._seen:
            keys, values = self._seen[id(layer)]
            key, value = np.concatenate([keys, key], axis=2), np.concatenate([values, value], axis=2)
        self._seen[id(layer)] = key, value
        scores = query @ key.transpose(0, 1, 3, 2) / np.float32(math.sqrt(query.shape[-1]))  # (B, heads, 1, rows)
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        return (shares @ value).transpose(0, 2, 1, 3).reshape(count, 1, width // 3)
