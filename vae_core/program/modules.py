"""Torch modules for operations that torch has no module for."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from vae_core.program.continuous_bernoulli import LARGEST_LOGIT, NEAR
from vae_core.program.convolutions import causal_mask


def continuous_bernoulli_mean(logit: Tensor) -> Tensor:
    """`continuous_bernoulli.mean` in torch."""
    size = logit.abs()
    near = size < NEAR
    # The form that is not used must stay finite, too: a gradient of 0 times infinity would be NaN.
    u = size.clamp(max=NEAR).square()
    series = logit * (1 / 12 - u * (1 / 720 - u * (1 / 30240 - u / 1209600)))
    size = size.clamp(min=NEAR)
    # Mean less one half is odd.
    return 0.5 + torch.where(near, series, torch.copysign(-1.0 / torch.expm1(-size) - 1.0 / size - 0.5, logit))


def bounded_logit(output: Tensor) -> Tensor:
    """`continuous_bernoulli.bounded_logit` in torch."""
    return LARGEST_LOGIT * torch.tanh(output / LARGEST_LOGIT)


class ContinuousBernoulliMean(nn.Module):
    """A decoder's output -> the mean of a continuous Bernoulli pixel, elementwise."""

    def forward(self, output: Tensor) -> Tensor:
        """(B, ...) -> the same shape, between 0 and 1."""
        return continuous_bernoulli_mean(bounded_logit(output))


class Residual(nn.Module):
    """x + body(x) (He et al. 2016): the layers learn the change.

    Args:
        layers: in order; the last gives as many numbers as the first takes.
    """

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.body = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """(B, ...) -> the same shape."""
        return x + self.body(x).view(x.shape)


class Permute(nn.Module):
    """Axes in another order.

    Args:
        axes: of one example, from 0: axis i of the output is axis axes[i] of the input.
    """

    def __init__(self, *axes: int) -> None:
        super().__init__()
        self.axes = axes

    def forward(self, x: Tensor) -> Tensor:
        """(B, ...) -> (B, ...)."""
        return x.permute(0, *(axis + 1 for axis in self.axes))


class MaskedConv2d(nn.Conv2d):
    """A convolution that sees only what comes before a pixel in reading order (van den Oord et al. 2016, PixelCNN).

    It keeps the map's size. Masked weights keep their values and get no gradient.

    Args:
        kind: ``A`` hides the pixel itself, as the first layer must; ``B`` sees it.
        channels_in, channels_out: of the maps.
        kernel_size: odd.
    """

    mask: Tensor

    def __init__(self, kind: str, channels_in: int, channels_out: int, kernel_size: int, bias: bool = True) -> None:
        if kernel_size % 2 == 0:
            raise ValueError(f"a masked convolution has a pixel in its middle: an odd kernel, not {kernel_size}")
        super().__init__(channels_in, channels_out, kernel_size, padding=kernel_size // 2, bias=bias)
        self.kind = kind
        mask = torch.from_numpy(causal_mask([kernel_size, kernel_size], kind))
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C', H, W)."""
        return functional.conv2d(x, self.weight * self.mask, self.bias, self.stride, self.padding)


class Nearest(nn.Module):
    """Which row of a codebook is nearest, the lowest where several are (van den Oord et al. 2017, VQ-VAE).

    Args:
        weight: (count, width), the codebook; may be another module's, such as an Embedding's.
    """

    def __init__(self, weight: nn.Parameter) -> None:
        super().__init__()
        self.weight = weight

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        """Features (B, ..., width) -> integers (B, ...)."""
        # From the differences, in float64: equal rows then have equal distances, and argmin takes the first.
        rows, codebook = x.double().flatten(0, -2), self.weight.double()
        away = torch.cdist(rows, codebook, compute_mode="donot_use_mm_for_euclid_dist")
        return away.argmin(dim=-1).view(x.shape[:-1])
