"""The continuous Bernoulli likelihood of pixels in torch, with its derivative in closed form."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from vae_core.program.modules import ContinuousBernoulliMean

LEAST = 1e-12  # in place of 0: the ratio below is 1 there, and 0 / 0 at 0


class ContinuousBernoulliNats(torch.autograd.Function):
    """A(t) - x t for every logit t and pixel x, A as of `program.continuous_bernoulli`; by t its slope is the mean - x.

    Differentiated automatically it would take twice as long, and lose the digits of the mean near t = 0.
    """

    generate_vmap_rule = True  # for stacked training

    @staticmethod
    def forward(logit: Tensor, x: Tensor) -> Tensor:
        size = logit.abs().clamp(min=LEAST)
        # Large numbers first, among themselves: their difference is exact.
        linear = logit.clamp(min=0.0) - x * logit
        return (-torch.expm1(-size) / size).log() + linear

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        del output
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        logit, x = ctx.saved_tensors
        return gradient * (ContinuousBernoulliMean()(logit) - x), None
