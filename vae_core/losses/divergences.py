"""Divergences between an approximate posterior and the prior."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def kl_to_standard_normal(mean: Tensor, log_var: Tensor) -> Tensor:
    """KL(N(mean, exp(log_var)) || N(0, I)) by dimension, in nats: (B, d). Kingma and Welling 2014, appendix B."""
    return 0.5 * (mean.square() + log_var.exp() - 1.0 - log_var)
