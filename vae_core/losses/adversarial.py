"""The losses of two networks that learn against each other, from the discriminator's logits; nats per image, (B,) each.

The discriminator's logit l says that an image is real with probability D = sigmoid(l).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional


def discriminator_loss(on_real: Tensor, on_made: Tensor) -> Tensor:
    """-ln D(x) - ln(1 - D(G(z))), for pairs of a real image and a made one (Goodfellow et al. 2014, eq. 1).

    Where it cannot tell them it is 2 ln 2 = 1.386 nats.
    """
    return functional.softplus(-on_real) + functional.softplus(on_made)


def non_saturating(on_made: Tensor) -> Tensor:
    """-ln D(G(z)): its gradient is largest where the discriminator is sure (Goodfellow et al. 2014, section 3)."""
    return functional.softplus(-on_made)


def minimax(on_made: Tensor) -> Tensor:
    """ln(1 - D(G(z))), of the same game of equation 1: its gradient vanishes where the discriminator is sure."""
    return -functional.softplus(on_made)


GENERATOR_LOSSES: dict[str, Callable[[Tensor], Tensor]] = {"non_saturating": non_saturating, "minimax": minimax}


def squared_slope(discriminator: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """‖dl/dx‖² at real images (B, D), which R1 weighs by gamma / 2 (Mescheder et al. 2018, eq. 9); differentiable.

    l is summed over the batch: where the discriminator sees a batch's spread, an image's slope counts what it does to
    the logits of the others too.
    """
    with torch.enable_grad():
        at = x.detach().requires_grad_()
        (slope,) = torch.autograd.grad(discriminator(at).sum(), at, create_graph=True)
        squared: Tensor = slope.square().sum(dim=1)
    return squared
