"""The continuous Bernoulli likelihood of pixels in torch, with its derivative in closed form."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from vae_core.program.continuous_bernoulli import LARGEST_LOGIT
from vae_core.program.modules import bounded_logit, continuous_bernoulli_mean

LEAST = 1e-12  # in place of 0: the ratio below is 1 there, and 0 / 0 at 0


class ContinuousBernoulliNats(torch.autograd.Function):
    """A(t) - x t for every pixel x, t the bounded logit of a decoder's output; see `program.continuous_bernoulli`.

    Its slope by t is the mean - x. Differentiated automatically it would take twice as long, and lose the digits of the
    mean near t = 0.
    """

    generate_vmap_rule = True  # for stacked training

    @staticmethod
    def forward(output: Tensor, x: Tensor) -> Tensor:
        logit = bounded_logit(output)
        size = logit.abs().clamp(min=LEAST)
        return (-torch.expm1(-size) / size).log() + logit.clamp(min=0.0) - x * logit

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        del output  # the result; what the decoder gave is the first input
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        output, x = ctx.saved_tensors
        logit = bounded_logit(output)
        slope = 1.0 - (logit / LARGEST_LOGIT).square()
        return gradient * (continuous_bernoulli_mean(logit) - x) * slope, None
