"""Torch modules of every operation of the registry, and inputs for them: what numpy and the browser are held to."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from vae_core.program.export import program
from vae_core.program.modules import (
    CausalAttention,
    ContinuousBernoulliMean,
    MaskedConv2d,
    Nearest,
    Permute,
    Places,
    Pointwise,
    Residual,
    Skip,
)
from vae_core.program.operations import Program


class Example(NamedTuple):
    """A torch module.

    Attributes:
        make: the module, whose weights the test draws.
        shape: of one input.
        codes: inputs are whole numbers below this; 0 for normal ones.
        deviation: of normal inputs.
    """

    make: Callable[[], nn.Module]
    shape: tuple[int, ...]
    codes: int = 0
    deviation: float = 1.0


def wide_residual() -> nn.Module:
    return Residual(nn.ReLU(), nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 3, 1))


def skips_within_skips() -> nn.Module:
    """Maps that halve and double, as in a U-Net."""
    inner = Skip(nn.Conv2d(3, 4, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(4, 3, 4, 2, 1, (1, 1)))
    return Skip(nn.Conv2d(2, 3, 4, 2, 1), nn.ReLU(), inner, nn.ConvTranspose2d(6, 2, 4, 2, 1, (0, 1)))


EXAMPLES: dict[str, dict[str, Example]] = {
    "linear": {
        "": Example(lambda: nn.Linear(5, 3), (5,)),
        "without bias": Example(lambda: nn.Linear(5, 3, bias=False), (5,)),
    },
    "relu": {"": Example(nn.ReLU, (7,))},
    "tanh": {"": Example(nn.Tanh, (7,))},
    "sigmoid": {"": Example(nn.Sigmoid, (7,))},
    "continuous_bernoulli_mean": {"": Example(ContinuousBernoulliMean, (7,), deviation=4.0)},
    "reshape": {"": Example(lambda: nn.Unflatten(1, (2, 3, 4)), (24,))},
    "permute": {
        "": Example(lambda: Permute(1, 2, 0), (2, 3, 4)),
        "two axes": Example(lambda: Permute(1, 0), (3, 4)),
    },
    "conv": {
        "": Example(lambda: nn.Conv2d(1, 3, 3), (1, 6, 6)),
        "as in the models": Example(lambda: nn.Conv2d(2, 4, 4, 2, 1), (2, 8, 8)),
        "on odd sizes": Example(lambda: nn.Conv2d(2, 4, 4, 2, 1), (2, 7, 9)),
        "of one pixel": Example(lambda: nn.Conv2d(3, 2, 1), (3, 5, 4)),
        "without bias": Example(lambda: nn.Conv2d(2, 3, 2, bias=False), (2, 5, 5)),
        "uneven": Example(lambda: nn.Conv2d(2, 3, (2, 5), stride=(3, 1), padding=(0, 2)), (2, 8, 5)),
        "that skips pixels": Example(lambda: nn.Conv2d(1, 2, 2, stride=3), (1, 9, 8)),
    },
    "conv_transpose": {
        "": Example(lambda: nn.ConvTranspose2d(3, 1, 3), (3, 4, 4)),
        "as in the models": Example(lambda: nn.ConvTranspose2d(4, 2, 4, 2, 1), (4, 4, 4)),
        "to odd sizes": Example(lambda: nn.ConvTranspose2d(4, 2, 4, 2, 1, (1, 0)), (4, 3, 4)),
        "of one pixel": Example(lambda: nn.ConvTranspose2d(3, 2, 1), (3, 5, 4)),
        "without bias": Example(lambda: nn.ConvTranspose2d(2, 3, 2, bias=False), (2, 5, 5)),
        "uneven": Example(
            lambda: nn.ConvTranspose2d(2, 3, (3, 2), stride=(1, 3), padding=(1, 0), output_padding=(0, 2)), (2, 3, 4)
        ),
        "with gaps": Example(lambda: nn.ConvTranspose2d(1, 2, 2, stride=3, output_padding=1), (1, 3, 2)),
        "cropped to its middle": Example(lambda: nn.ConvTranspose2d(2, 1, 5, stride=2, padding=3), (2, 5, 6)),
    },
    "masked_conv2d": {
        "A": Example(lambda: MaskedConv2d("A", 2, 3, 5), (2, 6, 7)),
        "B": Example(lambda: MaskedConv2d("B", 2, 3, 3), (2, 6, 7)),
        "without bias": Example(lambda: MaskedConv2d("B", 1, 2, 3, bias=False), (1, 4, 4)),
        "of one pixel": Example(lambda: MaskedConv2d("B", 3, 2, 1), (3, 4, 4)),
    },
    "max_pool": {
        "": Example(lambda: nn.MaxPool2d(2), (3, 6, 4)),
        "on odd sizes": Example(lambda: nn.MaxPool2d(2), (2, 7, 5)),
        "uneven": Example(lambda: nn.MaxPool2d((3, 2), stride=(2, 1)), (2, 7, 5)),
    },
    "upsample": {
        "": Example(lambda: nn.Upsample(size=(6, 8)), (3, 3, 4)),
        "to odd sizes": Example(lambda: nn.Upsample(size=(7, 5)), (2, 3, 2)),
        "to fewer": Example(lambda: nn.Upsample(size=(3, 4)), (2, 5, 4)),
    },
    "residual": {
        "": Example(lambda: Residual(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 5)), (5,)),
        "within another": Example(lambda: Residual(nn.Linear(5, 5), Residual(nn.Tanh(), nn.Linear(5, 5))), (5,)),
        "of maps": Example(wide_residual, (3, 5, 4)),
        "that flattens": Example(lambda: Residual(nn.Flatten(), nn.Linear(12, 12), nn.LayerNorm(12)), (3, 4)),
    },
    "skip": {
        "": Example(lambda: Skip(nn.ReLU(), nn.Conv2d(3, 4, 3, padding=1)), (3, 5, 4)),
        "with a way back": Example(lambda: Skip(nn.Tanh()), (3, 5, 4)),
        "within another": Example(skips_within_skips, (2, 6, 7)),
    },
    "layer_norm": {
        "": Example(lambda: nn.LayerNorm(6), (6,)),
        "of every row": Example(lambda: nn.LayerNorm(6, eps=0.1), (3, 4, 6)),
        "of maps": Example(lambda: nn.LayerNorm((4, 6)), (3, 4, 6)),
        "without bias": Example(lambda: nn.LayerNorm(6, bias=False), (3, 6)),
        "without weights": Example(lambda: nn.LayerNorm(6, elementwise_affine=False), (6,)),
    },
    "batch_norm": {
        "": Example(lambda: nn.BatchNorm1d(5), (5,)),
        "of maps": Example(lambda: nn.BatchNorm2d(3, eps=0.1), (3, 4, 5)),
        "without weights": Example(lambda: nn.BatchNorm2d(3, affine=False), (3, 4, 5)),
    },
    "embedding": {
        "": Example(lambda: nn.Embedding(9, 4), (), codes=9),
        "of a map": Example(lambda: nn.Embedding(9, 4), (3, 5), codes=9),
    },
    "pointwise": {
        "": Example(lambda: Pointwise(5, 3), (4, 5)),
        "of maps": Example(lambda: Pointwise(5, 3), (2, 3, 5)),
        "without bias": Example(lambda: Pointwise(5, 3, bias=False), (4, 5)),
    },
    "places": {
        "": Example(lambda: Places(6, 4), (6, 4)),
        "of fewer rows": Example(lambda: Places(6, 4), (3, 4)),
    },
    "causal_attention": {
        "": Example(lambda: CausalAttention(1), (5, 12)),
        "of several heads": Example(lambda: CausalAttention(3), (4, 18), deviation=2.0),
        "of one row": Example(lambda: CausalAttention(2), (1, 12)),
    },
    "nearest": {
        "": Example(lambda: Nearest(nn.Parameter(torch.empty(9, 4))), (4,)),
        "of a map": Example(lambda: Nearest(nn.Parameter(torch.empty(9, 4))), (3, 5, 4)),
    },
}
ALL = {f"{op} {what}".strip(): (op, example) for op, examples in EXAMPLES.items() for what, example in examples.items()}


class Made(NamedTuple):
    """An example with weights, as `named` would lie in a model."""

    module: nn.Module
    program: Program
    weights: dict[str, np.ndarray]
    x: np.ndarray
    """(N, *shape), float32."""

    def by_torch(self, x: torch.Tensor) -> torch.Tensor:
        whole = isinstance(self.module, nn.Embedding)
        return self.module(x.long() if whole else x)


def made(example: Example, rows: int = 11) -> Made:
    module, generator = example.make().eval(), torch.Generator().manual_seed(0)
    for name, tensor in module.state_dict().items():
        if tensor.is_floating_point():
            nn.init.uniform_(tensor, *((0.3, 2.0) if name == "running_var" else (-0.7, 0.7)), generator=generator)
    weights = {f"named.{name}": tensor.numpy() for name, tensor in module.state_dict().items()}
    random = np.random.default_rng(0)
    shape = (rows, *example.shape)
    x = (
        random.integers(example.codes, size=shape)
        if example.codes
        else example.deviation * random.standard_normal(shape)
    )
    return Made(module, program([("named", module)]), weights, x.astype(np.float32))


def with_shape(records: Program, shape: tuple[int, ...]) -> Program:
    """Programs take flat numbers: one that gives them the example's shape first."""
    return [{"op": "reshape", "shape": list(shape)}, *records]
